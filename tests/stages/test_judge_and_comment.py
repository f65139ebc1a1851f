"""The judge on the way through, and the comment: a silent judge is never a pass, two pushes leave one comment."""

import json
from pathlib import Path

import pytest

from ftgate.stages.pipeline import gate
from ftgate.stages.publish import post
from ftgate.values.evaluation import Outcome
from ftgate.values.run import Request, VerdictOutcome
from tests.builders import SETTINGS, base_files, lines, pairs
from tests.fakes import FakeJudge, FakePullRequest, FakeRepository, FakeWorld

REQUEST = Request(base="main", head="head")
GOOD = json.dumps({"rationale": "as the reference", "correctness": 5, "format": 5, "completeness": 5})
POOR = json.dumps({"rationale": "wrong topic", "correctness": 1, "format": 5, "completeness": 2})


def judged(tmp_path: Path, reply: str | None) -> FakeWorld:
    main = base_files()
    main["ftgate.yaml"] = SETTINGS + "judge: {model: some-judge}\n"
    main["regression/topics.yaml"] = main["regression/topics.yaml"].replace(
        "json_fields: {topic: late}", "judge: {criteria: names the topic late}"
    )
    made = FakeWorld(
        FakeRepository(main=main, head={**main, "data/train/b.jsonl": lines(pairs(3, start=100))}), tmp_path
    )
    judge = FakeJudge(reply)
    made.judge = lambda settings: judge
    return made


def test_a_judge_that_agrees_lets_the_run_pass(tmp_path: Path) -> None:
    run = gate(REQUEST, judged(tmp_path, GOOD).ports)
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.PASS
    assert run.evaluation is not None
    grades = [g for i in run.evaluation.arms["candidate"].items for g in i.grades if g.grader == "judge"]
    assert [grade.outcome for grade in grades] == [Outcome.PASSED] * 2


@pytest.mark.parametrize(
    "reply", [None, "", "a fine answer, 5 of 5", '{"correctness": 5}', POOR.replace("1", "9")]
)
def test_a_reply_that_is_none_is_ungraded_and_never_a_pass_nor_a_fail_of_the_model(
    tmp_path: Path, reply: str | None
) -> None:
    made = judged(tmp_path, reply)
    for files in made.repository.commits.values():
        files["ftgate.yaml"] = str(files["ftgate.yaml"]).replace("max_broken: 2", "max_broken: 0")
    run = gate(REQUEST, made.ports)
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.INCONCLUSIVE
    assert run.comparison is not None and len(run.comparison.ungraded) == 2


def test_of_arms_with_ungraded_items_only_the_completions_are_kept(tmp_path: Path) -> None:
    made = judged(tmp_path, None)
    gate(REQUEST, made.ports)
    assert made.store.arms and all(item.grades == () for a in made.store.arms.values() for item in a.items)
    generated = len(made.completer.jobs)
    made.judge = lambda settings: FakeJudge(GOOD)
    run = gate(REQUEST, made.ports)
    assert run.evaluation is not None and len(made.completer.jobs) == generated
    assert all(arm.regraded and arm.reused for arm in run.evaluation.arms.values())
    assert run.comparison is not None and run.comparison.ungraded == ()


def test_two_pushes_leave_one_comment_even_behind_forty_others(tmp_path: Path) -> None:
    run = gate(REQUEST, judged(tmp_path, GOOD).ports)
    pull_request = FakePullRequest(head=run.plan.head)
    for number in range(40):
        pull_request.add("someone", f"remark {number}")
    impostor = pull_request.add("someone", "<!-- ftgate:comment v1 head=x -->\nforged")
    assert post(run, pull_request) == post(run, pull_request)
    assert len(pull_request.comments) == 42
    assert pull_request.comments[impostor][1].endswith("forged")
