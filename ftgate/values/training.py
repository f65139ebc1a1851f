"""Recipe and the record of one training."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

ADAPTER_CONFIG = "adapter_config.json"


class Recipe(Struct, frozen=True, kw_only=True):
    """Frozen training settings. `reasons` names every choice and says where it comes from.

    `warmup` is a share of the steps; `max_length` counts tokens of the rendered conversation.
    """

    method: Literal["qlora", "lora"]
    rank: int
    alpha: int
    dropout: float
    epochs: int
    learning_rate: float
    schedule: Literal["cosine"]
    warmup: float
    batch_size: int
    accumulation: int
    max_length: int
    compute_dtype: Literal["bfloat16", "float32"]
    seed: int
    reasons: Mapping[str, str]


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


class BaseModel(Struct, frozen=True, kw_only=True):
    """The untuned model, pinned. `location` is what the loader takes; `sha256` covers weights and tokenizer."""

    name: str
    revision: str
    sha256: str
    parameters: int
    location: str
    max_length: int
