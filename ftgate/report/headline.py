"""The verdict in one line, for the comment and for the terminal. Plain text: the caller quotes it."""

from collections.abc import Callable
from typing import NamedTuple

from ftgate.report.wording import count, join, points
from ftgate.values.evaluation import Comparison
from ftgate.values.finding import Severity
from ftgate.values.run import Run, VerdictOutcome


class Headline(NamedTuple):
    """An icon, the outcome in a word, and what a reviewer needs to know first."""

    icon: str
    outcome: str
    sentence: str


def headline(run: Run) -> Headline:
    """Says what the verdict rests on; without a verdict, how far the run came."""
    if run.verdict is None:
        done = join(run.stages) or "nothing"
        return Headline("⏳", "No verdict yet", f"finished so far: {done}")
    icon, outcome, sentence = _OUTCOMES[run.verdict.outcome]
    return Headline(icon, outcome, sentence(run))


def _pass(run: Run) -> str:
    if run.comparison is None:
        return "the gate found nothing to object to"
    broken, accepted = len(run.comparison.broken), run.plan.policy.max_broken
    said = "no regression prompt broke"
    if broken:
        said = f"{count(broken, 'regression prompt')} broke, the policy accepts {accepted}"
    if run.comparison.held_out.difference is not None:
        said += ", held-out results within the policy"
    return said


def _fail(run: Run) -> str:
    errors = sum(finding.severity is Severity.ERROR for finding in run.findings)
    if errors and run.candidate is None:
        return f"{count(errors, 'error')} in the training data, so nothing was trained"
    if run.candidate is not None and run.candidate.failure is not None:
        return "training gave no usable adapter"
    if run.comparison is not None and (said := _lost(run, run.comparison)):
        return said
    return "the policy is not met"


def _lost(run: Run, comparison: Comparison) -> str:
    broken, accepted = len(comparison.broken), run.plan.policy.max_broken
    if broken > accepted:
        return f"{count(broken, 'regression prompt')} broke, the policy accepts {accepted}"
    change, margin = comparison.held_out.difference, run.plan.policy.margin
    if change is not None and change < -margin:
        return (
            f"held-out results changed by {points(change)} points against the {comparison.reference.value}, "
            f"the policy accepts {points(-margin)}"
        )
    return ""


def _inconclusive(run: Run) -> str:
    held_out = run.comparison.held_out if run.comparison else None
    if held_out is not None and held_out.needed is not None and held_out.needed > held_out.graded:
        return (
            f"{count(held_out.graded, 'held-out example')} cannot decide, "
            f"about {held_out.needed:,} would be enough"
        )
    return "the evidence does not decide"


_OUTCOMES: dict[VerdictOutcome, tuple[str, str, Callable[[Run], str]]] = {
    VerdictOutcome.PASS: ("✅", "Pass", _pass),
    VerdictOutcome.FAIL: ("❌", "Fail", _fail),
    VerdictOutcome.INCONCLUSIVE: ("🟡", "Inconclusive", _inconclusive),
    VerdictOutcome.NOT_APPLICABLE: ("⚪", "Not applicable", lambda run: run.plan.why),
}
