"""What is told about one artefact beside it: everything but the data, which may hold secrets."""

import math
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from ftgate.values.training import Basis, LossPoint, Recipe

RUN_CARD_SCHEMA = "ftgate.run-card/1"
Form = Literal["adapter", "merged-dequantised", "merged-16bit", "full", "hosted"]


class CardBase(Struct, frozen=True, kw_only=True):
    """The untuned model, without where it lay. `sha256` covers weights, tokenizer and chat template."""

    name: str
    revision: str
    sha256: str
    parameters: int


class Agreement(Struct, frozen=True, kw_only=True):
    """An exported form against the trained one, teacher-forced on the same tokens.

    `tokens` were scored in `texts` texts; `top1` is the share on which both have the same most likely next token.
    `nll_trained` and `nll_exported` are mean negative log likelihoods in nats per token. `minimum` is what the settings
    ask of `top1`.
    """

    texts: int
    tokens: int
    top1: float
    nll_trained: float
    nll_exported: float
    minimum: float

    @property
    def holds(self) -> bool:
        """Whether enough tokens agree. Nothing that was not measured does."""
        return self.tokens > 0 and self.top1 >= self.minimum

    @property
    def shown(self) -> str:
        """The share in percent, never rounded up."""
        return f"{math.floor(self.top1 * 10_000) / 100:.2f} %"


class Exported(Struct, frozen=True, kw_only=True):
    """A form that is served instead of what was trained. `sha256` covers weights, configuration and tokenizer."""

    form: Form
    sha256: str
    agreement: Agreement | None = None


class RunCard(Struct, frozen=True, kw_only=True):
    """One training and what came of it. `data_sha256` names the examples; `agreement` is of an exported form."""

    schema: str = RUN_CARD_SCHEMA
    ftgate: str
    key: str
    form: Form
    adapter_sha256: str
    commit: str
    base_model: CardBase
    data_sha256: str
    examples: int
    dropped: int
    recipe: Recipe
    basis: Basis | None
    curve: tuple[LossPoint, ...]
    steps: int
    best_step: int
    stopped: str
    events: tuple[str, ...]
    tokens: int
    trained_tokens: int
    seconds: float
    hardware: str
    peak_memory: int
    versions: Mapping[str, str]
    agreement: Agreement | None = None
