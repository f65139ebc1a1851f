"""Golden numbers: computed elsewhere with scipy and statsmodels, or enumerated, and known before this code was."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftgate.decide.scores import (
    bootstrap_bounds,
    detectable,
    detectable_rate,
    holm,
    items_needed,
    mean_bounds,
)
from ftgate.decide.statistics import exact_bounds

SCORES = st.lists(st.integers(-4, 4).map(float), min_size=2, max_size=60)


@pytest.mark.parametrize(
    ("deviation", "drops"),
    [
        (0.5, (0.29, 0.18, 0.13, 0.09)),
        (0.8, (0.46, 0.29, 0.20, 0.14)),
        (1.0, (0.58, 0.36, 0.25, 0.18)),
        (1.2, (0.69, 0.43, 0.30, 0.21)),
    ],
)
def test_the_smallest_drop_of_a_mean_that_shows(deviation: float, drops: tuple[float, ...]) -> None:
    found = [detectable(deviation, items) for items in (20, 50, 100, 200)]
    assert [round(drop or 0, 2) for drop in found] == list(drops)
    assert detectable(1.0, 50) == pytest.approx(0.357, abs=5e-4)


def test_the_smallest_drop_of_a_rate_that_shows() -> None:
    assert [detectable_rate(items) for items in (30, 74, 134, 398)] == [0.30, 0.15, 0.10, 0.05]
    assert detectable_rate(3) is None


@pytest.mark.parametrize(
    ("deviation", "margin", "items"), [(0.7, 0.3, 36), (1.0, 0.3, 71), (1.0, 0.2, 156), (1.2, 0.3, 101)]
)
def test_the_items_that_decide(deviation: float, margin: float, items: int) -> None:
    assert items_needed(deviation, margin) == items


def test_a_margin_of_nothing_is_never_proved() -> None:
    assert items_needed(1.0, 0.0) is None
    assert items_needed(math.nan, 0.3) is None
    assert items_needed(0.0, 0.3) == 2


@pytest.mark.parametrize(("items", "mean"), [(20, 4.39), (50, 4.24), (100, 4.17), (200, 4.12)])
def test_what_proves_a_mean_of_four(items: int, mean: float) -> None:
    """With a standard deviation of one, this observed mean just has its lower bound at four."""
    half = math.sqrt((items - 1) / items)
    values = [mean + half] * (items // 2) + [mean - half] * (items // 2)
    bounds = mean_bounds(values)
    assert bounds is not None
    assert bounds.deviation == pytest.approx(1.0)
    assert bounds.lower == pytest.approx(4.0, abs=0.006)


def test_values_that_are_all_equal_still_have_a_width() -> None:
    for value in (0.0, -1.0):
        bounds = mean_bounds([value] * 50)
        assert bounds is not None
        assert bounds.constant
        assert bounds.mean == value
        assert bounds.upper - value == pytest.approx(0.046, abs=5e-4)
    few, many = mean_bounds([0.0] * 3), mean_bounds([0.0] * 300)
    assert few is not None
    assert many is not None
    assert few.lower < -0.6
    assert many.lower > -0.01


@pytest.mark.parametrize("values", [[], [math.nan], [0.0, math.inf], [1.0, math.nan, 1.0]])
def test_no_number_no_bounds(values: list[float]) -> None:
    assert mean_bounds(values) is None
    assert bootstrap_bounds(values) is None


def test_one_cluster_is_one_piece_of_evidence() -> None:
    assert mean_bounds([1.0, 0.0, -1.0], groups=["a", "a", "a"]) is None
    with pytest.raises(ValueError, match="3 values in 2 groups"):
        mean_bounds([1.0, 0.0, -1.0], groups=["a", "b"])


def test_templates_of_five_are_worth_half_of_their_number() -> None:
    """Ten templates of five with an intraclass correlation of .3: 50 items are worth 50 / (1 + 4 * .3) = 23."""
    chance = random.Random(4)
    ratios = []
    for _ in range(400):
        shared = [chance.gauss(0, math.sqrt(0.3)) for _ in range(10)]
        values = [shared[i // 5] + chance.gauss(0, math.sqrt(0.7)) for i in range(50)]
        clustered = mean_bounds(values, groups=[str(i // 5) for i in range(50)])
        alone = mean_bounds(values)
        assert clustered is not None
        assert alone is not None
        # Compared without the t quantile, which differs by the number of clusters.
        half, plain = (clustered.upper - clustered.mean) / 1.833, (alone.upper - alone.mean) / 1.677
        ratios.append((half / plain) ** 2)
    assert sum(ratios) / len(ratios) == pytest.approx(50 / 23, rel=0.1)


def test_bounds_hold_as_often_as_they_say() -> None:
    """Judge-like differences without a true shift: the lower bound lies above zero about one time in twenty."""
    chance = random.Random(11)
    wrong = 0
    for _ in range(2000):
        bounds = mean_bounds([float(round(chance.gauss(0, 0.7))) for _ in range(50)])
        assert bounds is not None
        wrong += bounds.lower > 0
    assert 0.035 < wrong / 2000 < 0.065


def test_bca_agrees_with_t_where_t_holds() -> None:
    chance = random.Random(3)
    values = [chance.gauss(-0.2, 1.0) for _ in range(200)]
    bounds, bca = mean_bounds(values), bootstrap_bounds(values)
    assert bounds is not None
    assert bca is not None
    assert bca == pytest.approx((bounds.lower, bounds.upper), abs=0.01)
    assert bootstrap_bounds(list(reversed(values))) == bca


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([math.nan, 0.01]) == pytest.approx([1.0, 0.02])


def test_six_gates_together_raise_one_false_alarm_in_twenty() -> None:
    chance = random.Random(7)
    runs = [[chance.random() for _ in range(6)] for _ in range(4000)]
    assert sum(min(run) < 0.05 for run in runs) / 4000 == pytest.approx(0.26, abs=0.02)
    assert sum(min(holm(run)) < 0.05 for run in runs) / 4000 == pytest.approx(0.05, abs=0.012)


def test_exact_bounds_of_a_rate() -> None:
    clearly = {(28, 100): True, (27, 100): False, (50, 200): True, (49, 200): False}
    assert {of: exact_bounds(*of)[0] > 0.2 for of in clearly} == clearly
    below = {(13, 100): True, (14, 100): False, (30, 200): True, (31, 200): False}
    assert {of: exact_bounds(*of)[1] < 0.2 for of in below} == below
    most = {(87, 100): True, (86, 100): False, (170, 200): True, (169, 200): False}
    assert {of: exact_bounds(*of)[0] > 0.8 for of in most} == most
    assert exact_bounds(0, 20)[1] == pytest.approx(0.139, abs=5e-4)
    for passed, total in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="is no rate"):
            exact_bounds(passed, total)


@settings(max_examples=100, deadline=None)
@given(SCORES, st.randoms(use_true_random=False))
def test_order_is_nothing_and_the_mean_lies_between(values: list[float], chance: random.Random) -> None:
    bounds = mean_bounds(values)
    assert bounds is not None
    assert bounds.lower <= bounds.mean <= bounds.upper
    shuffled = list(values)
    chance.shuffle(shuffled)
    assert mean_bounds(shuffled) == bounds


@settings(max_examples=100, deadline=None)
@given(SCORES, st.data())
def test_one_score_less_never_raises_the_mean(values: list[float], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    worse = [value - (i == index) for i, value in enumerate(values)]
    before, after = mean_bounds(values), mean_bounds(worse)
    assert before is not None
    assert after is not None
    assert after.mean < before.mean
