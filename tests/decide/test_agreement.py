"""Agreement with people: golden intervals, published tables, and coverage by simulation."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftgate.decide.agreement import agreement, corrected, weighted_kappa, wilson


def table(*rows: tuple[int, ...]) -> list[tuple[int, int]]:
    """Pairs from a table of counts."""
    return [(i, j) for i, row in enumerate(rows, 1) for j, number in enumerate(row, 1) for _ in range(number)]


@pytest.mark.parametrize(("labels", "half"), [(30, 0.29), (50, 0.22), (100, 0.16), (200, 0.11)])
def test_half_widths_at_a_kappa_of_six_tenths(labels: int, half: float) -> None:
    # Two grades, half of each, 80 % agreement: kappa 0.6, as the table of sample sizes has it.
    agree, differ = round(labels * 0.4), labels // 2 - round(labels * 0.4)
    found = weighted_kappa(table((agree, differ), (differ, agree)), levels=2)
    assert found.value is not None and found.low is not None and found.high is not None
    assert found.value == pytest.approx(0.6, abs=0.001)
    assert (found.high - found.low) / 2 == pytest.approx(half, abs=0.006)


def test_the_example_of_the_paper_on_standard_errors() -> None:
    # Fleiss, Cohen and Everitt 1969: kappa of a 3 x 3 table with quadratic weights, n = 200.
    found = weighted_kappa(table((106, 10, 4), (22, 28, 10), (2, 12, 6)), levels=3)
    assert found.value == pytest.approx(0.567, abs=0.05)


def test_perfect_and_reversed() -> None:
    same = weighted_kappa([(n, n) for n in (1, 2, 3, 4, 5)] * 4)
    assert (same.value, same.low, same.high) == (pytest.approx(1), pytest.approx(1), pytest.approx(1))
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
    found = wilson(hits, number)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


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
