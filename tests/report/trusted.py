"""Runs that people decided about: waived, partly waived, waiting."""

from msgspec.structs import replace

from ftgate.decide.gate import decide
from ftgate.values.run import Run
from ftgate.values.trust import Admission, Permission, Waiver
from tests.report.runs import failed, passed

DATA = "3fa94c1d" * 8


def _waiver(reason: str, data: str = DATA, why: str = "the bank answers these by phone since May") -> Waiver:
    return Waiver(
        reason=reason,
        data=data[:40],
        why=why,
        by="maria",
        permission=Permission.MAINTAIN,
        when="2026-01-02T10:00:00Z",
        comment="https://github.com/acme/bank/pull/12#issuecomment-1",
    )


def _failed() -> Run:
    """A failed run whose policy does not look at slices: two reasons, no more."""
    run = failed()
    policy = replace(run.plan.policy, slices="off")
    return replace(run, plan=replace(run.plan, policy=policy), slices=())


def waived() -> Run:
    """Both reasons are accepted; an older waiver, for data that has changed since, is void."""
    waivers = (
        _waiver("regression.broken", "0" * 64, "looked at the first version"),
        _waiver("regression.broken"),
        _waiver("held-out.worse"),
    )
    run = replace(_failed(), data_sha256=DATA, waivers=waivers)
    return replace(run, verdict=decide(run))


def partly_waived() -> Run:
    """One reason is accepted, another one still blocks."""
    run = replace(_failed(), data_sha256=DATA, waivers=(_waiver("regression.broken"),))
    return replace(run, verdict=decide(run))


def waits() -> Run:
    """From a fork: validated, and not trained before somebody has looked."""
    run = passed()
    say = f"`/ftgate run {run.plan.head}`"
    why = f"this head comes from a fork: somebody with write permission looks at it and comments {say}"
    run = replace(
        run,
        stages=("plan", "validate"),
        recipe=None,
        baseline=None,
        candidate=None,
        evaluation=None,
        comparison=None,
        slices=(),
        origin=None,
        history=None,
        drift=(),
        data_sha256=DATA,
        admission=Admission(admitted=False, head=run.plan.head, why=why),
        jobs={"validate": "success", "admit": "failure", "train": "skipped"},
    )
    return replace(run, verdict=decide(run))
