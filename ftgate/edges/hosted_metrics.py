"""Losses of a job at a service, from its result files (CSV, plain or in base64), as points of one curve.

OpenAI's columns are step, train_loss, valid_loss and full_valid_loss; Azure writes -1 where there is no loss. Where a
file gives the loss of the whole held-out set, that of single batches is left out: the two do not compare.
"""

import base64
import binascii
import csv
import math
from collections.abc import Iterable, Sequence
from io import StringIO

from msgspec import Struct

from ftgate.values.training import LossPoint

_POINTS = 40  # of a loss curve: what a chart can show
_BATCH = ("valid_loss", "validation_loss")
_WHOLE = ("full_valid_loss", "full_validation_loss")


class Row(Struct, frozen=True, kw_only=True):
    """The losses at one step; None where there is none, NaN where it is none."""

    step: int
    train: float | None = None
    batch: float | None = None
    whole: float | None = None


class Losses(Struct, frozen=True, kw_only=True):
    """The curve, the last step, and why a loss is no number ("" when all are)."""

    curve: tuple[LossPoint, ...] = ()
    steps: int = 0
    failure: str = ""


def rows_of(content: bytes) -> list[Row]:
    """Rows of a result file. Raises ValueError when it is none."""
    return [_row(each) for each in csv.DictReader(StringIO(_text(content)))]


def losses(rows: Iterable[Row], epochs: int, steps: int = 0) -> Losses:
    """One curve of all rows, merged by step. `steps` is the total where the service tells it."""
    merged: dict[int, Row] = {}
    for row in rows:
        merged[row.step] = _merged(merged[row.step], row) if row.step in merged else row
    ordered = [merged[step] for step in sorted(merged)]
    last = max([steps, *merged]) if merged else steps
    whole = any(row.whole is not None for row in ordered)
    for row in ordered:
        if any(value is not None and not math.isfinite(value) for value in (row.train, row.batch, row.whole)):
            return Losses(steps=last, failure=f"the loss at step {row.step} is not a finite number")
    points = [
        LossPoint(
            step=row.step,
            epoch=round(row.step * epochs / last, 3) if last else 0.0,
            train=row.train,
            held_out=row.whole if whole else row.batch,
        )
        for row in ordered
    ]
    return Losses(
        curve=_thinned([point for point in points if point.train is not None or point.held_out is not None]),
        steps=last,
    )


def row_of(step: int, metrics: object) -> Row | None:
    """The losses of an event or a checkpoint; None when it has none."""
    plain = {str(name): value for name, value in metrics.items()} if isinstance(metrics, dict) else {}
    row = Row(
        step=step,
        train=_number(plain.get("train_loss")),
        batch=_first(plain, _BATCH),
        whole=_first(plain, _WHOLE),
    )
    return None if (row.train, row.batch, row.whole) == (None, None, None) else row


def _row(plain: dict[str, str | None]) -> Row:
    return Row(
        step=int(float(plain["step"] or "")),
        train=_number(plain.get("train_loss")),
        batch=_first(plain, _BATCH),
        whole=_first(plain, _WHOLE),
    )


def _first(plain: dict[str, str | None], names: Sequence[str]) -> float | None:
    return next((value for name in names if (value := _number(plain.get(name))) is not None), None)


def _number(value: object) -> float | None:
    """A loss is never negative: -1 says that there is none."""
    if value is None or value == "":
        return None
    number = float(str(value))
    return None if number < 0 else number


def _text(content: bytes) -> str:
    plain = content.lstrip(b"\xef\xbb\xbf")
    if b"step" not in plain.split(b"\n", 1)[0]:
        try:
            plain = base64.b64decode(b"".join(plain.split()), validate=True).lstrip(b"\xef\xbb\xbf")
        except binascii.Error as error:
            raise ValueError("neither CSV nor base64") from error
    text = plain.decode()
    if "step" not in text.split("\n", 1)[0].strip().split(","):
        raise ValueError("no column 'step'")
    return text


def _merged(one: Row, other: Row) -> Row:
    def either(first: float | None, second: float | None) -> float | None:
        return second if first is None else first

    return Row(
        step=one.step,
        train=either(one.train, other.train),
        batch=either(one.batch, other.batch),
        whole=either(one.whole, other.whole),
    )


def _thinned(points: Sequence[LossPoint]) -> tuple[LossPoint, ...]:
    """Every point with a held-out loss, the last one, and of the others as many as a chart can show."""
    every = max(1, math.ceil(len(points) / _POINTS))
    last = len(points) - 1
    held_out = sum(point.held_out is not None for point in points)
    keep_all = held_out <= _POINTS
    return tuple(
        point
        for place, point in enumerate(points)
        if place % every == 0 or place == last or (keep_all and point.held_out is not None)
    )
