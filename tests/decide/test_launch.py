"""Command lines of torchrun and accelerate, held against their own parsers."""

import os
from argparse import Namespace
from collections.abc import Sequence
from typing import Any
from unittest import mock

import pytest

from ftgate.decide.launch import (
    NO_TELEMETRY,
    Meeting,
    Raw,
    command,
    environment,
    fsdp_environment,
    refusal,
    shell,
)
from ftgate.values.training_settings import Launch
from tests.decide.launching import recipe

# torch and accelerate warn about themselves when they are imported.
pytestmark = pytest.mark.filterwarnings("default")

MEETING = Meeting(host="node-0", port="29500", id="job-7", rank="1")


def torchrun(arguments: Sequence[str]) -> Namespace:
    from torch.distributed.run import get_args_parser

    assert arguments[:3] == ("python", "-m", "torch.distributed.run")
    parsed: Namespace = get_args_parser().parse_args(list(arguments[3:]))
    return parsed


def accelerate(arguments: Sequence[str]) -> Namespace:
    from accelerate.commands.launch import launch_command_parser

    assert arguments[:3] == ("python", "-m", "accelerate.commands.launch")
    parsed: Namespace = launch_command_parser().parse_args(list(arguments[3:]))
    return parsed


def test_torchrun_on_one_machine_lets_the_system_choose_the_port() -> None:
    told = torchrun(
        command(Launch(processes=4, max_restarts=3), recipe(4), "python", ("job.json", "--ftgate-logs", "l"))
    )
    assert (told.standalone, told.nproc_per_node, told.max_restarts, told.module) == (True, "4", 3, True)
    assert (told.training_script, told.training_script_args) == (
        "ftgate.edges.worker",
        ["job.json", "--ftgate-logs", "l"],
    )


def test_torchrun_on_several_nodes_has_them_meet() -> None:
    told = torchrun(command(Launch(processes=8, nodes=2), recipe(16), "python", ("j",), MEETING))
    assert (told.standalone, told.nnodes, told.nproc_per_node) == (False, "2", "8")
    assert (told.rdzv_backend, told.rdzv_endpoint, told.rdzv_id) == ("c10d", "node-0:29500", "job-7")


def test_accelerate_is_told_every_choice_so_that_no_file_of_the_home_makes_one() -> None:
    launch = Launch(processes=2, launcher="accelerate", max_restarts=2)
    told = accelerate(command(launch, recipe(2), "python", ("job.json",)))
    assert (told.num_processes, told.num_machines, told.machine_rank) == (2, 1, 0)
    assert (told.multi_gpu, told.use_fsdp, told.main_process_port, told.max_restarts) == (True, False, 0, 2)
    assert (told.mixed_precision, told.dynamo_backend, told.module) == ("no", "no", True)
    assert told.training_script_args == ["job.json"]


def test_accelerate_counts_the_processes_of_all_nodes() -> None:
    launch = Launch(processes=8, nodes=2, launcher="accelerate")
    told = accelerate(command(launch, recipe(16), "python", ("j",), MEETING))
    assert (told.num_processes, told.num_machines, told.machine_rank) == (16, 2, 1)
    assert (told.main_process_ip, told.main_process_port, told.rdzv_backend) == ("node-0", 29500, "c10d")


def workers_environment(told: Namespace) -> dict[str, str]:
    """What `accelerate launch` would tell its workers."""
    from accelerate.commands.launch import _validate_launch_command
    from accelerate.utils.launch import prepare_multi_gpu_env

    with mock.patch.dict(os.environ, {"PATH": os.defpath}, clear=True):
        checked: Any = _validate_launch_command(told)
        return dict(prepare_multi_gpu_env(checked[0]))


def test_fsdp_is_version_two_with_whole_states_in_accelerates_own_reading() -> None:
    launch = Launch(processes=2, strategy="fsdp", launcher="accelerate")
    told = accelerate(command(launch, recipe(2, strategy="fsdp"), "python", ("j",)))
    assert (told.use_fsdp, told.multi_gpu, told.fsdp_version) == (True, False, "2")
    read = workers_environment(told)
    assert read["ACCELERATE_USE_FSDP"] == "true"
    assert read["FSDP_VERSION"] == "2"
    assert read["FSDP_STATE_DICT_TYPE"] == "FULL_STATE_DICT"


