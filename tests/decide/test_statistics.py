"""Numbers against published and enumerated ones."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftgate.decide.statistics import interval, needed, sign_test


@pytest.mark.parametrize(
    ("worse", "better", "p"),
    [
        (0, 0, 1.0),
        (5, 0, 0.03125),
        (3, 0, 0.125),
        (4, 0, 0.0625),
        (7, 1, 0.03515625),
        (7, 2, 0.08984375),  # half of the two-sided exact McNemar, 0.1796875
        (10, 3, 0.046142578125),
        (0, 5, 1.0),
        (1, 1, 0.75),
    ],
)
def test_the_sign_test(worse: int, better: int, p: float) -> None:
    assert sign_test(worse, better) == p


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_the_binomial_tail(worse: int, better: int) -> None:
    pairs = worse + better
    tail = Fraction(sum(math.comb(pairs, k) for k in range(worse, pairs + 1)), 2**pairs)
    assert sign_test(worse, better) == float(tail)


def test_thousands_of_pairs_overflow_nothing() -> None:
    tie = Fraction(math.comb(5000, 2500), 2**5000)
    assert sign_test(2500, 2500) == pytest.approx(float((1 + tie) / 2))
    assert sign_test(5000, 0) == 0.0
    assert sign_test(2600, 2400) == pytest.approx(0.00243, abs=2e-5)


@pytest.mark.parametrize(
    ("broken", "fixed", "examples", "difference", "lower", "upper"),
    [
        # p12 = (b+1)/(n+2), p21 = (c+1)/(n+2); d -+ z sqrt((p12 + p21 - d^2)/(n+2)), worked by hand
        (2, 1, 20, -0.05, -0.21188, 0.12097),
        (0, 0, 98, 0.0, -0.02326, 0.02326),
        (10, 5, 100, -0.05, -0.11503, 0.01699),
        (20, 0, 100, -0.20, -0.26464, -0.12751),
    ],
)
def test_the_interval(
    broken: int, fixed: int, examples: int, difference: float, lower: float, upper: float
) -> None:
    found = interval(broken, fixed, examples)
    assert found
    assert found.difference == pytest.approx(difference)
    assert [found.lower, found.upper] == pytest.approx([lower, upper], abs=1e-5)


def test_nothing_has_no_interval() -> None:
    assert interval(0, 0, 0) is None
    assert needed(0, 0, 0, 0.1) is None


@pytest.mark.parametrize("examples", [1, 2, 10, 1000])
def test_constant_differences_have_a_width(examples: int) -> None:
    for broken, fixed in ((0, 0), (examples, 0), (0, examples)):
        found = interval(broken, fixed, examples)
        assert found
        assert -1 <= found.lower < found.upper <= 1


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_the_interval_holds_the_difference_and_mirrors(broken: int, fixed: int, same: int) -> None:
    examples = broken + fixed + same
    found, mirrored = interval(broken, fixed, examples), interval(fixed, broken, examples)
    if examples == 0:
        return
    assert found and mirrored
    assert -1 <= found.lower <= found.difference <= found.upper <= 1
    assert found.lower == pytest.approx(-mirrored.upper)


@pytest.mark.parametrize(("examples", "discordant"), [(50, 0.2), (100, 0.15), (100, 0.3)])
def test_a_drop_of_the_margin_passes_about_one_time_in_twenty(examples: int, discordant: float) -> None:
    """Enumerates every outcome of a candidate that is worse by exactly the margin."""
    margin = 0.1
    down, up = (discordant + margin) / 2, (discordant - margin) / 2
    passing = 0.0
    for broken in range(examples + 1):
        for fixed in range(examples - broken + 1):
            found = interval(broken, fixed, examples)
            if found and found.lower >= -margin:
                same = examples - broken - fixed
                ways = math.comb(examples, broken) * math.comb(examples - broken, fixed)
                passing += ways * down**broken * up**fixed * (1 - down - up) ** same
    assert 0.02 < passing < 0.075


def test_needed_grows_with_variance_and_shrinks_with_the_margin() -> None:
    assert needed(2, 1, 20, 0.1) == 140
    assert needed(2, 1, 20, 0.2) == 35
    assert needed(0, 0, 1000, 0.1) == 22


@pytest.mark.parametrize("margin", [0.0, -0.1, math.nan])
def test_no_number_of_examples_proves_equality(margin: float) -> None:
    assert needed(1, 1, 20, margin) is None


@given(st.floats(0.01, 0.5))
def test_that_many_examples_pass_when_no_pair_flips(margin: float) -> None:
    number = needed(0, 0, 10_000, margin)
    assert number
    enough = interval(0, 0, number)
    assert enough and enough.lower >= -margin - 1e-9
