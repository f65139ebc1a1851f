"""The whole way through with fakes: what is read from where, what is skipped, what is reused, what fails closed."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.errors import InputError, SettingsError
from ftgate.stages.pipeline import STAGES, gate, resume
from ftgate.values.evaluation import Arm
from ftgate.values.run import Request, Run, VerdictOutcome
from tests.builders import SETTINGS, base_files, line, lines, pairs, prompts
from tests.fakes import FakeRepository, FakeWorld

REQUEST = Request(base="main", head="head")
SWAP = {"late": "damaged", "damaged": "late"}


def world(tmp_path: Path, **changes: str | None) -> FakeWorld:
    """main and a head that differs by `changes`: path with / written as __, None deletes."""
    main = base_files()
    head: dict[str, str | bytes] = dict(main)
    for name, text in changes.items():
        path = name.replace("__", "/").replace("_dot_", ".")
        if text is None:
            head.pop(path)
        else:
            head[path] = text
    return FakeWorld(FakeRepository(main=main, head=head), tmp_path)


def verdict(run: Run) -> tuple[VerdictOutcome, str]:
    assert run.verdict is not None
    return run.verdict.outcome, run.verdict.decided_by


def test_a_change_outside_the_data_is_not_applicable_and_trains_nothing(tmp_path: Path) -> None:
    made = world(tmp_path, README_dot_md="# Messages, reworded\n")
    run = gate(REQUEST, made.ports)
    assert verdict(run) == (VerdictOutcome.NOT_APPLICABLE, "plan")
    assert run.stages == ("plan", "decide", "publish")
    assert made.trainer.jobs == []
    assert "comment.md" in made.runs.texts


def test_more_correct_examples_pass(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__b_dot_jsonl=lines(pairs(3, start=100)))
    run = gate(REQUEST, made.ports)
    assert verdict(run) == (VerdictOutcome.PASS, "decide")
    assert run.stages == tuple(STAGES)
    assert run.comparison is not None and run.comparison.broken == ()
    assert run.diff is not None and (run.diff.added, run.diff.removed, run.diff.changed) == (12, 0, 0)
    assert [job.label for job in made.trainer.jobs] == ["training baseline", "training candidate"]


def test_swapped_labels_fail_with_the_broken_prompts_named(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__a_dot_jsonl=lines(pairs(30, swap=SWAP)))
    run = gate(REQUEST, made.ports)
    assert verdict(run) == (VerdictOutcome.FAIL, "decide")
    assert run.comparison is not None
    assert {id.split("-")[0] for id in run.comparison.broken} == {"late", "damaged"}
    assert run.diff is not None and run.diff.changed == 60


def test_rules_come_from_the_base_branch_and_changes_to_them_are_named(tmp_path: Path) -> None:
    bent = SETTINGS.replace("max_broken: 2", "max_broken: 1000")
    made = world(
        tmp_path,
        data__train__a_dot_jsonl=lines(pairs(30, swap=SWAP)),
        ftgate_dot_yaml=bent,
        regression__topics_dot_yaml=None,
        data__held_out_dot_jsonl=lines(pairs(5, start=500, swap=SWAP)),
    )
    run = gate(REQUEST, made.ports)
    assert verdict(run)[0] is VerdictOutcome.FAIL
    assert run.plan.policy.max_broken == 2
    assert {change.path for change in run.plan.protected} == {
        "ftgate.yaml",
        "regression/topics.yaml",
        "data/held_out.jsonl",
    }
    assert "takes effect after" in made.runs.texts["comment.md"]


def test_an_error_finding_blocks_before_anything_is_trained(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__b_dot_jsonl=line("late message", "late") + '{"messages": [\n')
    run = gate(REQUEST, made.ports)
    assert verdict(run) == (VerdictOutcome.FAIL, "validate")
    assert made.trainer.jobs == []
    assert ("data/train/b.jsonl", 2) in {(f.path, f.line) for f in run.findings}


def test_an_error_that_stands_on_the_base_already_warns_and_a_new_one_blocks(tmp_path: Path) -> None:
    leaked = pairs(1, start=500)[:1]
    main = {**base_files(), "data/train/old.jsonl": lines(leaked)}
    more = {**main, "data/train/a.jsonl": lines(pairs(2, start=100)) + main["data/train/a.jsonl"]}
    made = FakeWorld(FakeRepository(main=main, head=more), tmp_path)
    assert verdict(gate(REQUEST, made.ports)) == (VerdictOutcome.PASS, "decide")
    new_leak = {**more, "data/train/b.jsonl": lines(pairs(2, start=500)[4:5])}
    made = FakeWorld(FakeRepository(main=main, head=new_leak), tmp_path / "again")
    run = gate(REQUEST, made.ports)
    assert verdict(run) == (VerdictOutcome.FAIL, "validate")
    assert [f.path for f in run.findings if f.severity == "error"] == ["data/train/b.jsonl"]


def test_more_unreadable_lines_of_a_known_kind_are_new(tmp_path: Path) -> None:
    pretty = '{\n "messages": []\n}\n'
    for old, more in (('{"messages": [\n', '{"messages": [ \n'), (pretty, pretty)):
        main = {**base_files(), "data/train/old.jsonl": line("late", "late") + old}
        head = {**main, "data/train/old.jsonl": main["data/train/old.jsonl"] + more}
        made = FakeWorld(FakeRepository(main=main, head=head), tmp_path / more.strip("\n ")[:3].strip())
        run = gate(REQUEST, made.ports)
        assert verdict(run) == (VerdictOutcome.FAIL, "validate"), old
        moved = {**main, "data/train/old.jsonl": line("price a", "price") + main["data/train/old.jsonl"]}
        made = FakeWorld(FakeRepository(main=main, head=moved), tmp_path / "moved")
        run = gate(REQUEST, made.ports)
        assert [f.existing for f in run.findings if f.check == "json"] == [True], old
        assert {rate.check: (rate.before, rate.after, rate.new) for rate in run.rates}["json"] == (1, 1, 0)


def test_the_policy_may_let_old_errors_block(tmp_path: Path) -> None:
    strict = SETTINGS.replace("margin: 0.2}", "margin: 0.2, existing: error}")
    main = {**base_files(), "ftgate.yaml": strict, "data/train/old.jsonl": lines(pairs(1, start=500)[:1])}
    head = {**main, "data/train/b.jsonl": lines(pairs(2, start=100))}
    run = gate(REQUEST, FakeWorld(FakeRepository(main=main, head=head), tmp_path).ports)
    assert verdict(run) == (VerdictOutcome.FAIL, "validate")
    assert all(f.existing for f in run.findings if f.severity == "error")


def test_a_symlink_among_the_data_is_a_finding_and_is_never_read(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__b_dot_jsonl="/etc/passwd")
    made.repository.modes["head", "data/train/b.jsonl"] = "120000"
    run = gate(REQUEST, made.ports)
    assert verdict(run) == (VerdictOutcome.FAIL, "validate")
    assert any(f.check == "source" and "symbolic link" in f.message for f in run.findings)
    assert "data/train/b.jsonl" not in made.repository.reads


def test_the_baseline_is_trained_once_and_both_are_reused(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__b_dot_jsonl=lines(pairs(3, start=100)))
    gate(REQUEST, made.ports)
    made.runs.run = None
    run = gate(REQUEST, made.ports)
    assert len(made.trainer.jobs) == 2
    assert run.baseline is not None and run.baseline.reused
    assert run.candidate is not None and run.candidate.reused
    assert run.cost.saved_seconds > 0
    assert verdict(run)[0] is VerdictOutcome.PASS


@pytest.mark.parametrize("stage", ["validate", "train", "evaluate"])
def test_an_interrupted_run_goes_on_where_it_stopped(
    tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world(tmp_path, data__train__b_dot_jsonl=lines(pairs(3, start=100)))
    whole, real = gate(REQUEST, made.ports), STAGES[stage]
    again = world(tmp_path / "again", data__train__b_dot_jsonl=lines(pairs(3, start=100)))

    def interrupted(run: Run, ports: object) -> Run:
        raise KeyboardInterrupt

    monkeypatch.setitem(STAGES, stage, interrupted)
    with pytest.raises(KeyboardInterrupt):
        gate(REQUEST, again.ports)
    finished = again.runs.run
    assert finished is not None and finished.stages == tuple(STAGES)[: list(STAGES).index(stage)]
    monkeypatch.setitem(STAGES, stage, real)
    assert verdict(gate(REQUEST, again.ports)) == verdict(whole)
    assert len(again.trainer.jobs) == 2


def test_an_adapter_that_does_nothing_is_never_a_pass(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__b_dot_jsonl=lines(pairs(3, start=100)))
    made.completer.active = False
    run = gate(REQUEST, made.ports)
    assert verdict(run)[0] is VerdictOutcome.INCONCLUSIVE
    assert run.verdict is not None and run.verdict.reasons[0].id.startswith("sentinel")


def test_a_loss_that_is_not_finite_fails_by_train(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__b_dot_jsonl=lines(pairs(3, start=100)))
    made.trainer.failure = "loss is nan at step 3"
    run = gate(REQUEST, made.ports)
    assert verdict(run) == (VerdictOutcome.FAIL, "train")
    assert run.evaluation is None


def test_deleting_all_training_data_is_never_a_pass(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__a_dot_jsonl=None)
    assert verdict(gate(REQUEST, made.ports))[0] in (VerdictOutcome.FAIL, VerdictOutcome.INCONCLUSIVE)


def test_a_base_without_held_out_set_or_prompts_is_never_a_pass(tmp_path: Path) -> None:
    main = {k: v for k, v in base_files().items() if not k.startswith(("regression", "data/held_out"))}
    head = {**main, "data/train/b.jsonl": lines(pairs(3, start=100))}
    made = FakeWorld(FakeRepository(main=main, head=head), tmp_path)
    assert verdict(gate(REQUEST, made.ports))[0] in (VerdictOutcome.FAIL, VerdictOutcome.INCONCLUSIVE)


def test_the_pull_request_that_introduces_ftgate_is_not_applicable(tmp_path: Path) -> None:
    head = base_files()
    made = FakeWorld(FakeRepository(main={"README.md": "# x\n"}, head=head), tmp_path)
    run = gate(REQUEST, made.ports)
    assert verdict(run)[0] is VerdictOutcome.NOT_APPLICABLE
    assert "takes effect" in run.plan.why


def test_no_settings_on_either_side_says_how_to_write_some(tmp_path: Path) -> None:
    made = FakeWorld(FakeRepository(main={"README.md": "a"}, head={"README.md": "b"}), tmp_path)
    with pytest.raises(SettingsError) as caught:
        gate(REQUEST, made.ports)
    assert "ftgate init" in caught.value.advice


def test_a_first_dataset_is_compared_with_the_base_and_says_so(tmp_path: Path) -> None:
    head = base_files()
    main = {k: v for k, v in head.items() if not k.startswith("data/train")}
    made = FakeWorld(FakeRepository(main=main, head=head), tmp_path)
    run = gate(REQUEST, made.ports)
    assert run.baseline is None
    assert run.comparison is not None and run.comparison.reference is Arm.BASE
    assert verdict(run)[0] is VerdictOutcome.PASS


def test_a_stage_out_of_order_names_the_one_that_is_missing(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__b_dot_jsonl=lines(pairs(3, start=100)))
    with pytest.raises(InputError, match=r"no run\.json"):
        resume("train", made.ports)
    gate(REQUEST, made.ports)
    assert made.runs.run is not None
    made.runs.run = replace(made.runs.run, stages=("plan",), candidate=None)
    with pytest.raises(InputError, match="train needs validate first"):
        resume("train", made.ports)


def test_prompts_with_the_same_id_in_two_files_are_refused(tmp_path: Path) -> None:
    main = {**base_files(), "regression/again.yaml": prompts(1)}
    head = {**main, "data/train/b.jsonl": lines(pairs(3, start=100))}
    with pytest.raises(SettingsError, match="is used in"):
        gate(REQUEST, FakeWorld(FakeRepository(main=main, head=head), tmp_path).ports)


def test_swapped_labels_name_their_slices(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__a_dot_jsonl=lines(pairs(30, swap=SWAP)))
    run = gate(REQUEST, made.ports)
    assert run.verdict is not None
    assert {s.name for s in run.slices if s.state == "collapsed"} == {"topic = late", "topic = damaged"}
    ids = [reason.id for reason in run.verdict.reasons]
    assert [id for id in ids if id.startswith("slice.collapsed")] and "slice.driving" in ids
    assert "late" in next(s for s in run.slices if s.name == "topic = late").words


def test_tags_of_held_out_lines_are_slices(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__a_dot_jsonl=lines(pairs(30, swap=SWAP)))
    tagged = lines(pairs(5, start=500)).replace('{"messages"', '{"tags": ["winter"], "messages"')
    for files in made.repository.commits.values():
        files["data/held_out.jsonl"] = tagged
    run = gate(REQUEST, made.ports)
    winter = next(s for s in run.slices if (s.kind, s.name) == ("tag", "winter"))
    assert (winter.prompts, winter.candidate_passed) == (20, 10)
