"""Recipe and the record of one training."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from ftgate.values.training_settings import Method

ADAPTER_CONFIG = "adapter_config.json"


class Recipe(Struct, frozen=True, kw_only=True):
    """Frozen training settings. `reasons` names every choice and says where it comes from.

    `rank` and `alpha` are 0 where all weights are trained; `rslora` divides alpha by the root of the rank instead of
    the rank. `warmup` is a share of the steps; `max_length` counts tokens of the rendered conversation. A step takes
    `batch_size` (of one process) x `accumulation` x `processes` examples. `batching` says whether the examples of a
    batch are joined without padding, each attending to itself alone, or padded to the longest.

    The held-out loss is measured `evaluations` times in an epoch; `keep` says which adapter is kept, and
    `stop_overfitting` whether a held-out loss that rises while the training loss falls ends the training.
    """

    method: Method
    rank: int
    alpha: int
    rslora: bool = False
    dropout: float
    epochs: int
    learning_rate: float
    schedule: Literal["cosine", "linear", "constant"]
    warmup: float
    batch_size: int
    accumulation: int
    processes: int = 1
    strategy: Literal["single", "ddp", "fsdp"] = "single"
    quant_storage: Literal["bfloat16", "uint8"] = "uint8"
    max_length: int
    compute_dtype: Literal["bfloat16", "float32"]
    batching: Literal["padding-free", "padded"] = "padded"
    checkpointing: bool = False
    evaluations: int = 4
    keep: Literal["best", "last"] = "best"
    stop_overfitting: bool = True
    seed: int
    reasons: Mapping[str, str]

    @property
    def step_examples(self) -> int:
        """Examples of one optimiser step, over all processes."""
        return self.batch_size * self.accumulation * self.processes


class Basis(Struct, frozen=True, kw_only=True):
    """What a recipe was resolved from, as the machine that trains saw it.

    `tokens` of all `examples`, of the `longest` and the `median` one; `memory` is that of one GPU in bytes, None where
    it is not known. `tokenised` and `template` are digests (SHA-256, 64 hex digits) of ids with labels, and of the
    chat template.
    """

    examples: int
    tokens: int = 0
    longest: int = 0
    median: int = 0
    memory: int | None = None
    tokenised: str = ""
    template: str = ""


class LossPoint(Struct, frozen=True, kw_only=True):
    """Mean negative log likelihood per trained token, in nats, at an optimiser step."""

    step: int
    epoch: float
    train: float | None = None
    held_out: float | None = None


class Training(Struct, frozen=True, kw_only=True):
    """One trained adapter: what it was trained from, what happened, and the digest that proves it.

    `key` names base model, recipe, data, seed and library versions: the same key never trains twice.
    `failure` says why there is no usable adapter; then `adapter_sha256` is empty.
    `best_step` is the optimiser step whose adapter was kept. `stopped` says why training ended before its last step, ""
    when it did not. `events` tells in order what did not go straight: resumed, out of memory, restarted, stopped.
    `hardware` names what it ran on, `peak_memory` is in bytes of one GPU (0 where it was not measured).
    `model` is the id that a hosted service gave the tuned model; then the adapter is only its record.
    `form` says what is served, and so what is evaluated.
    """

    key: str
    commit: str
    adapter: str
    adapter_sha256: str
    examples: int
    data_sha256: str
    recipe: Recipe
    curve: tuple[LossPoint, ...] = ()
    steps: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    dropped: int = 0
    seconds: float = 0.0
    failure: str | None = None
    reused: bool = False
    versions: Mapping[str, str] = {}
    basis: Basis | None = None
    best_step: int = 0
    stopped: str = ""
    events: tuple[str, ...] = ()
    hardware: str = ""
    peak_memory: int = 0
    model: str = ""
    form: Literal["adapter", "merged-dequantised", "merged-16bit", "full", "hosted"] = "adapter"


class Shape(Struct, frozen=True, kw_only=True):
    """Sizes of a model as its config.json tells them, for estimates; 0 is unknown, and is told as that.

    `hidden`, `intermediate` and `head` are widths, `experts` is the number of experts of a mixture (0 for none).
    `tied`: embeddings and head are one matrix. `attention` says what layers look at other tokens with: "full" only
    masked attention, "linear" also a state that runs through the whole row (state space, linear attention, recurrence).
    """

    type: str = ""
    hidden: int = 0
    layers: int = 0
    intermediate: int = 0
    heads: int = 0
    kv_heads: int = 0
    head: int = 0
    vocabulary: int = 0
    experts: int = 0
    tied: bool = True
    attention: Literal["full", "linear", "unknown"] = "unknown"


class BaseModel(Struct, frozen=True, kw_only=True):
    """The untuned model, pinned. `location` is what the loader takes; `sha256` covers weights and tokenizer.

    `parameters` and `max_length` (tokens) are 0 where they are not known.
    """

    name: str
    revision: str
    sha256: str
    parameters: int
    location: str
    max_length: int
    shape: Shape = Shape()
