import math
import re

from ftgate.report.curve import chart, loss_lines, loss_table, sparkline
from ftgate.values.training import LossPoint
from tests.report.parts import curve


def points(*losses: float, held_out: dict[int, float] | None = None) -> list[LossPoint]:
    known = held_out or {}
    return [
        LossPoint(step=n, epoch=n / 10, train=loss, held_out=known.get(n)) for n, loss in enumerate(losses)
    ]


def drawn(text: str) -> list[list[float]]:
    return [[float(value) for value in each.split(", ")] for each in re.findall(r"line \[(.*)\]", text)]


def test_sparkline() -> None:
    assert sparkline([]) == ""
    assert sparkline([1.0, 1.0]) == "▁▁"
    assert sparkline([8, 7, 6, 5, 4, 3, 2, 1]) == "█▇▆▅▄▃▂▁"
    assert len(sparkline([float(n) for n in range(1000)])) == 24


def test_both_series_are_drawn_at_the_same_steps() -> None:
    both = drawn(chart(curve()))
    assert [len(each) for each in both] == [24, 24]
    assert both[0][0] == 2.45 and both[1][0] == 2.12


def test_values_between_measurements_lie_on_a_line() -> None:
    both = drawn(chart(points(*[float(n) for n in range(24)], held_out={0: 0.0, 23: 23.0})))
    assert both[0] == both[1] == [float(n) for n in range(24)]


def test_held_out_loss_that_covers_little_is_not_drawn() -> None:
    text = chart(points(5, 4, 3, 2, 1, held_out={0: 5.0, 1: 4.0}))
    assert len(drawn(text)) == 1
    assert "Training loss" in text


def test_what_is_not_finite_is_not_drawn() -> None:
    text = chart(points(3, math.nan, math.inf, 1))
    assert "nan" not in text and "inf" not in text
    assert drawn(text)[0][-1] == 1.0


def test_nothing_to_draw() -> None:
    assert chart([]) == "" == chart(points(1.0))
    assert loss_lines([]) == []


def test_lines_name_the_lowest() -> None:
    assert loss_lines(points(3, 1, 2)) == ["Training loss █▁▅ 3.000 → 2.000 (lowest 1.000 at step 1)"]


def test_table_prefers_measured_held_out_loss() -> None:
    text = loss_table(points(5, 4, 3, 2, held_out={1: 4.5, 3: 2.5}))
    assert text.splitlines()[2:] == ["| 1 | 0.1 | 4.000 | 4.500 |", "| 3 | 0.3 | 2.000 | 2.500 |"]
