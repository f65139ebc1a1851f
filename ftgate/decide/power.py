"""What the sets of a run can show at all: a gate that cannot see a drop must not look as if it had looked."""

from collections.abc import Sequence
from functools import cache

from ftgate.decide.scores import detectable_rate
from ftgate.values.comparison import Comparison, Power, ScoreChange


def power(comparison: Comparison, changes: Sequence[ScoreChange]) -> Power | None:
    """The smallest drops that would show with power 0.8; None without a held-out set."""
    total = comparison.held_out.total
    if not total:
        return None
    first = changes[0] if changes else None
    return Power(
        held_out=total,
        rate=_rate(total),
        scored=first.total if first else 0,
        score=first.detectable if first else None,
    )


@cache
def _rate(items: int) -> float | None:
    return detectable_rate(items)
