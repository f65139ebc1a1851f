"""What was promoted is not trained again, on any machine; what is damaged or of another judge is never compared."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.decide.baselines import unrecorded
from ftgate.errors import InputError, OutsideError
from ftgate.ports import Judge
from ftgate.stages.pipeline import gate, resume
from ftgate.stages.promote import Push, promote
from ftgate.values.evaluation import Arm, Outcome
from ftgate.values.run import Request, Run, VerdictOutcome
from ftgate.values.settings import Settings
from tests.builders import SETTINGS, base_files, lines, pairs, prompts
from tests.fakes import FakeBaselines, FakeJudge, FakeRepository, FakeWorld

MORE = {"data/train/b.jsonl": lines(pairs(3, start=100))}
STILL = {"data/train/c.jsonl": lines(pairs(3, start=200))}
JUDGED = prompts(2) + (
    "- id: asked-1\n  protects: tone\n  messages:\n    - {role: system, content: You sort messages.}\n"
    "    - {role: user, content: late message number 905 about late}\n  expect:\n    judge: {criteria: Is it JSON?}\n"
)


class World:
    """A default branch, a first pull request that is merged by squash, and a second one on top of it.

    Every machine is a new one: its store is empty, and only the data branch is shared.
    """

    def __init__(self, root: Path, main: dict[str, str] | None = None) -> None:
        self.root = root
        main = main or base_files()
        self.repository = FakeRepository(
            main=main,
            head={**main, **MORE},
            squashed={**main, **MORE},
            second={**main, **MORE, **STILL},
        )
        self.baselines = FakeBaselines()
        self.judge: Callable[[Settings], Judge | None] = lambda settings: None
        self.machines = 0

    def machine(self) -> FakeWorld:
        self.machines += 1
        made = FakeWorld(self.repository, self.root / str(self.machines))
        made.baselines = self.baselines
        made.judge = self.judge
        return made

    def first(self) -> tuple[FakeWorld, Run]:
        made = self.machine()
        return made, gate(Request(base="main", head="head"), made.ports)

    def promoted(self) -> Run:
        _, run = self.first()
        done = promote(Push(base="main", head="squashed", pull_request=7), {"out": run}, self.machine().ports)
        assert done.kept and "Promoted" in done.said[-1], done.said
        return run

    def second(self) -> tuple[FakeWorld, Run]:
        made = self.machine()
        return made, gate(Request(base="squashed", head="second"), made.ports)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def ids(run: Run) -> dict[str, str]:
    assert run.verdict is not None
    return {reason.id: reason.text for reason in run.verdict.reasons}


def labels(made: FakeWorld) -> list[str]:
    return [job.label for job in made.trainer.jobs]


def test_the_first_run_says_what_it_did(world: World) -> None:
    _, run = world.first()
    assert run.origin is not None and run.origin.source == "trained"
    assert ids(run)["baseline.trained"] == (
        "no baseline yet: trained one from the base branch (120 examples)"
    )


def test_a_promoted_baseline_is_not_trained_again_where_the_store_lacks_its_adapter(world: World) -> None:
    first = world.promoted()
    made, run = world.second()
    assert labels(made) == ["training candidate"]
    assert [job.label for job in made.completer.jobs] == ["asking candidate"]
    assert first.candidate is not None and run.baseline is not None and run.evaluation is not None
    assert run.baseline.adapter_sha256 == first.candidate.adapter_sha256 and run.baseline.reused
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.PASS
    assert run.origin is not None and (run.origin.source, run.origin.pull_request) == ("data branch", 7)
    assert "training of the baseline" in ids(run)["reused"]
    assert "completions of the baseline" in ids(run)["reused"]
    assert any("promoted before" in said for said in made.progress.said)


def test_the_verdict_is_the_one_without_the_record(world: World) -> None:
    _, without = world.second()
    world.promoted()
    _, run = world.second()
    assert run.comparison == without.comparison
    assert run.verdict is not None and without.verdict is not None
    assert run.verdict.outcome is without.verdict.outcome


def test_promotion_trains_nothing_and_is_done_once(world: World) -> None:
    _, run = world.first()
    machine = world.machine()
    push = Push(base="main", head="squashed")
    assert promote(push, {"out": run}, machine.ports).kept
    again = promote(push, {"out": run}, machine.ports)
    assert not again.kept and "On record already" in again.said[-1]
    assert machine.trainer.jobs == [] and machine.completer.jobs == []
    (line,) = world.baselines.promotions
    assert (line.commit, line.examples, line.regression.passed, line.regression.total) == (
        "squashed",
        132,
        8,
        8,
    )
    assert (line.held_out.passed, line.held_out.total) == (20, 20)


def test_promotion_finds_the_training_in_the_store(world: World) -> None:
    made, _ = world.first()
    done = promote(Push(base="main", head="squashed", look=True), {}, made.ports)
    assert done.kept and "the store has what was merged" in done.said[-1]
    assert len(made.trainer.jobs) == 2
    assert labels(world.second()[0]) == ["training candidate"]


def test_what_nobody_tested_is_left_to_the_next_run_or_trained_when_asked_to(world: World) -> None:
    machine = world.machine()
    push = Push(base="main", head="squashed", look=True)
    done = promote(push, {}, machine.ports)
    assert not done.kept and "the next gate run trains" in done.said[-1]
    assert world.baselines.records == {} and machine.trainer.jobs == []
    done = promote(replace(push, train=True), {}, machine.ports)
    assert done.kept and "trained here" in done.said[-1]
    assert labels(world.second()[0]) == ["training candidate"]


def test_without_the_training_stack_the_store_is_not_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = world.machine()

    def absent() -> dict[str, str]:
        raise InputError("training needs torch, which is not installed")

    monkeypatch.setattr(machine.trainer, "versions", absent)
    push = Push(base="main", head="squashed", look=True)
    assert "needs torch" in promote(push, {}, machine.ports).said[0]
    with pytest.raises(InputError, match="needs torch"):
        promote(replace(push, train=True), {}, machine.ports)


def test_a_training_that_failed_is_not_promoted(world: World) -> None:
    machine = world.machine()
    machine.trainer.failure = "loss is nan"
    done = promote(Push(base="main", head="squashed", train=True), {}, machine.ports)
    assert not done.kept and world.baselines.records == {}


def test_other_data_than_what_was_merged_is_not_promoted(world: World) -> None:
    _, run = world.first()
    done = promote(Push(base="main", head="second"), {"out": run}, world.machine().ports)
    assert not done.kept and "other data than what was merged" in done.said[0]


def test_a_push_that_changes_nothing_of_the_gate_promotes_nothing(world: World) -> None:
    world.repository.commits["readme"] = {**world.repository.commits["main"], "README.md": "other"}
    done = promote(Push(base="main", head="readme"), {}, world.machine().ports)
    assert done.said == ("Nothing to promote: neither the training data nor what judges it changed.",)
    world.repository.commits["bare"] = {"README.md": "x"}
    assert "no ftgate.yaml" in promote(Push(base="", head="bare"), {}, world.machine().ports).said[0]


def forged(run: Run, how: str) -> Run:
    assert run.candidate is not None and run.evaluation is not None and run.provenance.base_model is not None
    arms = run.evaluation.arms
    answer = arms["candidate"]
    first, *others = answer.items
    worse = tuple(replace(grade, outcome=Outcome.FAILED) for grade in first.grades)
    evaluation = {
        "no answers": {**arms, "candidate": replace(answer, items=answer.items[1:])},
        "no arm": {"base": arms["base"]},
        "a grade": {**arms, "candidate": replace(answer, items=(replace(first, grades=worse), *others))},
        "a prompt of the base": {**arms, "base": replace(arms["base"], items=(replace(first, prompt="x"),))},
        "no sentinel": {**arms, "candidate": replace(answer, sentinel=None)},
        "another adapter": {**arms, "candidate": replace(answer, adapter_sha256="f" * 64)},
    }
    candidate = {
        "failed": replace(run.candidate, failure="no"),
        "another key": replace(run.candidate, key="0" * 64),
        "recipe": replace(run.candidate, recipe=replace(run.candidate.recipe, epochs=99)),
    }
    provenance = {
        "another base": replace(run.provenance, base_model=replace(run.provenance.base_model, name="other")),
        "weights": replace(run.provenance, base_model=replace(run.provenance.base_model, sha256="e" * 64)),
        "held out": replace(run.provenance, held_out_sha256="0" * 64),
        "versions": replace(run.provenance, versions={"fake": "2"}),
    }
    asked = run.evaluation.prompts
    if how == "an easier prompt":
        asked = (replace(asked[0], expect={"contains": ""}), *asked[1:])
    return replace(
        run,
        candidate=candidate.get(how, run.candidate),
        evaluation=replace(run.evaluation, prompts=asked, arms=evaluation.get(how, arms)),
        provenance=provenance.get(how, run.provenance),
    )


@pytest.mark.parametrize(
    "how",
    [
        "an easier prompt",
        "no answers",
        "no arm",
        "a grade",
        "a prompt of the base",
        "no sentinel",
        "another adapter",
        "failed",
        "another key",
        "recipe",
        "another base",
        "weights",
        "held out",
        "versions",
    ],
)
def test_a_run_that_does_not_prove_what_was_merged_is_not_promoted(world: World, how: str) -> None:
    _, run = world.first()
    assert promote(Push(base="main", head="squashed"), {"out": forged(run, "")}, world.machine().ports).kept
    world.baselines.records.clear()
    done = promote(Push(base="main", head="squashed"), {"out": forged(run, how)}, world.machine().ports)
    assert not done.kept and "is not used" in done.said[0]
    assert world.baselines.records == {}


def test_a_run_from_elsewhere_that_claims_a_record_is_held_against_it(world: World) -> None:
    world.promoted()
    _, run = world.second()
    assert run.baseline is not None and run.evaluation is not None and run.origin is not None
    record = world.baselines.records[run.baseline.key]
    assert unrecorded(run, record) == ""
    assert "on record" in unrecorded(run, None)
    other = replace(run, baseline=replace(run.baseline, adapter_sha256="f" * 64))
    assert "another one" in unrecorded(other, record)
    arm = run.evaluation.arms["baseline"]
    lie = replace(arm.items[0], completion=replace(arm.items[0].completion, text="wrong on purpose"))
    arms = {**run.evaluation.arms, "baseline": replace(arm, items=(lie, *arm.items[1:]))}
    forged = replace(run, evaluation=replace(run.evaluation, arms=arms))
    assert "not what is on record" in unrecorded(forged, record)
    assert unrecorded(replace(forged, origin=replace(run.origin, source="trained")), None) == ""


def test_a_damaged_record_is_said_and_the_baseline_is_trained(world: World) -> None:
    world.promoted()
    world.baselines.damaged = set(world.baselines.records)
    made, run = world.second()
    assert labels(made) == ["training baseline", "training candidate"]
    assert "damaged" in ids(run)["baseline.damaged"]
    assert "cannot be used" in ids(run)["baseline.trained"]


def test_other_prompts_need_the_adapter_so_the_baseline_is_trained_again(world: World) -> None:
    world.promoted()
    for name in ("squashed", "second"):
        world.repository.commits[name]["regression/topics.yaml"] = prompts(3)
    made, run = world.second()
    assert labels(made) == ["training baseline", "training candidate"]
    assert "answered other prompts" in ids(run)["baseline.trained"]


def test_another_expectation_of_the_same_prompt_is_graded_from_what_is_on_record(world: World) -> None:
    world.promoted()
    for name in ("squashed", "second"):
        world.repository.commits[name]["regression/topics.yaml"] = prompts(2).replace(
            "{topic: late}", "{topic: early}"
        )
    made, run = world.second()
    assert labels(made) == ["training candidate"]
    assert run.evaluation is not None and run.evaluation.arms["baseline"].regraded
    failed = {id for id, item in run.evaluation.items(Arm.BASELINE).items() if item.outcome == "failed"}
    assert failed == {id for id in failed if id.startswith("late")} and failed


def score(value: int) -> str:
    told = dict.fromkeys(("correctness", "format", "completeness"), value)
    return json.dumps({"rationale": "because", **told})


def test_another_judge_grades_the_completions_on_record_and_is_never_compared_with_the_first(
    tmp_path: Path,
) -> None:
    judged = {**base_files(), "regression/topics.yaml": JUDGED}
    judged["ftgate.yaml"] = SETTINGS + "judge: {model: strict}\n"
    world = World(tmp_path, judged)
    first = FakeJudge(score(5))
    world.judge = lambda settings: first
    world.promoted()
    other = FakeJudge(score(1), fingerprint="another")
    world.judge = lambda settings: other
    made, run = world.second()
    assert labels(made) == ["training candidate"]
    assert [job.label for job in made.completer.jobs] == ["asking candidate"]
    assert run.evaluation is not None and run.comparison is not None
    for arm in ("base", "baseline"):
        assert run.evaluation.arms[arm].regraded
    outcomes = {arm: run.evaluation.items(Arm(arm))["asked-1"].outcome.value for arm in run.evaluation.arms}
    assert outcomes == {"base": "failed", "baseline": "failed", "candidate": "failed"}
    assert "asked-1" in run.comparison.same
    assert "graded again" in ids(run)["reused"]


def test_the_same_judge_is_not_asked_again_about_what_is_on_record(tmp_path: Path) -> None:
    judged = {**base_files(), "regression/topics.yaml": JUDGED}
    judged["ftgate.yaml"] = SETTINGS + "judge: {model: strict}\n"
    world = World(tmp_path, judged)
    judge = FakeJudge(score(5))
    world.judge = lambda settings: judge
    world.promoted()
    asked = len(judge.asked)
    _, run = world.second()
    assert run.evaluation is not None and not run.evaluation.arms["baseline"].regraded
    # Canaries test the judge of this run, whatever it is asked about.
    new = [question for question in judge.asked[asked:] if not question.canary]
    assert {question.completion for question in new} == {new[0].completion}


def test_evaluating_where_the_adapter_is_missing_says_what_to_do(world: World) -> None:
    world.promoted()
    made, run = world.second()
    made.runs.run = replace(run, stages=("plan", "validate", "train"), evaluation=None)
    made.store.arms.clear()
    world.baselines.records.clear()
    with pytest.raises(OutsideError, match="adapter of the baseline") as caught:
        resume("evaluate", made.ports)
    assert "ftgate train" in caught.value.advice


def test_data_that_only_moved_is_the_same_training_and_is_not_done_again(world: World) -> None:
    world.promoted()
    files = dict(world.repository.commits["squashed"])
    files["data/train/bb.jsonl"] = files.pop("data/train/b.jsonl")
    world.repository.commits["second"] = files
    made, run = world.second()
    assert made.trainer.jobs == [] and made.completer.jobs == []
    assert run.candidate is not None and run.candidate.reused
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.PASS


def test_a_merge_group_with_the_tree_of_a_tested_head_trains_and_generates_nothing(world: World) -> None:
    made, run = world.first()
    trained, asked = len(made.trainer.jobs), len(made.completer.jobs)
    queued = gate(Request(base="main", head="squashed"), made.ports)
    assert (len(made.trainer.jobs), len(made.completer.jobs)) == (trained, asked)
    assert queued.plan.head == "squashed" and queued.candidate is not None and queued.candidate.reused
    assert queued.comparison == run.comparison
    assert queued.verdict is not None and run.verdict is not None
    assert queued.verdict.outcome is run.verdict.outcome


def test_only_promote_writes_what_every_machine_believes() -> None:
    package = Path(__file__).parent.parent.parent / "ftgate"
    writing = [file.name for file in package.rglob("*.py") if "baselines.keep(" in file.read_text()]
    assert writing == ["promote.py"]


def test_a_merge_group_is_judged_on_all_the_data_in_the_queue(world: World) -> None:
    made = world.machine()
    gate(Request(base="main", head="head"), made.ports)
    run = gate(Request(base="main", head="second"), made.ports)
    assert run.candidate is not None and run.candidate.examples == 144
    assert labels(made) == ["training baseline", "training candidate", "training candidate"]
    assert run.diff is not None and run.diff.added == 24