def test_torchrun_tells_its_workers_of_fsdp_what_accelerate_would() -> None:
    launch = Launch(processes=2, strategy="fsdp", launcher="accelerate")
    read = workers_environment(accelerate(command(launch, recipe(2, strategy="fsdp"), "python", ("j",))))
    ours = fsdp_environment()
    assert ours
    assert {name: read.get(name) for name in ours} == ours
    told = environment({}, recipe(2, strategy="fsdp"), Launch(processes=2, strategy="fsdp"), ())
    assert ours.items() <= told.items()


def test_the_plugin_that_reads_this_environment_takes_it() -> None:
    from accelerate.utils import FullyShardedDataParallelPlugin

    with mock.patch.dict(os.environ, fsdp_environment()):
        plugin = FullyShardedDataParallelPlugin()
    assert (plugin.fsdp_version, plugin.reshard_after_forward) == (2, True)


@pytest.mark.parametrize(
    ("method", "storage", "strategy", "refused"),
    [
        ("qlora", "uint8", "fsdp", True),
        ("qlora", "bfloat16", "fsdp", False),
        ("qlora", "uint8", "ddp", False),
        ("lora", "uint8", "fsdp", False),
    ],
)
def test_fsdp_with_4_bit_weights_in_uint8_is_refused(
    method: str, storage: str, strategy: str, refused: bool
) -> None:
    why = refusal(recipe(2, method=method, quant_storage=storage, strategy=strategy))
    assert bool(why) is refused
    assert ("uint8" in why) is refused


OUTER = {
    "PATH": "/bin",
    "HOME": "/home/u",
    "CUDA_VISIBLE_DEVICES": "0,1",
    "NCCL_DEBUG": "INFO",
    "OPENAI_API_KEY": "sk-1",
    "GITHUB_TOKEN": "ghs_1",
    "HF_TOKEN": "hf_1",
    "AWS_SECRET_ACCESS_KEY": "aws",
    "NVIDIA_API_KEY": "nv",
    "WANDB_API_KEY": "wb",
    "WANDB_MODE": "offline",
    "MLFLOW_TRACKING_TOKEN": "ml",
    "HTTPS_PROXY": "http://proxy",
    "JUDGE_API_KEY": "j",
}


def test_workers_get_what_torch_needs_and_no_key_of_anybody() -> None:
    told = environment(OUTER, recipe(), Launch(processes=2), ())
    assert {"PATH", "HOME", "CUDA_VISIBLE_DEVICES", "NCCL_DEBUG"} <= told.keys()
    assert not {name for name in told if name.startswith(("WANDB_API", "MLFLOW_TRACKING"))}
    assert not set(told.values()) & {"sk-1", "ghs_1", "hf_1", "aws", "nv", "wb", "ml", "j", "http://proxy"}
    assert told["HF_HUB_OFFLINE"] == "1"
    assert NO_TELEMETRY.items() <= told.items()


def test_a_tracker_gets_its_own_key_and_no_other() -> None:
    told = environment(OUTER, recipe(), Launch(processes=2), ("wandb",))
    assert (told["WANDB_API_KEY"], told["WANDB_MODE"], told["HTTPS_PROXY"]) == (
        "wb",
        "offline",
        "http://proxy",
    )
    assert not {"MLFLOW_TRACKING_TOKEN", "HF_TOKEN", "OPENAI_API_KEY", "GITHUB_TOKEN"} & told.keys()
    assert "WANDB_MODE" not in environment({"PATH": "/bin"}, recipe(), Launch(processes=2), ("wandb",))


def test_only_what_is_raw_is_left_for_a_shell() -> None:
    assert shell(("a b", "$HOME", Raw('"$1"'), "`x`")) == "'a b' '$HOME' \"$1\" '`x`'"
