"""decide: the evidence of the run, compared and judged by the base branch's policy. Pure."""

from msgspec.structs import replace

from ftgate.decide.comparison import compare
from ftgate.decide.drift import drifts
from ftgate.decide.forgetting import forgetting
from ftgate.decide.gate import decide as judge_run
from ftgate.decide.headroom import headroom
from ftgate.decide.judged import score_changes
from ftgate.decide.past import past, removed
from ftgate.decide.power import power
from ftgate.decide.slices import slices
from ftgate.values.comparison import Comparison
from ftgate.values.run import Run


def decide(run: Run) -> Run:
    """The run with comparison, drift and verdict, all made anew from its evidence."""
    compared = replace(
        run,
        comparison=_compared(run),
        drift=drifts(run),
        slices=slices(run.evaluation, run.plan.policy) if run.evaluation else (),
        verdict=None,
    )
    return replace(compared, verdict=judge_run(compared))


def _compared(run: Run) -> Comparison | None:
    if run.evaluation is None:
        return None
    evaluation, policy = run.evaluation, run.plan.policy
    found, changes = compare(evaluation, policy.margin), score_changes(evaluation, policy)
    return replace(
        found,
        scores=changes,
        headroom=headroom(evaluation),
        forgetting=forgetting(evaluation),
        power=power(found, changes),
        past=past(run.history, (*found.broken, *found.wavering)),
        removed=removed(run.history, evaluation),
    )
