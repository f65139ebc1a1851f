"""Whether the judge can be believed: canaries, coverage, a judge that was there. Its failures are never the model's.

The number of errors that raises the alarm is the smallest which a judge that errs on one canary in twenty
reaches in at most 5 % of runs (binomial tail): 3 of 10, 4 of 20, 5 of 30 and of 40. A judge that errs on one in five
is caught with 32, 59, 74 and 92 %. A kind that fails whole raises it too: a judge that obeys the text which it
reads errs on no other kind.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import comb

from ftgate.decide.comparison import reference_arm
from ftgate.decide.rulings import Rulings, count, note, unsure, warn
from ftgate.values.evaluation import Arm, Evaluation, Grade, Outcome
from ftgate.values.judging import CanaryResult

TOLERATED = 0.05
"""Share of canaries on which a good judge may err, and the share of false alarms accepted for it."""
COVERAGE = 0.98
"""Least share of judged completions per arm that must have a grade; more than one without is too many."""
FEW = 10
"""With fewer canaries a bad judge is hardly told from a good one."""
_WHOLE_KIND = 2
_FAR_APART = 2


def alarm_level(canaries: int) -> int:
    """Errors from which on the judge is invalid; for no canaries 1, which none can reach."""
    level = 1
    while tail(level, canaries, TOLERATED) > TOLERATED:
        level += 1
    return level


def tail(errors: int, canaries: int, rate: float) -> float:
    """Probability of at least `errors` errors on so many canaries at an error rate."""
    return sum(
        comb(canaries, k) * rate**k * (1 - rate) ** (canaries - k) for k in range(errors, canaries + 1)
    )


def alarm(results: Sequence[CanaryResult]) -> str:
    """Why the judge is invalid, in words; "" when it is not. Each of several judges has to stand the test."""
    judges = dict.fromkeys(result.judge for result in results)
    several = len(judges) > 1
    said = {judge: _alarm([result for result in results if result.judge == judge]) for judge in judges}
    return "; ".join(f"{judge}: {why}" if several else why for judge, why in said.items() if why)


def _alarm(results: Sequence[CanaryResult]) -> str:
    wrong = [result for result in results if not result.right]
    level = alarm_level(len(results))
    if len(wrong) >= level:
        kinds = ", ".join(f"{kind} {len(found)}" for kind, found in _by_kind(wrong).items())
        return f"{len(wrong)} of {count(len(results), 'canary', 'canaries')} wrong, alarm from {level} on: {kinds}"
    whole = [
        kind
        for kind, found in _by_kind(results).items()
        if len(found) >= _WHOLE_KIND and not any(result.right for result in found)
    ]
    return f"every canary of the kind {' and '.join(whole)} wrong" if whole else ""


def _by_kind(results: Iterable[CanaryResult]) -> dict[str, list[CanaryResult]]:
    kinds: dict[str, list[CanaryResult]] = defaultdict(list)
    for result in results:
        kinds[result.kind].append(result)
    return dict(kinds)


def believed(evaluation: Evaluation) -> Rulings:
    """What the judge's own evidence says about the judge."""
    judging = evaluation.judging
    judged = {
        name: [g for i in arm.items for g in i.grades if _is_judged(g)]
        for name, arm in evaluation.arms.items()
    }
    if judging is None:
        if any(grade.outcome is not Outcome.UNGRADED for grades in judged.values() for grade in grades):
            yield unsure(
                "evaluate", "judge.canaries", "a judge graded, and nothing says whether it can judge"
            )
        return
    if judging.unavailable:
        yield unsure("evaluate", "judge.unavailable", f"there was no judge: {judging.unavailable}")
        return
    if not judging.canaries:
        text = "the judge was not tested: no prompt has a reference to make canaries from"
        yield unsure("evaluate", "judge.canaries", text)
    elif why := alarm(judging.canaries):
        yield unsure("evaluate", "judge.canaries", f"the judge is invalid and grades nothing: {why}")
        return
    elif len(judging.canaries) < FEW:
        text = f"only {count(len(judging.canaries), 'canary', 'canaries')} tested the judge; more references give more"
        yield warn("evaluate", "judge.few-canaries", text)
    if judging.changed:
        text = "the judge's server changed its model midway; everything was asked again of the new one"
        yield note("evaluate", "judge.changed", text)
    yield from _divided([grade for grades in judged.values() for grade in grades])
    yield from _covered(judged, reference_arm(evaluation))


def _divided(grades: list[Grade]) -> Rulings:
    voted = [grade.judgement for grade in grades if grade.judgement and len(grade.judgement.votes) > 1]
    divided = [judgement for judgement in voted if judgement.spread >= _FAR_APART]
    if divided:
        text = f"votes on {len(divided)} of {count(len(voted), 'completion')} lie {_FAR_APART} points or more apart"
        yield note("evaluate", "judge.divided", f"the judges disagree: {text}")


def _covered(judged: dict[str, list[Grade]], reference: Arm) -> Rulings:
    for arm in (reference, Arm.CANDIDATE):
        grades = judged.get(arm.value, [])
        open_ = [grade for grade in grades if grade.outcome is Outcome.UNGRADED]
        if len(open_) > 1 or len(open_) > (1 - COVERAGE) * len(grades):
            states = sorted({grade.reason.partition(":")[0] for grade in open_})
            text = (
                f"the judge graded {len(grades) - len(open_)} of {len(grades)} completions of the {arm.value}"
            )
            yield unsure("evaluate", f"judge.coverage.{arm.value}", f"{text}: {', '.join(states)}")


def _is_judged(grade: Grade) -> bool:
    return grade.grader.removeprefix("not ") == "judge" or grade.judgement is not None
