"""A loss curve as a Mermaid chart, as a sparkline and as a small table. Only numbers go in."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ftgate.report.markdown import table
from ftgate.values.training import LossPoint

Series = Literal["train", "held_out"]

# Both are readable on GitHub's white and on its dark page; Mermaid's own first colour is almost invisible.
_BLUE, _ORANGE = "#2f81f7", "#db6d28"
_BARS = "▁▂▃▄▅▆▇█"
_CHART_POINTS = 24
_TABLE_LINES = 8
_COVERED = 0.6


class Point(NamedTuple):
    """A loss at an optimiser step."""

    step: int
    loss: float


def series(curve: Sequence[LossPoint], name: Series) -> list[Point]:
    """The finite values of one series in order of steps."""
    known = [Point(p.step, v) for p in curve if (v := getattr(p, name)) is not None and math.isfinite(v)]
    return sorted(known)


def sparkline(losses: Sequence[float], width: int = 24) -> str:
    """One character per value, at most `width`; the highest value is the fullest bar."""
    if not losses:
        return ""
    chosen = [losses[i] for i in _spread(len(losses), width)]
    low, span = min(chosen), max(chosen) - min(chosen)
    top = len(_BARS) - 1
    return "".join(_BARS[round((loss - low) / span * top) if span > 0 else 0] for loss in chosen)


def _spread(length: int, most: int) -> list[int]:
    """Up to `most` positions of a sequence, evenly spread, with its first and last."""
    if length <= most:
        return list(range(length))
    return [round(i * (length - 1) / (most - 1)) for i in range(most)]


def loss_lines(curve: Sequence[LossPoint], mark: str = "") -> list[str]:
    """`Training loss ▇▅▃▁ 2.310 → 0.412 (lowest 0.398 at step 40)`, and the same for held-out loss.

    `mark` stands on both sides of the bars: a backtick makes them code, where all are equally wide.
    """
    named = (("Training loss", series(curve, "train")), ("Held-out loss", series(curve, "held_out")))
    return [_line(name, points, mark) for name, points in named if points]


def _line(name: str, points: Sequence[Point], mark: str) -> str:
    first, last, best = points[0], points[-1], min(points, key=lambda point: (point.loss, point.step))
    bars = sparkline([point.loss for point in points])
    text = f"{name} {mark}{bars}{mark} {first.loss:.3f} → {last.loss:.3f}"
    return text if best.loss == last.loss else f"{text} (lowest {best.loss:.3f} at step {best.step:,})"


def chart(curve: Sequence[LossPoint]) -> str:
    """A Mermaid block; empty when there are fewer than two training points.

    Mermaid spreads every series over the whole axis. So both are read at the same steps, and the axis covers
    only the steps for which both are known; held-out loss is left out where that would hide the training.
    """
    train, held_out = series(curve, "train"), series(curve, "held_out")
    if len(train) < 2 or train[0].step == train[-1].step:
        return ""
    shown = [train, held_out] if _covers(held_out, train) else [train]
    first, last = max(points[0].step for points in shown), min(points[-1].step for points in shown)
    steps = [first + (last - first) * i / (_CHART_POINTS - 1) for i in range(_CHART_POINTS)]
    return _mermaid([[_at(points, step) for step in steps] for points in shown], first, last)


def _covers(held_out: Sequence[Point], train: Sequence[Point]) -> bool:
    if len(held_out) < 2:
        return False
    common = min(held_out[-1].step, train[-1].step) - max(held_out[0].step, train[0].step)
    return common >= _COVERED * (train[-1].step - train[0].step)


def _mermaid(losses: Sequence[Sequence[float]], first: int, last: int) -> str:
    values = [value for each in losses for value in each]
    low, high = min(0.0, *values), max(values) * 1.05 or 1.0
    title = "Loss: blue is training, orange is held-out" if len(losses) > 1 else "Training loss"
    return "\n".join(
        [
            "```mermaid",
            "---",
            "config:",
            "  xyChart: {width: 720, height: 280, titleFontSize: 15}",
            "  themeVariables:",
            f'    xyChart: {{backgroundColor: "transparent", plotColorPalette: "{_BLUE}, {_ORANGE}"}}',
            "---",
            "xychart-beta",
            f'  title "{title}"',
            f'  x-axis "step" {first} --> {last}',
            f'  y-axis "nats per token" {low:.3f} --> {high:.3f}',
            *(f"  line [{', '.join(f'{value:.3f}' for value in each)}]" for each in losses),
            "```",
        ]
    )


def _at(points: Sequence[Point], step: float) -> float:
    """The loss at a step, on a straight line between the two measured around it."""
    after = next((i for i, point in enumerate(points) if point.step >= step), len(points) - 1)
    right, left = points[after], points[max(after - 1, 0)]
    if right.step == left.step:
        return right.loss
    return left.loss + (right.loss - left.loss) * (step - left.step) / (right.step - left.step)


def loss_table(curve: Sequence[LossPoint]) -> str:
    """Up to eight points as a table: those with a held-out loss where there are any."""
    measured = [point for point in curve if point.held_out is not None] or list(curve)
    chosen = [measured[i] for i in _spread(len(measured), _TABLE_LINES)]
    body = [[f"{p.step:,}", f"{p.epoch:.1f}", _loss(p.train), _loss(p.held_out)] for p in chosen]
    return table(["step", "epoch", "training", "held-out"], body)


def _loss(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
