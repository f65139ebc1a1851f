"""A run from another machine: believed only where git says the same, and never a pass by being absent."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.decide.keys import prompts_digest
from ftgate.report.comment import comment
from ftgate.stages.pipeline import gate
from ftgate.stages.verdict import Arrived, Said, verdict
from ftgate.values.dataset import data_digest
from ftgate.values.evaluation import Arm, ArmEvaluation, Evaluation, Item, Outcome
from ftgate.values.finding import Severity
from ftgate.values.run import Reason, Request, Run, Verdict, VerdictOutcome
from ftgate.values.settings import Policy
from ftgate.values.training import Basis
from ftgate.values.training_settings import Preflight
from ftgate.values.trust import Permission, Waiver
from tests.baselines import promotion, record
from tests.builders import base_files, line, lines, pairs
from tests.fakes import BASE_MODEL, FakeRepository, FakeWorld
from tests.stages.test_pipeline import REQUEST, SWAP, world

OK = {"validate": "success", "admit": "success", "train": "success"}
FORGED_PASS = Verdict(
    outcome=VerdictOutcome.PASS,
    decided_by="decide",
    reasons=(Reason(id="x", severity=Severity.NOTICE, text="fine"),),
)


def good(tmp_path: Path) -> FakeWorld:
    return world(tmp_path, data__train__b_dot_jsonl=lines(pairs(3, start=100)))


def bad(tmp_path: Path) -> FakeWorld:
    return world(tmp_path, data__train__a_dot_jsonl=lines(pairs(30, swap=SWAP)))


def judged(made: FakeWorld, run: Run | None, said: Said = Said(), **jobs: str) -> Run:  # noqa: B008
    return verdict(REQUEST, made.ports, Arrived(run=run, jobs={**OK, **jobs}), said)


def outcome(run: Run) -> VerdictOutcome:
    assert run.verdict is not None
    return run.verdict.outcome


def ids(run: Run) -> list[str]:
    assert run.verdict is not None
    return [reason.id for reason in run.verdict.reasons if reason.severity is Severity.ERROR]


def evaluation(run: Run) -> Evaluation:
    assert run.evaluation is not None
    return run.evaluation


def with_arm(run: Run, arm: Arm, change: Callable[[ArmEvaluation], ArmEvaluation]) -> Run:
    arms = {**evaluation(run).arms, arm.value: change(evaluation(run).arms[arm.value])}
    return replace(run, evaluation=replace(evaluation(run), arms=arms))


def test_an_honest_run_gets_the_verdict_that_it_had(tmp_path: Path) -> None:
    for make, expected in ((good, VerdictOutcome.PASS), (bad, VerdictOutcome.FAIL)):
        made = make(tmp_path / expected.value)
        run = gate(REQUEST, made.ports)
        again = judged(made, run)
        assert outcome(again) is expected
        assert again.comparison == run.comparison
        assert again.verdict is not None and run.verdict is not None
        assert [r.id for r in again.verdict.reasons] == [r.id for r in run.verdict.reasons]


def test_a_forged_verdict_and_forged_findings_are_made_anew(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__b_dot_jsonl=line("late again", "late") + '{"messages": [\n')
    run = gate(REQUEST, made.ports)
    assert outcome(run) is VerdictOutcome.FAIL
    forged = replace(run, findings=(), rates=(), diff=None, files=(), verdict=FORGED_PASS)
    again = judged(made, forged)
    assert outcome(again) is VerdictOutcome.FAIL
    assert again.findings == run.findings
    assert again.diff == run.diff


def test_nothing_at_all_is_never_a_pass(tmp_path: Path) -> None:
    again = judged(good(tmp_path), None, train="failure")
    assert outcome(again) is VerdictOutcome.INCONCLUSIVE
    assert ids(again)[0] == "run.missing"
    assert "no run arrived" in comment(again)


def test_nothing_is_needed_where_the_gate_is_not_concerned(tmp_path: Path) -> None:
    made = world(tmp_path, README_dot_md="reworded\n")
    again = judged(made, None, admit="skipped", train="skipped")
    assert outcome(again) is VerdictOutcome.NOT_APPLICABLE


def test_changed_rules_are_previewed_here_too_and_never_taken_from_the_run(tmp_path: Path) -> None:
    stricter = base_files()["ftgate.yaml"] + "checks: {size: 'off'}\n"
    for more in ({}, {"data__train__b_dot_jsonl": lines(pairs(3, start=100))}):
        made = world(tmp_path / str(len(more)), ftgate_dot_yaml=stricter, **more)
        run = gate(REQUEST, made.ports)
        assert run.preview is not None
        again = judged(made, replace(run, preview=replace(run.preview, problem="invented")))
        assert again.preview == run.preview


def test_a_run_that_cannot_be_read_is_no_pass(tmp_path: Path) -> None:
    arrived = Arrived(problem="run.json: not a readable run", jobs=OK)
    again = verdict(REQUEST, good(tmp_path).ports, arrived)
    assert outcome(again) is VerdictOutcome.INCONCLUSIVE
    assert ids(again) == ["run.forged"]


PLANS: dict[str, Callable[[Run], Run]] = {
    "head": lambda run: replace(run, plan=replace(run.plan, head="main")),
    "merge_base": lambda run: replace(run, plan=replace(run.plan, merge_base="head")),
    "settings": lambda run: replace(run, plan=replace(run.plan, settings_sha256="0" * 64)),
    "settings_path": lambda run: replace(run, plan=replace(run.plan, settings_path="other.yaml")),
    "policy": lambda run: replace(run, plan=replace(run.plan, policy=Policy(max_broken=1000))),
    "not_applicable": lambda run: replace(
        run, plan=replace(run.plan, applicable=False, why="nothing to see")
    ),
    "changed": lambda run: replace(run, plan=replace(run.plan, changed=())),
    "version": lambda run: replace(run, provenance=replace(run.provenance, ftgate="99")),
}


@pytest.mark.parametrize("what", PLANS)
def test_a_run_of_something_else_is_refused(tmp_path: Path, what: str) -> None:
    made = bad(tmp_path)
    again = judged(made, PLANS[what](gate(REQUEST, made.ports)))
    assert outcome(again) is VerdictOutcome.INCONCLUSIVE
    assert ids(again) == ["run.foreign"]
    assert again.candidate is None and again.evaluation is None
    assert again.plan.policy.max_broken == 2


def _relabelled(item: Item) -> Item:
    return replace(item, grades=tuple(replace(grade, outcome=Outcome.PASSED) for grade in item.grades))


def with_facts(run: Run, **changes: Any) -> Run:
    assert run.preflight is not None
    return replace(run, preflight=replace(run.preflight, facts=replace(run.preflight.facts, **changes)))


def with_candidate(run: Run, **changes: Any) -> Run:
    assert run.candidate is not None
    return replace(run, candidate=replace(run.candidate, **changes))


def basis(run: Run) -> Basis:
    assert run.preflight is not None
    return run.preflight.facts.basis


FORGERIES: dict[str, Callable[[Run], Run]] = {
    "no preflight": lambda run: replace(run, preflight=None),
    "a preflight of another commit": lambda run: with_facts(run, commit="main"),
    "a preflight of other data": lambda run: with_facts(run, data_sha256="0" * 64),
    "a preflight of fewer examples": lambda run: with_facts(run, basis=replace(basis(run), examples=3)),
    "a preflight of another model": lambda run: with_facts(
        run, base_model=replace(BASE_MODEL, name="evil", revision="r1")
    ),
    "a preflight of a larger model than was trained": lambda run: with_facts(
        run, base_model=replace(BASE_MODEL, parameters=8_000_000_000)
    ),
    "more dropped than there are": lambda run: with_facts(run, dropped=10**9),
    "fewer rows than examples": lambda run: with_facts(run, rows=1),
    "less than nothing": lambda run: with_facts(run, tokens=-1),
    "more than can be counted": lambda run: with_facts(run, basis=replace(basis(run), tokens=10**18)),
    "a rate of nothing": lambda run: with_facts(run, measured=-1.0),
    "a service where there is none": lambda run: with_facts(run, hosted=True),
    "other tokens than were trained": lambda run: with_candidate(
        run, basis=replace(basis(run), tokenised="0" * 64)
    ),
    "another template than was trained": lambda run: with_candidate(
        run, basis=replace(basis(run), template="0" * 64)
    ),
    "no word of what was trained": lambda run: with_candidate(run, basis=None),
    "another recipe than was asked for": lambda run: with_candidate(
        run, recipe=replace(run.candidate.recipe, epochs=1) if run.candidate else None
    ),
    "candidate of other data": lambda run: replace(
        run, candidate=run.candidate and replace(run.candidate, data_sha256="0" * 64)
    ),
    "candidate of another commit": lambda run: replace(
        run, candidate=run.candidate and replace(run.candidate, commit="main")
    ),
    "baseline of the head's data": lambda run: replace(run, baseline=run.candidate),
    "no baseline": lambda run: replace(run, baseline=None),
    "another base model": lambda run: replace(
        run,
        provenance=replace(
            run.provenance,
            base_model=run.provenance.base_model and replace(run.provenance.base_model, name="evil"),
        ),
    ),
    "no base model": lambda run: replace(run, provenance=replace(run.provenance, base_model=None)),
    "another held-out set": lambda run: replace(
        run, provenance=replace(run.provenance, held_out_sha256="0" * 64)
    ),
    "fewer prompts": lambda run: replace(
        run, evaluation=replace(evaluation(run), prompts=evaluation(run).prompts[:3])
    ),
    "an easier prompt": lambda run: replace(
        run,
        evaluation=replace(
            evaluation(run),
            prompts=(
                replace(evaluation(run).prompts[0], expect={"contains": ""}),
                *evaluation(run).prompts[1:],
            ),
        ),
    ),
    "grades that were turned": lambda run: with_arm(
        run, Arm.CANDIDATE, lambda arm: replace(arm, items=tuple(map(_relabelled, arm.items)))
    ),
    "items without grades": lambda run: with_arm(
        run, Arm.CANDIDATE, lambda arm: replace(arm, items=tuple(replace(i, grades=()) for i in arm.items))
    ),
    "answers to prompts that nobody asked": lambda run: with_arm(
        run,
        Arm.CANDIDATE,
        lambda arm: replace(arm, items=(*arm.items, replace(arm.items[0], prompt="made-up"))),
    ),
    "an arm of another name": lambda run: replace(
        run,
        evaluation=replace(
            evaluation(run), arms={**evaluation(run).arms, "ours": evaluation(run).arms["candidate"]}
        ),
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_forged_run_is_refused(tmp_path: Path, what: str) -> None:
    made = bad(tmp_path)
    again = judged(made, FORGERIES[what](gate(REQUEST, made.ports)))
    assert outcome(again) is VerdictOutcome.INCONCLUSIVE
    assert set(ids(again)) == {"run.forged"}
    assert again.candidate is None and again.evaluation is None


def test_limits_recipe_and_estimates_of_a_preflight_are_made_anew(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__b_dot_jsonl=lines(pairs(3, start=100)))
    for files in made.repository.commits.values():
        files["ftgate.yaml"] = str(files["ftgate.yaml"]) + "training: {preflight: {min_steps: 100}}\n"
    run = gate(REQUEST, made.ports)
    assert outcome(run) is VerdictOutcome.FAIL and run.preflight is not None
    lax = replace(run.preflight, limits=Preflight(min_steps=1), steps=10_000, hints=("all is well",))
    again = judged(made, replace(run, preflight=lax))
    assert again.preflight == run.preflight
    assert outcome(again) is VerdictOutcome.FAIL
    assert ids(again) == ["preflight.steps"]


def test_facts_that_no_recipe_is_for_are_refused(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__b_dot_jsonl=lines(pairs(3, start=100)))
    for files in made.repository.commits.values():
        files["ftgate.yaml"] = str(files["ftgate.yaml"]) + "training: {max_length: 1024}\n"
    run = replace(gate(REQUEST, made.ports), candidate=None, baseline=None, evaluation=None)
    short = with_facts(run, base_model=replace(BASE_MODEL, max_length=16))
    again = judged(made, short)
    assert ids(again) == ["run.forged"]


def test_a_template_that_the_machine_hides_is_found_on_the_data_branch(tmp_path: Path) -> None:
    made = good(tmp_path)
    run = gate(REQUEST, made.ports)
    assert run.candidate is not None and run.candidate.basis is not None
    old = replace(run.candidate, basis=replace(run.candidate.basis, template="o" * 64))
    made.baselines.records[old.key] = replace(record("old"), key=old.key, training=old)
    made.baselines.promotions.append(replace(promotion("old"), key=old.key))
    again = judged(made, run)
    assert "preflight.template" in ids(again)


def test_a_candidate_that_is_missing_is_missing(tmp_path: Path) -> None:
    made = good(tmp_path)
    run = replace(
        gate(REQUEST, made.ports), candidate=None, baseline=None, evaluation=None, stages=("plan", "validate")
    )
    again = judged(made, run, train="failure")
    assert outcome(again) is VerdictOutcome.INCONCLUSIVE
    assert "training.missing" in ids(again)


@pytest.mark.parametrize("result", ["cancelled", "skipped"])
def test_a_job_that_did_not_run_fails_even_with_a_perfect_run(tmp_path: Path, result: str) -> None:
    made = good(tmp_path)
    again = judged(made, gate(REQUEST, made.ports), train=result)
    assert outcome(again) is VerdictOutcome.FAIL
    assert ids(again) == ["job.train"]


def test_a_moved_head_is_stale(tmp_path: Path) -> None:
    made = good(tmp_path)
    again = judged(made, gate(REQUEST, made.ports), Said(head="newer"))
    assert outcome(again) is VerdictOutcome.INCONCLUSIVE
    assert ids(again) == ["run.stale"]


def given(reason: str, data: str) -> Waiver:
    return Waiver(
        reason=reason,
        data=data[:40],
        why="the bank changed its terms",
        by="maria",
        permission=Permission.ADMIN,
    )


def test_a_waiver_of_a_run_is_ignored_and_one_of_github_counts(tmp_path: Path) -> None:
    made = bad(tmp_path)
    run = gate(REQUEST, made.ports)
    data = data_digest(run.files)
    assert run.data_sha256 == data
    reasons = [r.id for r in run.verdict.reasons if r.decides is VerdictOutcome.FAIL] if run.verdict else []
    assert "regression.broken" in reasons
    waivers = tuple(given(reason, data) for reason in reasons)
    assert outcome(judged(made, replace(run, waivers=waivers))) is VerdictOutcome.FAIL
    said = Said(head=run.plan.head, waivers=waivers)
    again = judged(made, run, said)
    assert outcome(again) is VerdictOutcome.WAIVED
    shown = comment(again)
    assert "Waived" in shown
    assert "the bank changed its terms" in shown
    assert "regression.broken" in shown
    other = Said(head=run.plan.head, waivers=tuple(given(reason, "0" * 64) for reason in reasons))
    assert outcome(judged(made, run, other)) is VerdictOutcome.FAIL
    assert "void" in comment(judged(made, run, other))


def test_the_comment_says_what_to_type_to_accept_a_reason(tmp_path: Path) -> None:
    made = bad(tmp_path)
    run = gate(REQUEST, made.ports)
    assert f"/ftgate waive regression.broken {run.data_sha256[:40]} because" in comment(run)
    assert "/ftgate waive" not in comment(gate(REQUEST, good(tmp_path / "good").ports))


def test_the_prompts_of_the_run_are_what_was_compared(tmp_path: Path) -> None:
    made = good(tmp_path)
    run = gate(REQUEST, made.ports)
    lying = replace(run, provenance=replace(run.provenance, prompts_sha256="<b>"))
    again = judged(made, lying)
    assert again.provenance.prompts_sha256 == prompts_digest(evaluation(run).prompts)


def test_the_base_branch_may_have_moved_since(tmp_path: Path) -> None:
    made = good(tmp_path)
    run = gate(REQUEST, made.ports)
    assert outcome(judged(made, replace(run, plan=replace(run.plan, base="older")))) is VerdictOutcome.PASS


def test_a_repository_without_data_on_the_base_has_no_baseline(tmp_path: Path) -> None:
    main = {path: text for path, text in base_files().items() if not path.startswith("data/train")}
    head = {**main, "data/train/a.jsonl": lines(pairs(30))}
    made = FakeWorld(FakeRepository(main=main, head=head), tmp_path)
    run = gate(Request(base="main", head="head"), made.ports)
    assert run.baseline is None
    assert outcome(judged(made, run)) is outcome(run)
