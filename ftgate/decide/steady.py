"""Bounds of a mean on which worse evidence is never better: what Student's t lacks, as an outlier widens it both ways.

A candidate whose every score is half a point lower is proved worse by t; lower one of its scores by four points more,
and the width grows faster than the mean falls, so that nothing is proved any more. Here a difference that is far off
counts as less far off where that is to its own side's disadvantage: the upper bound is the least that t gives when the
lowest differences are raised to a common level, the lower bound the greatest when the highest are lowered. Raising
differences can only make a drop smaller, so that what is proved of the raised ones holds for the true ones. t is convex
in the differences, which makes that level the best of all ways of raising them, and the bounds monotone; with groups
of unequal sizes this is close and not exact.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache

from msgspec import Struct

from ftgate.decide.scores import LEVEL, Bounds

_STEPS = 60
_GOLDEN = (math.sqrt(5) - 1) / 2


class _Piece(Struct, frozen=True):
    """Prompts that are one piece of evidence: the mean of their values, and their share of all prompts."""

    mean: float
    share: float


def steady_bounds(values: Sequence[float], groups: Sequence[str] = (), level: float = LEVEL) -> Bounds | None:
    """One-sided bounds of a mean of whole scores at a level, clustered by `groups`, never narrower than those of values
    that are all equal (`scores.mean_bounds`). None of no value, or of one that is not finite.
    """
    if not values or not all(map(math.isfinite, values)):
        return None
    pieces = _pieces(values, groups)
    mean = math.fsum(p.mean * p.share for p in pieces)
    error = _error(pieces, mean)
    flipped = sorted((_Piece(-p.mean, p.share) for p in pieces), key=lambda p: (p.mean, p.share))
    return Bounds(
        mean=mean,
        lower=-_upper(flipped, level),
        upper=_upper(pieces, level),
        deviation=error * math.sqrt(len(values)),
        clusters=len(pieces),
        constant=min(values) == max(values),
    )


def independent(values: Sequence[float], groups: Sequence[str] = ()) -> list[float]:
    """One value for each piece of evidence, with the same mean and the same error: what a bootstrap may draw from."""
    pieces = _pieces(values, groups)
    mean = math.fsum(p.mean * p.share for p in pieces)
    return [mean + len(pieces) * p.share * (p.mean - mean) for p in pieces]


def _pieces(values: Sequence[float], groups: Sequence[str]) -> list[_Piece]:
    """Sorted, so that the order of the prompts cannot change the last bit of a sum."""
    found: dict[str, list[float]] = {}
    for number, value in enumerate(values):
        found.setdefault(groups[number] if groups else str(number), []).append(value)
    pieces = [_Piece(math.fsum(of) / len(of), len(of) / len(values)) for of in found.values()]
    return sorted(pieces, key=lambda piece: (piece.mean, piece.share))


def _upper(pieces: Sequence[_Piece], level: float) -> float:
    """The least upper bound over all levels to which the lowest pieces may be raised."""
    width, least = _t(max(len(pieces) - 1, 1), level), _least(len(pieces), level)

    def bound(floor: float) -> float:
        raised = [_Piece(max(p.mean, floor), p.share) for p in pieces]
        mean = math.fsum(p.mean * p.share for p in raised)
        return mean + max(width * _error(raised, mean), least)

    low, high = pieces[0].mean, pieces[-1].mean
    return min(bound(low), _lowest(bound, low, high))


def _lowest(of: Callable[[float], float], low: float, high: float) -> float:
    """Least value of a function that falls and then rises, by golden section."""
    if low == high:
        return of(low)
    inner, outer = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_inner, at_outer = of(inner), of(outer)
    for _ in range(_STEPS):
        if at_inner <= at_outer:
            high, outer, at_outer = outer, inner, at_inner
            inner = high - _GOLDEN * (high - low)
            at_inner = of(inner)
        else:
            low, inner, at_inner = inner, outer, at_outer
            outer = low + _GOLDEN * (high - low)
            at_outer = of(outer)
    return min(at_inner, at_outer)


def _error(pieces: Sequence[_Piece], mean: float) -> float:
    """Standard error of the mean from the sums of the pieces (Miller 2024), with G/(G-1) for few of them."""
    if len(pieces) < 2:
        return 0.0
    spread = math.fsum((p.share * (p.mean - mean)) ** 2 for p in pieces)
    return math.sqrt(spread * len(pieces) / (len(pieces) - 1))


def _least(pieces: int, level: float) -> float:
    """Half the width of values that are all equal: one unit up and one down added, as `scores.mean_bounds` has it."""
    number = pieces + 2
    return _t(number - 1, level) * math.sqrt(2 / (number - 1)) / math.sqrt(number)


@cache
def _t(freedom: int, level: float) -> float:
    from scipy.stats import t

    return float(t.ppf(level, freedom))
