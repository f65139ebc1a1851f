"""When a judge is invalid; numbers of the power table are golden."""

from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.decide.canaries import alarm, alarm_level, believed, tail
from ftgate.values.evaluation import Arm, ArmEvaluation, Completion, Evaluation, Grade, Item, Outcome
from ftgate.values.judging import CanaryKind, CanaryResult, Judgement, Judging, Reply
from ftgate.values.run import VerdictOutcome

KINDS: tuple[CanaryKind, ...] = ("verbatim", "paraphrase", "empty", "off-topic", "constant", "injection")


def results(right: int, wrong: int, judge: str = "j") -> list[CanaryResult]:
    made = []
    for n in range(right + wrong):
        score = 5 if n >= wrong else 1
        kind = KINDS[n % len(KINDS)]
        made.append(
            CanaryResult(judge=judge, kind=kind, prompt="p", low=5, high=5, score=score, state="scored")
        )
    return made


@pytest.mark.parametrize(
    ("canaries", "level", "power"), [(10, 3, 0.32), (20, 4, 0.59), (30, 5, 0.74), (40, 5, 0.92)]
)
def test_the_levels_and_their_power_against_one_error_in_five(
    canaries: int, level: int, power: float
) -> None:
    assert alarm_level(canaries) == level
    assert tail(level, canaries, 0.2) == pytest.approx(power, abs=0.01)


def test_power_against_three_errors_in_ten() -> None:
    assert tail(4, 20, 0.3) == pytest.approx(0.89, abs=0.005)


@pytest.mark.parametrize("canaries", range(60))
def test_a_good_judge_is_seldom_accused(canaries: int) -> None:
    assert tail(alarm_level(canaries), canaries, 0.05) <= 0.05


def test_five_of_thirty_raise_the_alarm_and_four_do_not() -> None:
    assert alarm(results(26, 4)) == ""
    assert "5 of 30 canaries wrong, alarm from 5 on" in alarm(results(25, 5))


def test_a_kind_that_fails_whole_raises_it_alone() -> None:
    obeyed = [
        CanaryResult(judge="j", kind="injection", prompt="p", low=1, high=2, score=5, state="scored")
    ] * 2
    others = [r for r in results(28, 0) if r.kind != "injection"]
    assert alarm([*others, *obeyed]) == "every canary of the kind injection wrong"
    assert alarm([*others, *obeyed[:1]]) == ""


def test_no_score_is_an_error() -> None:
    silent = CanaryResult(judge="j", kind="empty", prompt="p", low=1, high=1, score=None, state="refusal")
    assert not silent.right
    assert alarm([silent] * 5 + results(25, 0))


def test_each_judge_stands_for_itself() -> None:
    assert alarm([*results(30, 0, "good"), *results(25, 5, "bad")]).startswith("bad: 5 of 30")


def test_no_canaries_raise_no_alarm_here() -> None:
    assert (alarm([]), alarm_level(0)) == ("", 1)


def item(prompt: str, outcome: Outcome, grader: str = "judge") -> Item:
    return Item(
        prompt=prompt,
        completion=Completion(text="x", finish="stop", tokens=1),
        grades=(Grade(grader=grader, outcome=outcome, reason="schema_invalid: why"),),
    )


def evaluation(
    judging: Judging | None, ungraded: int = 0, total: int = 100, grader: str = "judge"
) -> Evaluation:
    arms = {}
    for arm in Arm:
        lost = ungraded if arm is Arm.CANDIDATE else 0
        items = [item(str(n), Outcome.UNGRADED if n < lost else Outcome.PASSED, grader) for n in range(total)]
        arms[arm.value] = ArmEvaluation(arm=arm, adapter_sha256=None, items=tuple(items))
    return Evaluation(prompts=(), arms=arms, judging=judging)


GOOD = Judging(canaries=tuple(results(30, 0)))


def ids(given: Evaluation) -> list[tuple[str, VerdictOutcome]]:
    return [(ruling.reason.id, ruling.reason.decides) for ruling in believed(given)]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (evaluation(GOOD), []),
        (evaluation(None, grader="equals"), []),
        (evaluation(None), ["judge.canaries"]),
        (evaluation(Judging(unavailable="down")), ["judge.unavailable"]),
        (evaluation(Judging()), ["judge.canaries"]),
        (evaluation(Judging(canaries=tuple(results(25, 5)))), ["judge.canaries"]),
        (evaluation(GOOD, ungraded=1), []),
        (evaluation(GOOD, ungraded=2), ["judge.coverage.candidate"]),
        (evaluation(GOOD, ungraded=1, total=34), ["judge.coverage.candidate"]),
    ],
)
def test_a_judge_that_cannot_be_believed_decides_nothing(given: Evaluation, wanted: Any) -> None:
    assert ids(given) == [(id, VerdictOutcome.INCONCLUSIVE) for id in wanted]


def test_few_canaries_and_a_change_are_said() -> None:
    few = Judging(canaries=tuple(results(6, 0)), changed=True)
    assert [(id, outcome) for id, outcome in ids(evaluation(few))] == [
        ("judge.few-canaries", VerdictOutcome.PASS),
        ("judge.changed", VerdictOutcome.PASS),
    ]


def test_votes_far_apart_are_told() -> None:
    given = evaluation(GOOD)
    votes = tuple(Reply(state="scored", judge="j", vote=n) for n in range(3))
    for spread, told in ((1, []), (2, ["judge.divided"])):
        judgement = Judgement(scores={}, votes=votes, spread=spread)
        items = tuple(
            replace(i, grades=(replace(i.grades[0], judgement=judgement),)) for i in given.arms["base"].items
        )
        arms = {**given.arms, "base": replace(given.arms["base"], items=items)}
        assert [id for id, _ in ids(replace(given, arms=arms))] == told
