"""The candidate against its reference: what decide/ makes of the arms."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from ftgate.values.evaluation import Arm

Criterion = Literal["correctness", "format", "completeness"]


class Paired(Struct, frozen=True, kw_only=True):
    """Held-out examples, candidate against baseline, paired by prompt.

    `total` is the number planned, `graded` the number with a pass or fail on both sides; `fixed` and `broken`
    are the discordant pairs. `difference` is the change of the pass rate with its one-sided 95 % bounds
    (Bonett and Price 2012); `p_worse` is the exact one-sided sign test. None where nothing was graded.
    `needed` is the number of examples that would decide (power 0.8, no true difference).
    """

    reference: Arm
    total: int
    graded: int
    fixed: int
    broken: int
    difference: float | None
    lower: float | None
    upper: float | None
    p_worse: float | None
    needed: int | None


class Forgetting(Struct, frozen=True, kw_only=True):
    """Probes of general ability, candidate against base: ids lost and gained, and the exact one-sided sign test."""

    asked: int
    ungraded: int
    lost: tuple[str, ...]
    gained: tuple[str, ...]
    p_worse: float


class Headroom(Struct, frozen=True, kw_only=True):
    """Training examples that the base already answers rightly, of those sampled; the share's one-sided 95 % bounds
    (Clopper and Pearson) are in 0..1. `corrected`: for the errors of the judge, so they need not hold `right`."""

    sampled: int
    graded: int
    right: int
    lower: float
    upper: float
    corrected: bool = False


class Mean(Struct, frozen=True, kw_only=True):
    """Mean score (1 to 5) of one arm over `graded` prompts, with its one-sided 95 % bounds."""

    graded: int
    mean: float
    lower: float
    upper: float


class ScoreChange(Struct, frozen=True, kw_only=True):
    """A judge's criterion on the held-out set, candidate minus reference, paired by prompt.

    `total` prompts ask a judge, `graded` have a score on both sides, in `clusters` independent pieces of evidence.
    `difference` with its one-sided 95 % bounds is of the graded ones; `boot_lower` and `boot_upper` are the bootstrap's
    (BCa), of the first criterion alone. `state`: held within the margin, worse, or undecided, with what is ungraded at
    its worst either way. `needed` prompts would decide; `detectable` is the drop that these show (power 0.8).
    """

    criterion: Criterion
    total: int
    graded: int
    clusters: int
    arms: Mapping[str, Mean]
    difference: float | None
    lower: float | None
    upper: float | None
    boot_lower: float | None = None
    boot_upper: float | None = None
    state: Literal["held", "worse", "undecided"]
    needed: int | None = None
    detectable: float | None = None


class Power(Struct, frozen=True, kw_only=True):
    """What the sets of a run can show at all, with power 0.8: the smallest drop of the held-out pass rate (0..1) and of
    mean correctness. None where even the largest would not show."""

    held_out: int
    rate: float | None
    scored: int = 0
    score: float | None = None


class Past(Struct, frozen=True, kw_only=True):
    """A regression prompt in the last promotions that asked it, the newest first: P passed, F failed, U ungraded."""

    prompt: str
    outcomes: str


class Comparison(Struct, frozen=True, kw_only=True):
    """Regression prompts, candidate against baseline, by prompt id; each is in exactly one list.

    `wavering` passed for the reference and fail for the candidate, but not when asked again.
    `past` tells of broken and wavering prompts how they did before; `removed` were asked at the last promotion and are
    no prompts of the base branch any more.
    """

    reference: Arm
    fixed: tuple[str, ...]
    broken: tuple[str, ...]
    same: tuple[str, ...]
    new: tuple[str, ...]
    missing: tuple[str, ...]
    ungraded: tuple[str, ...]
    wavering: tuple[str, ...] = ()
    held_out: Paired
    scores: tuple[ScoreChange, ...] = ()
    headroom: Headroom | None = None
    forgetting: Forgetting | None = None
    power: Power | None = None
    past: tuple[Past, ...] = ()
    removed: tuple[str, ...] = ()
