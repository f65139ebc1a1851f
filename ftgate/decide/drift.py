"""The candidate against the best that was ever promoted: many small steps, each accepted, can add up to a large one."""

from typing import get_args

from ftgate.decide.rulings import Rulings, note, warn
from ftgate.values.baseline import Drift, Promotion, Set, Tally
from ftgate.values.evaluation import Arm, ArmEvaluation, Evaluation, Outcome
from ftgate.values.run import Run
from ftgate.values.settings import Policy

TOLERANCE = 1e-9


def tally(evaluation: Evaluation, arm: Arm, set: Set) -> Tally:
    """How many prompts of a set an arm passed; one without a completion counts as not graded."""
    found: ArmEvaluation | None = evaluation.arms.get(arm.value)
    items = {item.prompt: item.outcome for item in found.items} if found else {}
    ids = list(dict.fromkeys(evaluation.ids(set)))
    outcomes = [items.get(id, Outcome.UNGRADED) for id in ids]
    return Tally(
        passed=outcomes.count(Outcome.PASSED),
        graded=len(ids) - outcomes.count(Outcome.UNGRADED),
        total=len(ids),
        measure=evaluation.measures.get(set, ""),
    )


def drifts(run: Run) -> tuple[Drift, ...]:
    """One for each set of prompts; empty before an evaluation, or where nothing was ever promoted."""
    if run.evaluation is None or run.history is None or not run.history.promotions:
        return ()
    return tuple(
        _drift(tally(run.evaluation, Arm.CANDIDATE, set), set, run.history.promotions, run.plan.policy)
        for set in get_args(Set)
        if run.evaluation.ids(set)
    )


def _drift(now: Tally, set: Set, promotions: tuple[Promotion, ...], policy: Policy) -> Drift:
    """The best is the latest of those with the highest rate. A rate that is not known compares with nothing."""
    alike = [p for p in promotions if p.tally(set).measure == now.measure and now.measure]
    known = [(rate, number) for number, p in enumerate(alike) if (rate := p.tally(set).rate) is not None]
    best = alike[max(known)[1]] if known else None
    drop = None
    if best is not None and now.rate is not None:
        drop = max(known)[0] - now.rate
    return Drift(
        set=set,
        now=now,
        best=best,
        drop=drop,
        beyond=drop is not None and _beyond(drop, set, now.total, policy),
        incomparable=len(promotions) - len(alike),
    )


def _beyond(drop: float, set: Set, total: int, policy: Policy) -> bool:
    """Whether one pull request would not be let through with it: the margin, or the number of broken prompts."""
    allowed = policy.margin if set == "held-out" else policy.max_broken / total
    return drop > allowed + TOLERANCE


def remembered(run: Run) -> Rulings:
    """What a reviewer should know of the baseline's record and of the ledger. Decides nothing."""
    if run.origin is not None and run.origin.problem:
        yield warn("train", "baseline.damaged", f"{run.origin.problem}; it was not used")
    if run.origin is not None and run.origin.source == "trained":
        yield note("train", "baseline.trained", run.origin.said)
    if run.history is not None and run.history.problem:
        yield warn("evaluate", "ledger.damaged", run.history.problem)
    for drift in drifts(run):
        if drift.beyond and drift.best is not None:
            yield warn("decide", f"drift.{drift.set}", _said(drift, drift.best, run.plan.policy))


def _said(drift: Drift, best: Promotion, policy: Policy) -> str:
    was, now = best.tally(drift.set), drift.now
    name = "held-out set" if drift.set == "held-out" else "regression prompts"
    accepted = f"{100 * policy.margin:g} points" if drift.set == "held-out" else f"{policy.max_broken} broken"
    return (
        f"{name}: {now.passed} of {now.total} now, {was.passed} of {was.total} at the best promotion "
        f"({best.commit[:12]}, {best.created[:10]}): step by step more was lost than the {accepted} "
        f"that the policy accepts at once"
    )
