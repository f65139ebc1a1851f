"""More than one process: who may be launched how, as lists of arguments. Nothing here runs anything.

ftgate never distributes anything itself: torchrun (or `accelerate launch`, which hands on to it) starts the processes,
has them meet, and starts all of them again when one dies.
"""

from collections.abc import Mapping, Sequence
from shlex import quote
from typing import Any

from msgspec import Struct

from ftgate.values.training import Recipe
from ftgate.values.training_settings import Launch, Tracker

WORKER = "ftgate.edges.worker"

NO_TELEMETRY = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "WANDB_ERROR_REPORTING": "false",
}
"""What keeps libraries of training and trackers from reporting about their users (TRL does whenever a trainer is made).
"""

OWN_STORE = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
"""A store of addresses for every attempt. torch's launcher keeps one for all of them: a rank that was started again may
read where its peer listened before it died, and waits there for half an hour."""

_NAMES = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD"),
    *("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE"),
)
_PREFIXES = (
    *("CUDA_", "NVIDIA_", "NCCL_", "GLOO_", "HIP_", "HSA_", "ROCR_", "TORCH_", "PYTORCH_"),
    *("TORCHINDUCTOR_", "TRITON_", "OMP_", "MKL_", "UCX_", "FI_"),
)
_SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_ONLINE = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_TRACKERS: Mapping[Tracker, tuple[str, ...]] = {
    "wandb": ("WANDB_",),
    "mlflow": ("MLFLOW_",),
    "trackio": ("TRACKIO_", "HF_TOKEN"),
}


class Raw(str):
    """An argument that a shell is to expand; all others are quoted."""

    __slots__ = ()


class Meeting(Struct, frozen=True, kw_only=True):
    """Where the nodes meet: `host`, `port`, an `id` that is the launch's own, and `rank`, this node's number."""

    host: str
    port: str
    id: str
    rank: str


def refusal(recipe: Recipe) -> str:
    """Why this recipe cannot be launched; "" when it can."""
    if recipe.strategy == "fsdp" and recipe.method == "qlora" and recipe.quant_storage == "uint8":
        return (
            "training.launch: FSDP cannot shard 4-bit weights that are packed in uint8: "
            "it crashes, or trains at a loss of 0.0"
        )
    return ""


def command(
    launch: Launch, recipe: Recipe, python: str, worker: Sequence[str], meeting: Meeting | None = None
) -> tuple[str, ...]:
    """The command of one node: an argument list, never a line for a shell.

    `worker` is what follows the worker's module: the job and its options. Without a meeting there is one node, and the
    system chooses the port.
    """
    if launch.launcher == "torchrun":
        started = ("-m", "torch.distributed.run", *_torchrun(launch, meeting))
    else:
        started = ("-m", "accelerate.commands.launch", *_accelerate(launch, recipe, meeting))
    return (python, *started, "-m", WORKER, *worker)


def _torchrun(launch: Launch, meeting: Meeting | None) -> tuple[str, ...]:
    every = ("--nproc-per-node", str(launch.processes), "--max-restarts", str(launch.max_restarts))
    if meeting is None:
        return ("--standalone", *every)
    met = ("--rdzv-backend", "c10d", "--rdzv-endpoint", type(meeting.host)(f"{meeting.host}:{meeting.port}"))
    return ("--nnodes", str(launch.nodes), *met, "--rdzv-id", meeting.id, *every)


def _accelerate(launch: Launch, recipe: Recipe, meeting: Meeting | None) -> tuple[str, ...]:
    """Every choice is spelt out: what is left out is taken from a file in the user's home."""
    options = {
        "--num_processes": str(launch.processes * launch.nodes),
        "--num_machines": str(launch.nodes),
        "--machine_rank": meeting.rank if meeting else "0",
        "--mixed_precision": "no",  # the trainer says it itself, from the recipe
        "--dynamo_backend": "no",
        "--gpu_ids": "all",
        "--max_restarts": str(launch.max_restarts),
    }
    if meeting:
        options |= {"--main_process_ip": meeting.host, "--rdzv_backend": "c10d"}
    options["--main_process_port"] = meeting.port if meeting else "0"
    if recipe.strategy == "fsdp":
        return ("--use_fsdp", *_flat(options | _FSDP))
    return ("--multi_gpu", *_flat(options))


_FSDP = {
    "--fsdp_version": "2",
    "--fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
    "--fsdp_reshard_after_forward": "true",
    "--fsdp_state_dict_type": "FULL_STATE_DICT",
    "--fsdp_cpu_ram_efficient_loading": "true",
    "--fsdp_offload_params": "false",
}
"""FSDP2. Whole state dictionaries, because an adapter is one file."""


def fsdp_environment() -> dict[str, str]:
    """What `accelerate launch` would have told the workers: torchrun starts them without it."""
    told = {option.lstrip("-").upper(): value for option, value in _FSDP.items()}
    return {"ACCELERATE_USE_FSDP": "true", **told}


def _flat(options: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(part for pair in options.items() for part in pair)


def environment(
    outer: Mapping[str, str], recipe: Recipe, launch: Launch, report_to: Sequence[Tracker]
) -> dict[str, str]:
    """What the processes are told of ftgate's own environment: what torch needs, and what a tracker asked for needs.

    Keys of the judge, of GitHub and of hosted services stay behind: workers read what a pull request brings. Without a
    tracker they fetch nothing either, as base model and data are at hand.
    """
    prefixes = tuple(prefix for tracker in report_to for prefix in _TRACKERS.get(tracker, ()))
    names = (*_NAMES, *_ONLINE, *(name.lower() for name in _ONLINE)) if prefixes else _NAMES
    passed = {name: value for name, value in outer.items() if name in names or _of_torch(name)}
    passed |= {name: value for name, value in outer.items() if prefixes and name.startswith(prefixes)}
    own = {
        **OWN_STORE,
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": outer.get("OMP_NUM_THREADS", "1"),
    }
    if not prefixes:
        own["HF_HUB_OFFLINE"] = "1"
    if recipe.strategy == "fsdp" and launch.launcher == "torchrun":
        own |= fsdp_environment()
    return {**NO_TELEMETRY, **passed, **own}


def _of_torch(name: str) -> bool:
    return name.startswith(_PREFIXES) and not any(word in name for word in _SECRET)


def shell(arguments: Sequence[str]) -> str:
    """One line of a POSIX shell; only what is Raw is expanded."""
    return " ".join(argument if isinstance(argument, Raw) else quote(argument) for argument in arguments)


def plain(value: Any) -> str:
    """A value for a line of a script that no shell expands. Raises ValueError for what could end the line."""
    text = str(value)
    if not text or not text.isprintable():
        raise ValueError(f"{text!r} cannot stand in a launch file")
    return text
