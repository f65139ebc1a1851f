"""How a training goes through its examples: steps, where the held-out loss is measured, and smaller batches."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil, fsum, isfinite, nan

from ftgate.values.training import LossPoint, Recipe

_POINTS = 40  # of a loss curve: what a chart can show


def steps_per_epoch(recipe: Recipe, examples: int) -> int:
    """Optimiser steps of one pass; the last one may take fewer examples."""
    return ceil(examples / recipe.step_examples)


def measured_steps(per_epoch: int, epochs: int, evaluations: int) -> frozenset[int]:
    """Optimiser steps (from 1) after which the held-out loss is measured: evenly spread, and at the end of each epoch.

    An epoch with fewer steps than evaluations is measured after every step.
    """
    within = {ceil(turn * per_epoch / evaluations) for turn in range(1, evaluations + 1)}
    return frozenset(epoch * per_epoch + step for epoch in range(epochs) for step in within)


def smaller_batch(batch_size: int, accumulation: int) -> tuple[int, int] | None:
    """At most half the batch, with more accumulation, for the same examples in a step; None when it is 1 already."""
    together = batch_size * accumulation
    smaller = next((size for size in range(batch_size // 2, 0, -1) if together % size == 0), None)
    return None if smaller is None else (smaller, together // smaller)


def loss_curve(
    losses: Mapping[int, float], epochs: Mapping[int, float], held_out: Mapping[int, float]
) -> tuple[LossPoint, ...]:
    """At most 40 points and one per held-out measurement, from values by optimiser step.

    A point has the mean training loss since the point before.
    """
    last = max(losses, default=0)
    ends = sorted({*range(0, last, max(1, ceil(last / _POINTS))), *held_out, last} - {0})
    return tuple(
        LossPoint(
            step=end,
            epoch=round(epochs.get(end, 0.0), 2),
            train=_finite_mean([loss for step, loss in losses.items() if start < step <= end]),
            held_out=_finite_mean([held_out[end]] if end in held_out else []),
        )
        for start, end in pairwise([0, *ends])
    )


def _finite_mean(losses: Sequence[float]) -> float | None:
    mean = fsum(losses) / len(losses) if losses and all(map(isfinite, losses)) else nan
    return round(mean, 4) if isfinite(mean) else None
