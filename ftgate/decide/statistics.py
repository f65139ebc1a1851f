"""Statistics of pass/fail pairs: what `broken` and `fixed` pairs among a number of examples allow to say.

Exact or closed-form, so that a stored run gives the same numbers for ever. `broken` passed for the reference
and fails for the candidate, `fixed` the reverse; all other pairs agree.
"""

import math

from msgspec import Struct

Z_95 = 1.6448536269514722
"""Standard normal quantile of one-sided 95 %."""
Z_POWER = 0.8416212335729143
"""Standard normal quantile of power 0.8."""


class Interval(Struct, frozen=True, kw_only=True):
    """Change of the pass rate with its one-sided 95 % bounds, all in -1..1."""

    difference: float
    lower: float
    upper: float


def sign_test(worse: int, better: int) -> float:
    """Probability of at least `worse` of the discordant pairs going down if either way were as likely.

    The exact one-sided sign test, which is McNemar's: 1 without discordant pairs.
    """
    pairs = worse + better
    term = total = math.comb(pairs, worse)
    for k in range(worse, pairs):
        term = term * (pairs - k) // (k + 1)
        total += term
    # Python divides integers of any length correctly rounded, so thousands of pairs overflow nothing.
    return total / (1 << pairs)


def interval(broken: int, fixed: int, examples: int) -> Interval | None:
    """Bonett and Price (2012), adjusted Wald interval for a paired difference of rates; None of nothing.

    Adds one pair to either discordant count, so it has a width even where all pairs agree or all are broken.
    """
    if examples == 0:
        return None
    middle, variance = _adjusted(broken, fixed, examples)
    half = Z_95 * math.sqrt(variance / (examples + 2))
    return Interval(
        difference=(fixed - broken) / examples,
        lower=max(-1.0, middle - half),
        upper=min(1.0, middle + half),
    )


def exact_bounds(passed: int, total: int) -> tuple[float, float]:
    """Clopper and Pearson's one-sided 95 % bounds of a rate, each in 0..1.

    Raises ValueError where there is no rate.
    """
    if not 0 <= passed <= total or total == 0:
        raise ValueError(f"{passed} of {total} is no rate")
    from scipy.stats import beta

    lower = float(beta.ppf(0.05, passed, total - passed + 1)) if passed else 0.0
    upper = float(beta.ppf(0.95, passed + 1, total - passed)) if passed < total else 1.0
    return lower, upper


def needed(broken: int, fixed: int, examples: int, margin: float) -> int | None:
    """About how many examples decide at a margin, with power 0.8 if there is no true difference.

    n = (z(.95) + z(.8))^2 variance / margin^2, with the variance of the differences seen so far, and never
    fewer than pass when no pair flips. None where nothing was seen or the margin leaves no room.
    """
    if examples == 0 or not margin > 0:
        return None
    _, variance = _adjusted(broken, fixed, examples)
    by_power = math.ceil((Z_95 + Z_POWER) ** 2 * variance / margin**2)
    return max(by_power, math.ceil(Z_95 * math.sqrt(2) / margin) - 2, 1)


def _adjusted(broken: int, fixed: int, examples: int) -> tuple[float, float]:
    down, up = (broken + 1) / (examples + 2), (fixed + 1) / (examples + 2)
    return up - down, down + up - (up - down) ** 2
