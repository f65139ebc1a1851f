"""What the maintainers declare about training in ftgate.yaml. None means "resolve it from the data and the model"."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

Method = Literal["qlora", "lora", "full"]
Tracker = Literal["wandb", "mlflow", "tensorboard", "trackio"]


class Prices(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What training costs, in any one currency; `as_of` is the day (ISO 8601) on which somebody looked it up.

    `per_hour` is of the machine that trains, all GPUs together; `per_million_tokens` is of a hosted service.
    """

    as_of: str
    currency: str = "USD"
    per_hour: float | None = None
    per_million_tokens: float | None = None


class Preflight(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What fails a pull request before anything is trained.

    `max_dropped`: share of the examples that may be dropped because they are too long or cannot be rendered.
    `min_trained`: least share of the tokens that carry loss. `min_steps`: fewest optimiser steps.
    `max_minutes`, `max_cost` (in the currency of the prices, which it needs) and `max_memory_gib` (of one GPU) bound
    the estimate of one training. `tokens_per_second` is what this machine was measured at, all GPUs together.
    """

    max_dropped: float = 0.05
    min_trained: float = 0.01
    min_steps: int = 10
    max_minutes: float | None = None
    max_cost: float | None = None
    max_memory_gib: float | None = None
    tokens_per_second: float | None = None
    prices: Prices | None = None


class Launch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """More than one process: `processes` on each of `nodes`. ftgate writes the launch, never its own distribution.

    `quant_storage` is the dtype that 4-bit weights are packed in; FSDP cannot shard uint8.
    `max_restarts`: how often torchrun starts all processes again when one dies.
    """

    processes: int = 1
    nodes: int = 1
    strategy: Literal["ddp", "fsdp"] = "ddp"
    launcher: Literal["torchrun", "accelerate"] = "torchrun"
    max_restarts: int = 1
    quant_storage: Literal["bfloat16", "uint8"] = "bfloat16"
    rendezvous: str | None = None


class Hosted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service behind the files and fine-tuning endpoints of the OpenAI API, for a base_model `hosted:NAME`.

    Without `base_url` OPENAI_BASE_URL is asked, else OpenAI's own service. `api_key_env` is the variable that holds
    the key. `deadline_hours`: a job that has not ended by then is cancelled.
    """

    base_url: str | None = None
    api_key_env: str = "OPENAI_API_KEY"
    suffix: str = "ftgate"
    learning_rate_multiplier: float | None = None
    poll_seconds: float = 10.0
    timeout_seconds: float = 120.0
    deadline_hours: float = 24.0


class Export(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`form` is what is served, and so what evaluate asks: the adapter on the base as trained, or a merged model.

    `min_agreement`: least share of top-1 tokens on which a merged form agrees with the trained one.
    """

    form: Literal["adapter", "merged-dequantised", "merged-16bit"] = "adapter"
    min_agreement: float = 0.98


class TrainingSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides of the resolved recipe, ceilings, and where it is trained.

    `batch_size` x `accumulation` examples are a step; all processes share them, and each takes `batch_size` at once.
    `alpha`: "2r" is twice the rank, "rslora" scales by the root of the rank, a number is fixed.
    `evaluations` is how often in an epoch the held-out loss is measured; `keep` the adapter of the lowest held-out loss
    or the last one; `overfitting` what a held-out loss does that rises while the training loss falls.
    `memory_gib` is that of one GPU; None asks the machine that trains. `report_to` names trackers, off by default.
    """

    method: Method = "qlora"
    rank: int | None = None
    alpha: int | Literal["2r", "rslora"] | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    schedule: Literal["cosine", "linear", "constant"] | None = None
    warmup: float | None = None
    batch_size: int | None = None
    accumulation: int | None = None
    dropout: float | None = None
    max_length: int | None = None
    compute_dtype: Literal["bfloat16", "float32"] | None = None
    batching: Literal["padding-free", "padded"] | None = None
    checkpointing: bool | None = None
    evaluations: int | None = None
    keep: Literal["best", "last"] | None = None
    overfitting: Literal["stop", "warn"] | None = None
    memory_gib: float | None = None
    seed: int = 42
    preflight: Preflight = Preflight()
    launch: Launch = Launch()
    hosted: Hosted = Hosted()
    export: Export = Export()
    report_to: tuple[Tracker, ...] = ()
    tracker_options: Mapping[str, str] = field(default_factory=dict)
