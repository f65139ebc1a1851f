"""Statistics of scores: what paired differences of one criterion allow to say about its mean.

A difference is the candidate's score minus the reference's on one prompt. Bounds are one-sided 95 %. Prompts that
share a group (a template, a conversation) count as one piece of evidence: errors are clustered.
"""

import math
from collections.abc import Sequence

from msgspec import Struct

from ftgate.decide.statistics import Z_95, Z_POWER

LEVEL = 0.95
_POWER = 0.8
_RESAMPLES = 9_999
_SEED = 20_090_917
_AT_ONCE = 2_000_000
"""Draws of a bootstrap that are in memory together; they are the same ones however many."""


class Bounds(Struct, frozen=True, kw_only=True):
    """A mean with its one-sided 95 % bounds, in the unit of what was averaged.

    `clusters` is the number of independent pieces of evidence. `constant` says that all values were equal, and that
    the width comes from one unit up and one down (see `mean_bounds`).
    """

    mean: float
    lower: float
    upper: float
    deviation: float
    clusters: int
    constant: bool = False


def mean_bounds(values: Sequence[float], unit: float = 1.0, groups: Sequence[str] = ()) -> Bounds | None:
    """Student's t bounds of a mean, with clustered errors where `groups` names what values belong together.

    Values that are all equal leave t without a width, and a few of them would then prove anything: one value a
    `unit` above and one below are added for the width, as Bonett and Price add pairs to rates. Clusters as in
    Miller (2024), "Adding error bars to evals", with G/(G-1) for few of them. None of no value, of a value that
    is not finite, or of a single cluster that differs.
    """
    if not values or not all(map(math.isfinite, values)):
        return None
    keys = list(groups) if groups else [str(i) for i in range(len(values))]
    if len(keys) != len(values):
        raise ValueError(f"{len(values)} values in {len(keys)} groups")
    # Sorted, so that the order of the items cannot change the last bit of a sum.
    pairs = sorted(zip(values, keys, strict=True))
    mean = math.fsum(value for value, _ in pairs) / len(pairs)
    sums: dict[str, float] = {}
    for value, key in pairs:
        sums[key] = sums.get(key, 0.0) + value - mean
    clusters, deviation = len(sums), _deviation([value for value, _ in pairs], mean)
    if pairs[0][0] == pairs[-1][0]:
        return _constant(mean, unit, clusters)
    if clusters < 2:
        return None
    spread = math.fsum(total**2 for total in sums.values()) * clusters / (clusters - 1)
    half = _t(clusters - 1) * math.sqrt(spread) / len(pairs)
    return Bounds(mean=mean, lower=mean - half, upper=mean + half, deviation=deviation, clusters=clusters)


def bootstrap_bounds(values: Sequence[float]) -> tuple[float, float] | None:
    """BCa bounds of a mean (Efron 1987), as a cross-check of t: no shape is assumed. None where it has no answer.

    The resampling is seeded and the values sorted, so that a stored run gives the same bounds for ever.
    """
    if len(values) < 3 or not all(map(math.isfinite, values)) or min(values) == max(values):
        return None
    import numpy
    from scipy.stats import bootstrap

    found = bootstrap(
        (sorted(values),),
        numpy.mean,
        n_resamples=_RESAMPLES,
        batch=max(1, _AT_ONCE // len(values)),
        confidence_level=2 * LEVEL - 1,
        method="BCa",
        rng=numpy.random.default_rng(_SEED),
    ).confidence_interval
    low, high = float(found.low), float(found.high)
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def items_needed(deviation: float, margin: float) -> int | None:
    """Items that prove a mean difference to be within a margin, with power 0.8 if there is no true difference.

    By the noncentral t, from the normal approximation ((z(.95) + z(.8)) deviation / margin)^2 up. None where the
    margin leaves no room.
    """
    if not margin > 0 or not math.isfinite(deviation):
        return None
    from scipy.stats import nct

    items = max(2, math.ceil(((Z_95 + Z_POWER) * deviation / margin) ** 2))
    while deviation > 0 and nct.sf(_t(items - 1), items - 1, math.sqrt(items) * margin / deviation) < _POWER:
        items += 1
    return items


def detectable(deviation: float, items: int) -> float | None:
    """Smallest true drop of a mean that `items` pairs show with power 0.8, by Student's t; None below two items."""
    if items < 2:
        return None
    from scipy.optimize import brentq
    from scipy.stats import nct

    critical = _t(items - 1)
    if deviation <= 0:
        return 0.0
    shift = brentq(lambda d: nct.sf(critical, items - 1, d) - _POWER, 0.0, 50.0)
    return float(shift * deviation / math.sqrt(items))


def detectable_rate(items: int, flips: float = 0.05) -> float | None:
    """Smallest true drop of a pass rate that the exact sign test shows in `items` pairs with power 0.8.

    `flips` is the share of prompts that the candidate wins by chance, and loses by chance beside the drop. None when
    even a drop of everything would not show.
    """
    for percent in range(1, 101):
        if _sign_power(items, flips, min(1.0 - flips, flips + percent / 100)) >= _POWER:
            return percent / 100
    return None


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values, in the order given: the chance of one false alarm among all stays the level.

    A p-value that is no number counts as 1: what is not known proves nothing.
    """
    known = [1.0 if not (0.0 <= p <= 1.0) else p for p in p_values]
    order = sorted(range(len(known)), key=known.__getitem__)
    adjusted, worst = [1.0] * len(known), 0.0
    for rank, index in enumerate(order):
        worst = max(worst, min(1.0, known[index] * (len(known) - rank)))
        adjusted[index] = worst
    return adjusted


def _sign_power(items: int, wins: float, losses: float) -> float:
    """Chance that losses outnumber wins by enough, over all numbers of pairs that flip (Connor 1987)."""
    import numpy
    from scipy.stats import binom

    flipping = wins + losses
    pairs = numpy.arange(items + 1)
    # The smallest number of losses that the test calls worse; above `pairs` there is none.
    critical = binom.ppf(LEVEL, pairs, 0.5) + 1
    chances = binom.pmf(pairs, items, flipping) * binom.sf(critical - 1, pairs, losses / flipping)
    return float(chances[critical <= pairs].sum())


def _constant(mean: float, unit: float, clusters: int) -> Bounds:
    number = clusters + 2
    deviation = unit * math.sqrt(2 / (number - 1))
    half = _t(number - 1) * deviation / math.sqrt(number)
    return Bounds(
        mean=mean,
        lower=mean - half,
        upper=mean + half,
        deviation=deviation,
        clusters=clusters,
        constant=True,
    )


def _deviation(values: Sequence[float], mean: float) -> float:
    if len(values) < 2:
        return 0.0
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _t(freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf(LEVEL, freedom))
