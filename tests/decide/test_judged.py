"""Rule 6 where a judge grades: three states of the mean, tripwires beside it, and what is missing at its worst."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ftgate.decide.gate import decide
from ftgate.decide.judged import Scores, bounds, score_changes, within
from ftgate.decide.rulings import rank
from ftgate.decide.scores import mean_bounds
from ftgate.decide.steady import independent, steady_bounds
from ftgate.values.evaluation import Arm
from ftgate.values.run import Reason, Run, VerdictOutcome
from ftgate.values.settings import Policy
from ftgate.values.trust import waivable
from tests.decide.builders import with_arm, with_policy
from tests.decide.scoring import graded, judged_run, of_differences

LOOSE = Policy(margin=1.0, slices="off", min_correctness=1.0)
"""Only the scores decide."""


def reasons(of: Run) -> dict[str, Reason]:
    return {reason.id: reason for reason in decide(replace(of, plan=replace(of.plan, policy=LOOSE))).reasons}


def state(of: Run) -> str:
    assert of.evaluation
    return score_changes(of.evaluation, LOOSE)[0].state


@pytest.mark.parametrize(
    ("differences", "expected", "id"),
    [
        ([0] * 50, "held", "scores.held"),
        ([0] * 8, "held", "scores.held"),  # a width of its own keeps four from it
        ([0] * 4, "undecided", "scores.undecided"),
        ([-1] * 50, "worse", "scores.worse"),
        ([-1] * 8, "worse", "scores.worse"),
        ([-4] * 3, "undecided", "scores.undecided"),  # three of anything prove nothing
        ([-1, 0] * 25, "worse", "scores.worse"),
        ([-1] * 8 + [0] * 92, "held", "scores.small-drop"),
        ([-2, 2, 0, -1] * 3, "undecided", "scores.undecided"),
        ([-4] + [0] * 49, "undecided", "scores.undecided"),  # one of fifty: the bootstrap sees its tail
        ([-4] + [0] * 99, "held", "scores.held"),
    ],
)
def test_three_states(differences: list[int], expected: str, id: str) -> None:
    of = of_differences(differences)
    assert state(of) == expected
    assert id in reasons(of)


def test_undecided_says_how_many_prompts_would_decide_and_what_these_show() -> None:
    said = reasons(of_differences([-2, 2, 0, -1, 1, 0] * 4))["scores.undecided"]
    assert "about 121 prompts would decide, 24 show a drop of 0.69" in said.text
    assert said.remedy


@pytest.mark.parametrize(
    ("items", "shift", "shares"),
    [
        (20, 0.0, (0.36, 0.05, 0.59)),
        (50, 0.0, (0.67, 0.05, 0.28)),
        (50, -0.3, (0.05, 0.67, 0.28)),
        (50, -0.5, (0.00, 0.97, 0.03)),
        (100, 0.0, (0.91, 0.05, 0.04)),
        (100, -0.3, (0.05, 0.91, 0.04)),
    ],
)
def test_the_behaviour_with_a_deviation_of_one(
    items: int, shift: float, shares: tuple[float, float, float]
) -> None:
    """The table of three states at margin 0.3, by simulation: pass, fail, undecided."""
    chance, runs, policy = random.Random(items * 1000 - int(100 * shift)), 400, Policy(score_margin=0.3)
    counted = [0, 0, 0]
    for _ in range(runs):
        found = steady_bounds([chance.gauss(shift, 1) for _ in range(items)])
        assert found is not None
        held = within(found.lower, policy)
        counted[0 if held else 1 if found.upper < 0 else 2] += 1
    for number, share in zip(counted, shares, strict=True):
        # Three standard errors of a share of 400 runs, and the rounding of the table.
        assert number / runs == pytest.approx(
            share, abs=3 * (max(share, 0.02) * (1 - share) / runs) ** 0.5 + 0.01
        )


WHOLE = st.integers(-4, 4)


@settings(max_examples=80, deadline=None)
@given(st.lists(WHOLE, min_size=2, max_size=40), st.data())
def test_a_lower_difference_never_raises_a_bound(values: list[int], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(values) - 1))
    less = list(values)
    less[at] = data.draw(st.integers(-4, values[at]))
    before, after = steady_bounds([float(v) for v in values]), steady_bounds([float(v) for v in less])
    assert before is not None and after is not None
    assert after.lower <= before.lower + 1e-7 and after.upper <= before.upper + 1e-7


def test_an_outlier_does_not_save_a_candidate_as_it_does_under_t() -> None:
    worse = [-1.0] * 4 + [0.0] * 8
    plain, with_outlier = mean_bounds(worse), mean_bounds([-4.0, *worse[1:]])
    assert plain is not None and with_outlier is not None
    steady, steady_outlier = steady_bounds(worse), steady_bounds([-4.0, *worse[1:]])
    assert steady is not None and steady_outlier is not None
    assert with_outlier.upper > plain.upper
    assert steady_outlier.upper <= steady.upper


@settings(max_examples=60, deadline=None)
@given(st.lists(WHOLE, min_size=3, max_size=40), st.randoms(use_true_random=False))
def test_bounds_are_numbers_around_the_mean_in_any_order(values: list[int], chance: random.Random) -> None:
    numbers = [float(v) for v in values]
    found = steady_bounds(numbers)
    assert found is not None and found.lower <= found.mean <= found.upper
    chance.shuffle(numbers)
    assert steady_bounds(numbers) == found
    assert sum(independent(numbers)) / len(numbers) == pytest.approx(found.mean)


def test_groups_are_one_piece_of_evidence() -> None:
    values, groups = [-1.0, 0.0, 1.0, 0.0] * 5, [str(n // 5) for n in range(20)]
    alone, together = steady_bounds(values), steady_bounds(values, groups)
    assert alone is not None and together is not None
    assert (alone.clusters, together.clusters) == (20, 4)
    pairs = [(5, 4)] * 20
    assert state(judged_run(pairs)) == "worse"
    assert state(judged_run(pairs, groups=["one template"] * 20)) == "undecided"


def test_t_and_the_bootstrap_have_to_agree() -> None:
    """Seldom and large losses: the bootstrap sees a tail that t takes for symmetric."""
    found = None
    for number in range(5, 120):
        of = of_differences([-2] + [0] * number)
        change = score_changes(of.evaluation, LOOSE)[0] if of.evaluation else None
        assert change is not None
        if (change.lower or -1) >= -0.3 and change.state == "undecided":
            found = of
            break
    assert found is not None
    said = reasons(found)["scores.undecided"].text
    assert "t says" in said and "the bootstrap (BCa)" in said


def test_what_is_missing_counts_at_its_worst() -> None:
    held = [(5, 5)] * 60
    assert state(judged_run(held)) == "held"
    one = judged_run([*held, (5, None)])
    assert state(one) == "held" and "scores.ungraded" in reasons(one)
    assert state(judged_run([*held, *[(5, None)] * 6])) == "undecided"
    assert state(judged_run([*held, *[(None, 5)] * 6])) == "held"  # five is not worse than anything
    assert state(judged_run([*held, *[(None, 3)] * 12])) == "undecided"
    lost = [(5, 4)] * 30
    assert state(judged_run([*lost, (5, None)])) == "worse"
    assert state(judged_run([*lost, *[(5, None)] * 1, *[(None, None)] * 12])) == "undecided"
    assert "scores.missing" in reasons(judged_run([(None, None)] * 9))


@pytest.mark.parametrize(("lost", "decides"), [(0, None), (1, "pass"), (2, "fail")])
def test_form_is_a_tripwire(lost: int, decides: str | None) -> None:
    of = judged_run([(5, 5)] * 40)
    assert of.evaluation
    share = {0: 0, 1: 6, 2: 40}[lost]
    items = [
        graded(i.prompt, 5, format=4 if number < share else 5) if i.prompt.startswith("h") else i
        for number, i in enumerate(reversed(of.evaluation.arms[Arm.CANDIDATE.value].items))
    ]
    found = reasons(with_arm(of, Arm.CANDIDATE, items=tuple(items))).get("scores.format")
    assert (found.decides.value if found else None) == decides


def test_together_the_tripwires_raise_one_false_alarm_in_twenty() -> None:
    from ftgate.decide.judged import beyond

    chance, alarms = random.Random(7), 0
    for _ in range(300):
        sides = [[max(1, min(5, 3 + round(chance.gauss(0, 0.8)))) for _ in range(40)] for _ in range(4)]
        groups = tuple(map(str, range(40)))
        both = [
            Scores(criterion="format", groups=groups, reference=tuple(sides[0]), candidate=tuple(sides[1])),
            Scores(
                criterion="completeness", groups=groups, reference=tuple(sides[2]), candidate=tuple(sides[3])
            ),
        ]
        alarms += any(beyond(both, "best", 0.0))
    assert alarms / 300 <= 0.09


@pytest.mark.parametrize(
    ("scores", "id"),
    [
        ([5] * 50, "correctness.reached"),
        ([4] * 50, "correctness.undecided"),  # exactly four proves nothing about the mean
        ([3] * 50, "correctness.low"),
        ([5, 4, 4, 3] * 5, "correctness.undecided"),
        ([5] * 3, "correctness.undecided"),
    ],
)
def test_the_mean_that_the_policy_asks_for(scores: list[int], id: str) -> None:
    of = with_policy(judged_run([(s, s) for s in scores]), margin=1.0, slices="off")
    assert id in {reason.id for reason in decide(of).reasons}


def test_an_undecided_mean_says_what_would_prove_it() -> None:
    of = with_policy(judged_run([(s, s) for s in [5, 5, 4, 3, 4] * 4]), margin=1.0, slices="off")
    said = next(r for r in decide(of).reasons if r.id == "correctness.undecided").text
    assert "20 prompts prove it from a mean of 4.3" in said and "prompts with this mean" in said


PAIR = st.tuples(st.integers(1, 5), st.integers(1, 5))
PAIRS = st.one_of(
    st.lists(PAIR, min_size=5, max_size=30),
    st.builds(lambda n, more: [(5, 5)] * n + more, st.integers(5, 60), st.lists(PAIR, max_size=6)),
)


@settings(max_examples=40, deadline=None)
@given(PAIRS, st.data())
def test_worse_scores_never_improve_the_verdict(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(pairs) - 1))
    lower = data.draw(st.integers(1, pairs[at][1]))
    before = _state(pairs)
    worse = [*pairs[:at], (pairs[at][0], lower), *pairs[at + 1 :]]
    assert rank(_state(worse)) >= rank(before)
    lost = [*pairs[:at], (pairs[at][0], None), *pairs[at + 1 :]]
    after = decide(judged_run(lost)).outcome
    assert after is not VerdictOutcome.PASS or decide(judged_run(pairs)).outcome is VerdictOutcome.PASS


def _state(pairs: list[tuple[int, int]]) -> VerdictOutcome:
    """By t alone: the bootstrap may take a decision back, and is no monotone function of the scores."""
    policy = Policy()
    of = Scores(
        criterion="correctness",
        groups=tuple(str(n) for n in range(len(pairs))),
        reference=tuple(a for a, _ in pairs),
        candidate=tuple(b for _, b in pairs),
    )
    found = bounds(of, "left out")
    assert found is not None
    if within(found.lower, policy):
        return VerdictOutcome.PASS
    return VerdictOutcome.FAIL if found.upper < 0 else VerdictOutcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("reason", "may"), [("scores.worse", True), ("correctness.low", True), ("scores.missing", False)]
)
def test_what_was_measured_may_be_waived_and_what_was_not_may_not(reason: str, may: bool) -> None:
    assert waivable(reason) is may
