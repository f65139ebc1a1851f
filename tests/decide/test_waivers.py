"""Waivers: one reason, one state of the data, told for ever."""

import pytest
from msgspec.structs import replace

from ftgate.decide.gate import decide
from ftgate.decide.waivers import unwaived_errors
from ftgate.errors import ExitCode
from ftgate.values.finding import Severity
from ftgate.values.run import Run, VerdictOutcome
from ftgate.values.trust import Doubt, Permission, Waiver
from tests.decide.builders import finding, run

DATA = "d" * 64
BROKEN = ["PF"] * 3 + ["PP"] * 20
GOOD = ["PP"] * 100
UNSURE = ["PP"] * 5


def waiver(reason: str, data: str = DATA[:40], by: str = "maria") -> Waiver:
    return Waiver(reason=reason, data=data, why="it was wrong before", by=by, permission=Permission.MAINTAIN)


def judged(of: Run, *waivers: Waiver, data: str = DATA) -> tuple[VerdictOutcome, list[str]]:
    verdict = decide(replace(of, data_sha256=data, waivers=waivers))
    return verdict.outcome, [reason.id for reason in verdict.reasons]


def test_a_waived_reason_stays_listed_and_no_longer_decides() -> None:
    outcome, ids = judged(run(BROKEN, GOOD), waiver("regression.broken"))
    assert outcome is VerdictOutcome.WAIVED
    assert outcome.exit_code is ExitCode.PASS
    assert ids[0] == "regression.broken"
    assert "waiver" in ids


def test_without_the_waiver_it_fails() -> None:
    assert judged(run(BROKEN, GOOD))[0] is VerdictOutcome.FAIL


def test_what_is_not_waived_still_decides() -> None:
    assert judged(run(BROKEN, UNSURE), waiver("regression.broken"))[0] is VerdictOutcome.INCONCLUSIVE
    both = (waiver("regression.broken"), waiver("held-out.undecided"))
    assert judged(run(BROKEN, UNSURE), *both)[0] is VerdictOutcome.WAIVED


@pytest.mark.parametrize("data", ["e" * 40, DATA[:39], DATA + "d", ""])
def test_a_waiver_for_other_data_is_void_and_shown(data: str) -> None:
    outcome, ids = judged(run(BROKEN, GOOD), waiver("regression.broken", data))
    assert outcome is VerdictOutcome.FAIL
    assert "waiver.void" in ids


def test_a_waiver_is_void_where_the_data_is_unknown() -> None:
    outcome, ids = judged(run(BROKEN, GOOD), waiver("regression.broken"), data="")
    assert outcome is VerdictOutcome.FAIL
    assert "waiver.void" in ids


def test_a_waiver_of_what_does_not_block_changes_nothing() -> None:
    outcome, ids = judged(run(["PP"] * 20, GOOD), waiver("regression.broken"))
    assert outcome is VerdictOutcome.PASS
    assert "waiver.void" in ids


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (replace(run(BROKEN, GOOD), candidate=None, evaluation=None), "training.missing"),
        (replace(run(BROKEN, GOOD), evaluation=None), "evaluation.missing"),
        (replace(run(BROKEN, GOOD), stages=("plan",), candidate=None), "validation.missing"),
        (replace(run(["PP"], GOOD), jobs={"train": "cancelled"}), "job.train"),
        (replace(run(["PP"], GOOD), doubts=(Doubt(id="foreign", text="x"),)), "run.foreign"),
        (replace(run(["PP"], GOOD), findings=(finding("source", Severity.ERROR),)), "findings.source"),
    ],
)
def test_what_nobody_looked_at_cannot_be_waived(of: Run, reason: str) -> None:
    outcome, ids = judged(of, waiver(reason))
    assert reason in ids
    assert "waiver.void" in ids
    assert outcome in (VerdictOutcome.FAIL, VerdictOutcome.INCONCLUSIVE)


def test_a_waived_finding_does_not_excuse_the_lack_of_an_evaluation() -> None:
    of = replace(
        run(BROKEN, GOOD), findings=(finding("secrets", Severity.ERROR),), candidate=None, evaluation=None
    )
    outcome, ids = judged(of, waiver("findings.secrets"))
    assert outcome is VerdictOutcome.INCONCLUSIVE
    assert ids[0] == "training.missing"


def test_a_waived_finding_lets_the_data_be_trained() -> None:
    found = (finding("secrets", Severity.ERROR), finding("roles", Severity.ERROR))
    of = replace(run(GOOD, GOOD), findings=found, data_sha256=DATA, waivers=(waiver("findings.secrets"),))
    assert [error.check for error in unwaived_errors(of)] == ["roles"]


def test_nothing_is_waived_where_the_gate_is_not_concerned() -> None:
    of = run(BROKEN, GOOD)
    of = replace(of, plan=replace(of.plan, applicable=False))
    assert judged(of, waiver("regression.broken"))[0] is VerdictOutcome.NOT_APPLICABLE


@pytest.mark.parametrize("result", ["skipped", "cancelled"])
@pytest.mark.parametrize("job", ["validate", "train", "evaluate", "something"])
def test_a_job_that_the_plan_asks_for_and_that_did_not_run_fails(job: str, result: str) -> None:
    verdict = decide(replace(run(GOOD, GOOD), jobs={job: result}))
    assert verdict.outcome is VerdictOutcome.FAIL
    assert verdict.reasons[0].id == f"job.{job}"


def test_a_job_that_failed_is_no_pass() -> None:
    assert decide(replace(run(GOOD, GOOD), jobs={"train": "failure"})).outcome is VerdictOutcome.INCONCLUSIVE


def test_jobs_that_did_their_work_or_were_not_asked_for_say_nothing() -> None:
    fine = {"announce": "failure", "validate": "success", "admit": "success", "train": "success"}
    assert decide(replace(run(GOOD, GOOD), jobs=fine)).outcome is VerdictOutcome.PASS
    queue = {"validate": "success", "admit": "skipped", "train": "success"}
    assert decide(replace(run(GOOD, GOOD), jobs=queue)).outcome is VerdictOutcome.PASS
    wrong = replace(
        run(GOOD, GOOD), findings=(finding("roles", Severity.ERROR),), candidate=None, evaluation=None
    )
    blocked = decide(replace(wrong, jobs={"validate": "failure", "admit": "skipped", "train": "skipped"}))
    assert [r.id for r in blocked.reasons if r.severity is Severity.ERROR] == ["findings.roles"]


def test_a_head_that_waits_says_so_once() -> None:
    of = replace(
        run(GOOD, GOOD), candidate=None, evaluation=None, jobs={"admit": "failure", "train": "skipped"}
    )
    verdict = decide(of)
    assert verdict.outcome is VerdictOutcome.INCONCLUSIVE
    assert [r.id for r in verdict.reasons if r.id.startswith("job.")] == ["job.admit"]
