"""Agreement of a judge with people, and what a judge's server can do: lines for a terminal."""

from collections.abc import Iterator, Mapping

from ftgate.report.quote import terminal
from ftgate.report.wording import count
from ftgate.values.judging import LEVELS, Agreement, Estimate, JudgeRecord, Judging, Usage
from ftgate.values.run import Run

ENOUGH = 100
"""Labels from which on the interval of kappa is narrower than about a sixth to either side."""
USABLE = 0.6
"""Kappa that the lower bound should reach before a judge decides alone: what is customary to call substantial."""


def agreement_lines(found: Agreement, who: str) -> Iterator[str]:
    """One screen: the numbers with their intervals, the table of scores, and what they suffice for."""
    unread = f"; {found.unread} without a grade are in no number" if found.unread else ""
    yield f"{terminal(who)} against people: {count(found.labels, 'label')}{unread}"
    yield ""
    yield f"  weighted kappa      {_interval(found.kappa, percent=False)}"
    yield f"  accuracy at >= {found.pass_score}    {_interval(found.accuracy)}"
    yield f"  true passes (TPR)   {_interval(found.true_pass)}"
    yield f"  false passes (FPR)  {_interval(found.false_pass)}"
    yield ""
    yield "  people \\ judge " + "".join(f"{score:>6}" for score in range(1, LEVELS + 1))
    for one in range(1, LEVELS + 1):
        cells = [found.counts.get(f"{one},{other}", 0) for other in range(1, LEVELS + 1)]
        yield f"  {one:>14} " + "".join(f"{cell or '.':>6}" for cell in cells)
    yield ""
    yield from _advice(found)


def _interval(estimate: Estimate, *, percent: bool = True) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "undetermined by these labels"
    if percent:
        return f"{estimate.value:6.1%}  ({estimate.low:.1%} to {estimate.high:.1%})"
    return f"{estimate.value:6.2f}  ({estimate.low:.2f} to {estimate.high:.2f})"


def _advice(found: Agreement) -> Iterator[str]:
    graded = found.labels - found.unread
    if graded < ENOUGH:
        few = f"{count(graded, 'label')} cannot certify a judge"
        yield f"{few}: around a kappa of 0.6 30 labels tell it to 0.29, 100 to 0.16."
    if found.kappa.low is not None and found.kappa.low < USABLE:
        yield f"The lower bound of kappa is below {USABLE}: let deterministic graders decide what they can."
    elif found.kappa.low is not None:
        yield f"The lower bound of kappa is at least {USABLE}: the judge may decide with its canaries."


def probe_lines(record: JudgeRecord, tried: Mapping[str, str], right: bool) -> Iterator[str]:
    """One screen: who the server says that it is, and what it was seen to do."""
    can = record.capabilities
    yield f"{terminal(record.label)}"
    yield f"  served model   {terminal(record.served_model) or '(not said)'}"
    yield f"  fingerprint    {terminal(record.fingerprint) or '(none)'}"
    for structure, seen in tried.items():
        yield f"  {structure:<13}  {terminal(seen[:200])}"
    yield f"  temperature    {'accepted' if can.temperature else 'refused, and left out'}"
    yield f"  seed           {'accepted' if can.seed else 'refused, and left out'}"
    yield f"  plain question {'answered rightly' if right else 'answered wrongly'}"
    yield f"  identity       {record.identity[:12]}"


def judge_line(run: Run) -> str:
    """The judge in one line: who, canaries, calls and cost; "" where no prompt asked one."""
    judging = run.evaluation.judging if run.evaluation else None
    if judging is None:
        return ""
    if judging.unavailable:
        return f"Judge: none ({judging.unavailable})"
    who = ", ".join(record.served_model or record.model for record in judging.judges)
    return f"Judge: {who}; {_canaries(judging)}; {_usage(judging.usage)}"


def _canaries(judging: Judging) -> str:
    right = sum(canary.right for canary in judging.canaries)
    return f"canaries {right} of {len(judging.canaries)} right"


def _usage(usage: Usage) -> str:
    said = f"{count(usage.calls, 'call')}, {usage.cached:,} from the cache"
    return said if usage.cost is None else f"{said}, cost {usage.cost:.2f}"
