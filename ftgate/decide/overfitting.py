"""When the held-out loss rises while the training loss falls, and which adapter was the best.

A held-out set of a few dozen examples moves by chance from one measurement to the next. So two measurements are
compared example by example, and a rise counts only when the lower end of a one-sided interval is above zero.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

from msgspec import Struct

FROM_EPOCH = 2.0
"""No training is stopped before it has seen every example twice."""

PATIENCE = 2
"""Measurements in a row that must say so: many looks at the same set find a rise by chance in one of them."""

FEWEST = 5
"""Held-out examples below which no interval is worth anything."""

_Z = 1.6448536269514722  # standard normal quantile of one-sided 95 %


class Measured(Struct, frozen=True, kw_only=True):
    """One measurement at an optimiser step.

    `train` is the mean training loss since the measurement before (nats per trained token); `held_out` has, for each
    held-out example in order, the negative log likelihood summed over its trained tokens (nats), and `tokens` counts
    those of all examples.
    """

    step: int
    epoch: float
    train: float
    held_out: tuple[float, ...]
    tokens: int

    @property
    def loss(self) -> float:
        """Nats per trained token."""
        return sum(self.held_out) / self.tokens


def best(points: Sequence[Measured]) -> Measured | None:
    """The one of the lowest held-out loss, the first of equal ones."""
    return min(points, key=lambda point: (point.loss, point.step), default=None)


def overfitting(points: Sequence[Measured]) -> str:
    """Why training should end, or "".

    It should when each of the last PATIENCE measurements, none of them before the end of epoch FROM_EPOCH, has a
    held-out loss above the best one before it (paired by example, one-sided 95 % by Student's t) and a training loss
    below that of the best one.
    """
    last = points[-PATIENCE:]
    if len(last) < PATIENCE or last[0].epoch < FROM_EPOCH:
        return ""
    lowest = best(points[:-PATIENCE])
    if lowest is None or not all(_rose(lowest, point) for point in last):
        return ""
    now = last[-1]
    return (
        f"overfitting: the held-out loss rose from {lowest.loss:.4f} at step {lowest.step} to {now.loss:.4f} "
        f"at step {now.step}, while the training loss fell from {lowest.train:.4f} to {now.train:.4f}"
    )


def _rose(lowest: Measured, point: Measured) -> bool:
    if point.train >= lowest.train or len(point.held_out) < FEWEST:
        return False
    differences = [after - before for before, after in zip(lowest.held_out, point.held_out, strict=True)]
    error = stdev(differences) / sqrt(len(differences))
    return fmean(differences) - _student(len(differences) - 1) * error > 0


def _student(freedom: int) -> float:
    """One-sided 95 % quantile of Student's t: Abramowitz and Stegun 26.7.5, within 0.01 from 3 degrees on."""
    z, n = _Z, freedom
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )
