"""The verdict in one line, for the comment and for the terminal. Plain text: the caller quotes it."""

from collections.abc import Callable
from typing import NamedTuple

from ftgate.report.quote import cut
from ftgate.report.wording import count, join, points
from ftgate.values.evaluation import Comparison
from ftgate.values.finding import Severity
from ftgate.values.run import Run, VerdictOutcome

_REASON = 140


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
        return "the candidate could not be trained"
    if run.verdict is not None and run.verdict.decided_by == "preflight":
        clause = run.verdict.reasons[0].text.partition(", ")[0]
        return cut(clause if run.candidate else f"nothing was trained: {clause}", _REASON).kept
    return (_lost(run, run.comparison) if run.comparison else "") or _first_reason(run)


def _lost(run: Run, comparison: Comparison) -> str:
    broken, accepted = len(comparison.broken), run.plan.policy.max_broken
    if broken > accepted:
        return f"{count(broken, 'regression prompt')} broke, the policy accepts {accepted}"
    held_out = comparison.held_out
    if held_out.upper is not None and held_out.upper < 0:
        change = points(held_out.difference)
        return f"held-out results changed by {change} points against the {comparison.reference.value}"
    return ""


def _inconclusive(run: Run) -> str:
    if run.verdict is not None and run.verdict.reasons and run.verdict.reasons[0].id == "job.admit":
        return "not trained before somebody with write permission has looked at it"
    held_out = run.comparison.held_out if run.comparison else None
    if _only_held_out_is_open(run) and held_out and held_out.needed and held_out.needed > held_out.graded:
        examples = count(held_out.graded, "held-out example")
        return f"{examples} cannot decide, about {held_out.needed:,} would"
    return _first_reason(run)


def _waived(run: Run) -> str:
    reasons = run.verdict.reasons if run.verdict else ()
    ids = [reason.id for reason in reasons if reason.decides is VerdictOutcome.WAIVED]
    people = sorted({waiver.by for waiver in run.waivers if waiver.reason in ids})
    return cut(f"{join(people) or 'a maintainer'} accepts {join(ids)}", _REASON).kept


def _only_held_out_is_open(run: Run) -> bool:
    """Whether nothing else is missing: what was not graded or not evaluated has to be named first."""
    if run.comparison is None or run.verdict is None:
        return False
    return run.verdict.decided_by == "decide" and not (run.comparison.ungraded or run.comparison.missing)


def _first_reason(run: Run) -> str:
    """Reasons come worst first, so the first one decided."""
    reasons = run.verdict.reasons if run.verdict else ()
    return cut(reasons[0].text, _REASON).kept if reasons else "no reason was recorded"


_OUTCOMES: dict[VerdictOutcome, tuple[str, str, Callable[[Run], str]]] = {
    VerdictOutcome.PASS: ("✅", "Pass", _pass),
    VerdictOutcome.FAIL: ("❌", "Fail", _fail),
    VerdictOutcome.INCONCLUSIVE: ("🟡", "Inconclusive", _inconclusive),
    VerdictOutcome.NOT_APPLICABLE: ("⚪", "Not applicable", lambda run: run.plan.why),
    VerdictOutcome.WAIVED: ("🔓", "Waived", _waived),
}
