"""What is known before anything is trained: facts that the tokenizer gives, and what follows from them."""

from collections.abc import Mapping

from msgspec import Struct

from ftgate.values.training import BaseModel, Basis, Recipe
from ftgate.values.training_settings import Preflight as Limits


class LeftOut(Struct, frozen=True, kw_only=True):
    """An example that would not be trained, or not to its end: where it stands, and why."""

    path: str
    line: int
    reason: str


class Facts(Struct, frozen=True, kw_only=True):
    """What the machine saw that has the tokenizer; nothing in it is a judgement.

    `data_sha256` is that of the examples of `commit`. `tokens` and `trained` (those that carry loss) are of the
    examples that are trained, once, as `rows` (more than examples where a template wants several for one); the others
    are `dropped`. `unstopped` counts the trained examples in which the
    end of a turn carries no loss. `left_out` and `endless` name at most SHOWN of each. `exact` is False where tokens
    are estimated from bytes.

    `template_before` is the digest of the chat template that the baseline `template_of` was trained with; both are ""
    where none is on record. `pinned`: whether the settings name the base model's revision.
    `hardware` is the name of the GPU. `measured` are tokens a second of an earlier training that `measured_by` names.
    `day` is the one of the preflight (ISO 8601).
    """

    commit: str
    data_sha256: str
    base_model: BaseModel
    basis: Basis
    tokens: int
    trained: int
    rows: int = 0
    dropped: int = 0
    unstopped: int = 0
    left_out: tuple[LeftOut, ...] = ()
    endless: tuple[LeftOut, ...] = ()
    exact: bool = True
    held_out: int = 0
    template_before: str = ""
    template_of: str = ""
    pinned: bool = True
    hosted: bool = False
    hardware: str = ""
    measured: float | None = None
    measured_by: str = ""
    versions: Mapping[str, str] = {}
    day: str = ""

    @property
    def used(self) -> int:
        """Examples that are trained."""
        return max(self.basis.examples - self.dropped, 0)


SHOWN = 20


class Memory(Struct, frozen=True, kw_only=True):
    """Bytes of one GPU: weights at rest, adapters with gradients and optimiser, activations, and what the runtime
    takes."""

    weights: int
    adapters: int
    activations: int
    reserve: int

    @property
    def total(self) -> int:
        """All of it at the peak of a step."""
        return self.weights + self.adapters + self.activations + self.reserve


class Span(Struct, frozen=True, kw_only=True):
    """An estimate that is honest about its width; `source` says what it rests on."""

    low: float
    high: float
    source: str

    @property
    def told(self) -> str:
        """`6`, `6 to 23`, `0.05 to 0.2`: both ends in two digits, one where they are the same."""
        low, high = _number(self.low), _number(self.high)
        return low if low == high else f"{low} to {high}"


def _number(value: float) -> str:
    """A quantity in two digits, never in powers of ten; a stored one may be anything."""
    if not 0 <= value < 1e9:
        return "unknown"
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


class Readiness(Struct, frozen=True, kw_only=True):
    """The preflight of one candidate: facts, and what recipe, limits and estimates follow from them and the settings.

    `minutes` and `cost` (in `currency`) are of one training; they and `memory` are None where they are not known, and
    `unknown` says why, by name. `steps` are 0 where a service chooses their size. `hints` are what a maintainer could
    choose otherwise.
    """

    facts: Facts
    recipe: Recipe
    limits: Limits
    steps: int
    warmup_steps: int
    memory: Memory | None = None
    minutes: Span | None = None
    cost: Span | None = None
    currency: str = "USD"
    unknown: Mapping[str, str] = {}
    hints: tuple[str, ...] = ()
