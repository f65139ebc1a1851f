"""decide: the evidence of the run, compared and judged by the base branch's policy. Pure."""

from msgspec.structs import replace

from ftgate.decide.comparison import compare
from ftgate.decide.drift import drifts
from ftgate.decide.gate import decide as judge_run
from ftgate.decide.slices import slices
from ftgate.values.run import Run


def decide(run: Run) -> Run:
    """The run with comparison, drift and verdict, all made anew from its evidence."""
    compared = replace(
        run,
        comparison=compare(run.evaluation, run.plan.policy.margin) if run.evaluation else None,
        drift=drifts(run),
        slices=slices(run.evaluation, run.plan.policy) if run.evaluation else (),
        verdict=None,
    )
    return replace(compared, verdict=judge_run(compared))
