"""Many small steps add up: the candidate is held against the best promotion of the same measure."""

import pytest
from msgspec.structs import replace

from ftgate.decide.drift import drifts, tally
from ftgate.decide.gate import decide
from ftgate.values.baseline import History, Origin, Promotion, Tally
from ftgate.values.evaluation import Arm
from ftgate.values.run import Run, VerdictOutcome
from tests.decide.builders import evaluation, run

MEASURES = {"regression": "r", "held-out": "h"}


def rated(passed: int, total: int, measure: str, graded: int | None = None) -> Tally:
    return Tally(passed=passed, graded=total if graded is None else graded, total=total, measure=measure)


def promoted(
    number: int, regression: int, held_out: int, *, measure: str = "h", graded: int = 100
) -> Promotion:
    return Promotion(
        commit=f"{number:040d}",
        key="k" * 64,
        data_sha256="d" * 64,
        examples=700,
        regression=rated(regression, 30, "r"),
        held_out=rated(held_out, 100, measure, graded),
        created="2026-01-01T00:00:00+00:00",
    )


def judged(regression: list[str] | None = None, held_out: list[str] | None = None, *past: Promotion) -> Run:
    asked = evaluation(regression or ["PP"] * 30, held_out or ["PP"] * 100)
    return run(evaluation=replace(asked, measures=MEASURES), history=History(promotions=past))


def warned(of: Run) -> dict[str, str]:
    return {r.id: r.text for r in decide(of).reasons if r.id.startswith("drift")}


def lost(number: int) -> list[str]:
    """Held-out pairs that agree with the baseline: this pull request alone loses nothing."""
    return ["PP"] * (100 - number) + ["FF"] * number


def test_a_drop_beyond_the_margin_against_the_best_record_warns_and_decides_nothing() -> None:
    of = judged(None, lost(11), promoted(1, 30, 100), promoted(2, 30, 95), promoted(3, 30, 89))
    assert list(warned(of)) == ["drift.held-out"]
    assert "89 of 100 now, 100 of 100 at the best promotion" in warned(of)["drift.held-out"]
    assert decide(of).outcome is VerdictOutcome.PASS


@pytest.mark.parametrize(("down", "warns"), [(10, False), (11, True)])
def test_exactly_the_margin_is_within_it(down: int, warns: bool) -> None:
    assert bool(warned(judged(None, lost(down), promoted(1, 30, 100)))) is warns


@pytest.mark.parametrize(("down", "warns"), [(2, False), (3, True)])
def test_regression_prompts_are_counted_as_the_policy_counts_them(down: int, warns: bool) -> None:
    of = judged(["PP"] * (30 - down) + ["FF"] * down, None, promoted(1, 30, 100))
    assert ("drift.regression" in warned(of)) is warns


def test_rates_of_another_measure_are_never_compared() -> None:
    of = judged(None, lost(50), promoted(1, 30, 100, measure="other"))
    assert warned(of) == {}
    (_, held_out) = drifts(of)
    assert (held_out.best, held_out.drop, held_out.incomparable) == (None, None, 1)


def test_a_run_without_measures_compares_with_nothing() -> None:
    of = judged(None, lost(50), promoted(1, 30, 100, measure=""))
    assert of.evaluation is not None
    bare = replace(of, evaluation=replace(of.evaluation, measures={}))
    assert [drift.best for drift in drifts(bare)] == [None, None]


def test_a_rate_that_is_not_known_is_no_record_and_no_drop() -> None:
    of = judged(None, lost(11), promoted(1, 30, 90), promoted(2, 30, 99, graded=99))
    (_, held_out) = drifts(of)
    assert held_out.best is not None and held_out.best.held_out.passed == 90
    assert warned(of) == {}
    open_ = judged(None, ["PU", *lost(11)[1:]], promoted(1, 30, 100))
    assert drifts(open_)[1].drop is None and "drift.held-out" not in warned(open_)


def test_the_best_is_the_latest_of_equals_and_improvement_is_negative() -> None:
    (_, held_out) = drifts(judged(None, None, promoted(1, 30, 97), promoted(2, 30, 97)))
    assert held_out.best is not None and held_out.best.commit.endswith("2")
    assert held_out.drop == pytest.approx(-0.03) and not held_out.beyond


def test_a_prompt_without_a_completion_is_not_graded() -> None:
    asked = evaluation(["PP", "P-", "PU", "PF"], [])
    assert tally(asked, Arm.CANDIDATE, "regression") == rated(1, 4, "", graded=2)


def test_nothing_promoted_yet_says_nothing() -> None:
    assert drifts(judged()) == () and drifts(run()) == ()


def test_what_was_not_used_is_said_and_passes_nothing() -> None:
    of = run(
        origin=Origin(
            source="trained", said="trained one from the base branch", problem="the record is damaged"
        ),
        history=History(problem="line 3 is damaged"),
    )
    said = {r.id: (r.severity.value, r.decides.value) for r in decide(of).reasons}
    assert said["baseline.damaged"] == ("warning", "pass")
    assert said["ledger.damaged"] == ("warning", "pass")
    assert said["baseline.trained"] == ("notice", "pass")
    assert decide(replace(of, baseline=None, evaluation=None)).outcome is VerdictOutcome.INCONCLUSIVE
