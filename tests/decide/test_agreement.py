"""Agreement with people: golden intervals, published tables, and coverage by simulation."""

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftgate.decide.agreement import agreement, corrected, weighted_kappa, wilson
from ftgate.values.judging import Estimate


def table(*rows: tuple[int, ...]) -> list[tuple[int, int]]:
    """Pairs from a table of counts."""
    return [(i, j) for i, row in enumerate(rows, 1) for j, number in enumerate(row, 1) for _ in range(number)]


def numbers(found: Estimate) -> list[float]:
    assert found.value is not None and found.low is not None and found.high is not None
    return [found.value, found.low, found.high]


@pytest.mark.parametrize(("labels", "half"), [(30, 0.29), (50, 0.22), (100, 0.16), (200, 0.11)])
def test_half_widths_at_a_kappa_of_six_tenths(labels: int, half: float) -> None:
    # Two grades, half of each, 80 % agreement: kappa 0.6, as the table of sample sizes has it.
    agree, differ = round(labels * 0.4), labels // 2 - round(labels * 0.4)
    found = weighted_kappa(table((agree, differ), (differ, agree)), levels=2)
    assert found.value is not None and found.low is not None and found.high is not None
    assert found.value == pytest.approx(0.6, abs=0.001)
    assert (found.high - found.low) / 2 == pytest.approx(half, abs=0.006)


@pytest.mark.parametrize(
    ("rows", "kappa", "low", "high"),
    [
        (((106, 10, 4), (22, 28, 10), (2, 12, 6)), 0.5666667, 0.4575626, 0.6757707),
        (
            ((20, 5, 1, 0, 0), (6, 15, 4, 2, 1), (1, 4, 12, 5, 2), (0, 1, 5, 18, 6), (0, 0, 2, 7, 30)),
            0.8612862,
            0.8106339,
            0.9119384,
        ),
    ],
)
def test_value_and_interval_are_those_of_statsmodels(
    rows: Any, kappa: float, low: float, high: float
) -> None:
    """cohens_kappa(table, wt="quadratic") of statsmodels 0.15."""
    found = weighted_kappa(table(*rows), levels=len(rows))
    assert numbers(found) == pytest.approx([kappa, low, high], abs=1e-6)


def test_perfect_and_reversed() -> None:
    same = weighted_kappa([(n, n) for n in (1, 2, 3, 4, 5)] * 4)
    assert numbers(same) == pytest.approx([1, 1, 1])
    upside_down = weighted_kappa([(n, 6 - n) for n in (1, 2, 3, 4, 5)] * 4)
    assert upside_down.value == pytest.approx(-1)


@pytest.mark.parametrize("pairs", [[], [(4, 4)], [(5, 5)] * 30])
def test_what_chance_alone_explains_is_undetermined(pairs: list[tuple[int, int]]) -> None:
    assert weighted_kappa(pairs).value is None


def test_a_judge_that_says_one_thing_has_no_kappa_to_speak_of() -> None:
    found = weighted_kappa([(n, 5) for n in (1, 2, 3, 4, 5)] * 10)
    assert found.value == pytest.approx(0)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=40))
def test_kappa_is_symmetric_and_within_its_bounds(pairs: list[tuple[int, int]]) -> None:
    one, other = weighted_kappa(pairs), weighted_kappa([(b, a) for a, b in pairs])
    assert (one.value is None) == (other.value is None)
    if one.value is not None and one.low is not None and one.high is not None:
        assert one.value == pytest.approx(other.value)
        assert -1 <= one.low <= one.value + 1e-9 and one.value - 1e-9 <= one.high <= 1
        assert math.isfinite(one.low + one.high)


def test_the_interval_covers_the_truth_in_95_of_100() -> None:
    random_ = random.Random(7)

    def pair() -> tuple[int, int]:
        human = random_.randint(1, 5)
        return human, min(5, max(1, human + random_.choice((-2, -1, 0, 0, 0, 0, 1))))

    truth = weighted_kappa([pair() for _ in range(60_000)]).value
    assert truth is not None
    intervals = [weighted_kappa([pair() for _ in range(100)]) for _ in range(300)]
    hits = sum(
        each.low is not None and each.high is not None and each.low <= truth <= each.high
        for each in intervals
    )
    assert 0.91 <= hits / 300 <= 0.985


@pytest.mark.parametrize(
    ("hits", "number", "low", "high"),
    [(0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0), (5, 10, 0.2366, 0.7634), (45, 50, 0.7864, 0.9565)],
)
def test_wilson(hits: int, number: int, low: float, high: float) -> None:
    assert numbers(wilson(hits, number)) == pytest.approx([hits / number, low, high], abs=1e-4)


def test_rates_at_the_gate() -> None:
    human = [5, 5, 4, 4, 3, 2, 1, 1, 5]
    judge = [5, 4, 3, 4, 4, 2, 1, 1, None]
    found = agreement(human, judge, 4)
    assert (found.labels, found.unread) == (9, 1)
    assert found.accuracy.value == pytest.approx(6 / 8)
    assert found.true_pass.value == pytest.approx(3 / 4)
    assert found.false_pass.value == pytest.approx(1 / 4)
    assert found.counts["4,3"] == 1 and sum(found.counts.values()) == 8


def test_nothing_to_compare_is_undetermined_and_no_number() -> None:
    found = agreement([5, 4], [None, None], 4)
    assert found.unread == 2
    assert found.kappa.value is found.accuracy.value is found.true_pass.value is None
    assert agreement([5, 5], [5, 5], 4).false_pass.value is None


def test_the_corrected_rate() -> None:
    assert corrected(0.25, 0.9, 0.1) == pytest.approx(0.1875)
    assert corrected(0.05, 0.9, 0.1) == 0.0
    assert corrected(0.95, 0.9, 0.1) == 1.0
    assert corrected(0.5, 0.5, 0.5) is None
    assert corrected(0.5, 0.1, 0.9) is None
