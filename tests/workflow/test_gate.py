"""gate.yml job by job, on real events with hostile text, against a GitHub of this machine."""

import json
from copy import deepcopy
from typing import Any

import pytest

from ftgate.cli.workflows import caller
from tests.builders import line, lines, pairs
from tests.workflow.stage import BANK, SECRETS, TOKEN, Stage, needs_command

GOOD = {"data/train/b.jsonl": lines(pairs(5, start=200))}
BAD = {"data/train/b.jsonl": line("late again", "late") + '{"messages": [\n'}
OURS = ".github/workflows/ftgate.yml"
OFF = {"README.md": "# reworded\n"}


def results(said: dict[str, Any]) -> dict[str, str]:
    return {name: job["result"] for name, job in said["jobs"].items()}


def log(said: dict[str, Any], job: str) -> str:
    return "\n".join(
        f"{step['name']}: {step['outcome']} {step['log']}" for step in said["jobs"][job].get("steps", ())
    )


def step(said: dict[str, Any], job: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(step for step in said["jobs"][job]["steps"] if step["name"] == name)
    return found


def test_validation_tells_later_jobs_which_commits_it_read(stage: Stage) -> None:
    head = stage.pull(GOOD)
    said = stage.run("pull_request_target", stage.pull_event(), results={"admit": "failure"})
    assert said["jobs"]["validate"]["outputs"] == {
        "applicable": "true", "base": stage.base, "head": head, "trains": "true",
    }, log(said, "validate")  # fmt: skip
    assert results(said)["train"] == "skipped"


@pytest.mark.parametrize(("files", "applicable"), [(BAD, "true"), (OFF, "false")])
def test_what_needs_no_training_asks_nobody(stage: Stage, files: dict[str, str], applicable: str) -> None:
    stage.pull(files)
    said = stage.run("pull_request_target", stage.pull_event())
    assert results(said)["validate"] == "success", log(said, "validate")
    assert said["jobs"]["validate"]["outputs"]["applicable"] == applicable
    assert said["jobs"]["validate"]["outputs"]["trains"] == "false"
    assert results(said)["train"] == "skipped"
    assert (results(said)["admit"] == "skipped") == (applicable == "false"), (
        "only who is asked can know of a waiver"
    )


def test_a_gate_in_another_repository_installs_its_own_commit(stage: Stage) -> None:
    stage.pull(OFF)
    stage.caller.write_text(caller(stage.source, "ftgate/ftgate"))
    own = {"workflow_sha": stage.source, "workflow_repository": "ftgate/ftgate"}
    said = stage.run("pull_request_target", stage.pull_event(), job=own)
    assert results(said)["validate"] == "success", log(said, "validate")


def test_a_fork_is_read_the_same_way(stage: Stage) -> None:
    head = stage.pull(GOOD, author="stranger", fork=True)
    said = stage.run("pull_request_target", stage.pull_event(), results={"admit": "failure"})
    assert said["jobs"]["validate"]["outputs"]["head"] == head, log(said, "validate")


def test_a_head_that_moved_since_the_event_is_refused(stage: Stage) -> None:
    stage.pull(GOOD)
    event = stage.pull_event()
    stage.bank.git.commit("topic", BAD)
    stage.head()
    said = stage.run("pull_request_target", event)
    assert results(said)["validate"] == results(said)["ftgate"] == "failure"
    assert "the head has moved" in log(said, "validate")


def test_a_head_that_moves_between_the_jobs_is_refused(stage: Stage) -> None:
    """The approval was for what validate read; a push afterwards must not be what trains."""
    stage.pull(GOOD)
    moved = f"git -C {stage.bank.git.root} update-ref refs/pull/7/head {stage.base}"
    push = f'[[ "$RUNNER_TEMP" != */train-* ]] || {moved}\n'
    allowed = {"result": "success", "outputs": {"trains": "true"}}
    said = stage.run("pull_request_target", stage.pull_event(), before=push, results={"admit": allowed})
    assert "Fetch base and head: failure" in log(said, "train")
    assert "the head has moved" in log(said, "train")
    assert results(said)["ftgate"] == "failure"


def test_without_its_own_commit_no_job_does_anything(stage: Stage) -> None:
    """On a runner too old to know the commit, some branch would run; in a queue, what the pull request wrote."""
    stage.pull(GOOD)
    stage.caller.write_text(stage.caller.read_text().replace(stage.source, "''"))
    said = stage.run("pull_request_target", stage.pull_event(), job={})
    assert results(said)["validate"] == results(said)["ftgate"] == "failure"
    assert "ftgate-commit must be a full SHA" in log(said, "ftgate")


def test_secrets_reach_only_what_needs_them_and_only_by_name(stage: Stage) -> None:
    stage.pull(GOOD)
    show = {
        name: f'env > "{stage.work}/{name}.env"'
        for name in ("Plan", "Validate", "Train", "Evaluate", "Decide")
    }
    said = stage.run("merge_group", stage.merge_group(GOOD), more=show)
    assert results(said)["validate"] == "failure", "no output is no validation"
    show = {name: script for name, script in show.items() if name not in ("Plan", "Validate")}
    said = stage.run("merge_group", stage.merge_group(GOOD), more=show)
    assert results(said)["train"] == "success", log(said, "train")
    seen = {file.stem: file.read_text() for file in stage.work.glob("*.env")}
    judge, hub, other = SECRETS.values()
    assert {name for name, text in seen.items() if judge in text} == {"Evaluate"}
    assert {name for name, text in seen.items() if hub in text} == {"Train", "Evaluate"}
    assert {name for name, text in seen.items() if TOKEN in text} == {
        "Validate",
        "Train",
        "Evaluate",
        "Decide",
    }
    assert not any(other in text for text in seen.values())


def test_a_push_supersedes_training_but_no_queue_no_title_and_no_comment(stage: Stage) -> None:
    stage.pull(OFF)
    off = {
        "announce": "skipped",
        "validate": "cancelled",
        "ftgate": "cancelled",
        "promote": "skipped",
        "bot": "skipped",
    }

    def group(name: str, event: dict[str, Any], **more: Any) -> tuple[str, bool]:
        said = stage.run(name, event, results=off, **more)["concurrency"]
        return said["group"], said["cancel-in-progress"]

    assert group("pull_request_target", stage.pull_event("synchronize")) == ("ftgate-gate-7", True)
    assert group("workflow_dispatch", stage._at_home({"repository": {}}), inputs={"pull-request": "7"}) == (
        "ftgate-gate-7",
        True,
    )
    assert group("merge_group", stage.merge_group(OFF)) == ("ftgate-gate-4711", False)
    assert group("push", stage.push(OFF)) == ("ftgate-gate-4711", False)
    assert group("issue_comment", stage.comment_event("/ftgate status", "wanda")) == (
        "ftgate-gate-4711",
        False,
    )
    edited = stage.pull_event("opened") | {"action": "edited"}
    assert group("pull_request_target", edited) == ("ftgate-gate-7", False)


def test_no_event_starts_what_belongs_to_another(stage: Stage) -> None:
    stage.pull(OFF)
    ended = dict.fromkeys(("announce", "validate", "ftgate", "promote", "bot"), "failure")

    def started(name: str, event: dict[str, Any], **more: Any) -> set[str]:
        said = results(stage.run(name, event, results=ended, **more))
        stage.earlier = {}
        return {job for job, result in said.items() if result != "skipped"}

    assert started("pull_request_target", stage.pull_event()) == {"announce", "validate", "ftgate"}
    assert started("merge_group", stage.merge_group(OFF)) == {"validate", "ftgate"}
    home = stage._at_home({"repository": {}})
    assert started("workflow_dispatch", home, inputs={"pull-request": "7"}) == {"validate", "ftgate"}
    push = stage.push(OFF)
    assert started("push", push) == {"promote"}
    assert started("push", push | {"ref": "refs/heads/other"}) == set()
    assert started("push", push | {"created": True}) == set()
    assert started("issue_comment", stage.comment_event("/ftgate run abc", "wanda")) == {"bot"}
    assert started("issue_comment", stage.comment_event("nice work", "wanda")) == set()
    talk = stage.comment_event("/ftgate run abc", "wanda")
    del talk["issue"]["pull_request"]
    assert started("issue_comment", talk) == set()


def test_a_verdict_about_another_branch_has_another_name(stage: Stage) -> None:
    """GitHub asks for a name on a commit: the same head may stand in a pull request into a branch without rules."""
    stage.pull(OFF)
    ended = dict.fromkeys(("announce", "validate", "ftgate", "promote", "bot"), "failure")

    def name(event: str, what: dict[str, Any], **more: Any) -> str:
        said = stage.run(event, what, results=ended, **more)
        stage.earlier = {}
        found = said["jobs"]["ftgate"]["name"]
        assert isinstance(found, str)
        return found

    into_main = stage.pull_event()
    into_old = deepcopy(into_main)
    into_old["pull_request"]["base"]["ref"] = "old"
    queue = stage.merge_group(OFF)
    old_queue = deepcopy(queue)
    old_queue["merge_group"]["base_ref"] = "refs/heads/old"
    assert name("pull_request_target", into_main) == name("merge_group", queue) == "ftgate"
    other = name("pull_request_target", into_old)
    assert other == name("merge_group", old_queue) == "ftgate (refs/heads/old)"
    by_hand = stage._at_home({"repository": {}})
    assert name("workflow_dispatch", by_hand, inputs={"pull-request": "7"}) == "ftgate (workflow_dispatch)"
    # Skipped counts as passed, and the commit that was pushed may be the head of a pull request.
    assert name("push", stage.push(OFF)) == "ftgate (push)"
    assert name("issue_comment", stage.comment_event("/ftgate help", "wanda")) == "ftgate (issue_comment)"


def test_the_runner_s_labels_come_from_the_caller(stage: Stage) -> None:
    stage.pull(GOOD)
    text = stage.caller.read_text().replace(
        """'["self-hosted", "gpu"]'""", """'["self-hosted", "a100", "ephemeral"]'"""
    )
    stage.caller.write_text(text)
    event = stage.merge_group(GOOD)
    said = stage.run("merge_group", event, results={"train": "cancelled"})
    assert said["jobs"]["train"]["runsOn"] == ["self-hosted", "a100", "ephemeral"]
    assert results(said)["admit"] == "success" and results(said)["ftgate"] == "failure"


class TestVerdict:
    """What needs the whole command line."""

    @pytest.fixture(autouse=True)
    def commands(self, stage: Stage) -> None:
        needs_command("decide", "--jobs", "--base")
        needs_command("publish", "--in-progress", "--run-number")
        needs_command("admit")

    def test_what_does_not_concern_the_gate_passes(self, stage: Stage) -> None:
        stage.pull(OFF)
        said = stage.run("pull_request_target", stage.pull_event())
        assert results(said)["ftgate"] == "success", log(said, "ftgate")
        (comment,) = stage.bank.comments.values()
        assert "not applicable" in comment.body.lower() and comment.login == "github-actions[bot]"

    def test_a_branch_that_is_called_almost_like_the_default_one_never_passes(self, stage: Stage) -> None:
        """Expressions take Main for main."""
        stage.bank.git.branch("Main")
        stage.pull(OFF)
        event = stage.pull_event()
        event["pull_request"]["base"]["ref"] = "Main"
        said = stage.run("pull_request_target", event)
        assert step(said, "ftgate", "Verdict")["code"] == 4, log(said, "ftgate")

    def test_a_finding_blocks_with_one_comment(self, stage: Stage) -> None:
        stage.pull(BAD)
        said = stage.run("pull_request_target", stage.pull_event(), announce=True)
        assert results(said)["announce"] == "success", log(said, "announce")
        assert results(said)["ftgate"] == "failure"
        assert step(said, "ftgate", "Verdict")["code"] == 1, log(said, "ftgate")
        (comment,) = stage.bank.comments.values()
        assert "data/train/b.jsonl" in comment.body and "progress" not in comment.body.lower()

    def test_a_fork_waits_and_is_red_until_somebody_allows_it(self, stage: Stage) -> None:
        head = stage.pull(GOOD, author="stranger", fork=True)
        event = stage.pull_event()
        said = stage.run("pull_request_target", event)
        assert step(said, "admit", "Who may train this")["code"] == 3, log(said, "admit")
        assert results(said) | {"announce": ""} == {
            "announce": "", "validate": "success", "admit": "failure", "train": "skipped", "ftgate": "failure",
            "promote": "skipped", "bot": "skipped",
        }  # fmt: skip
        (comment,) = stage.bank.comments.values()
        assert "waits" in comment.body and f"/ftgate run {head[:7]}" in comment.body
        stage.hub.comment(BANK, 7, f"/ftgate run {head}", "stranger")
        assert results(stage.run("pull_request_target", event))["admit"] == "failure"
        stage.hub.comment(BANK, 7, f"/ftgate run {head}", "marta")
        again = stage.run("pull_request_target", event, results={"train": "cancelled"})
        assert again["jobs"]["validate"]["kept"], "only what failed runs again"
        assert results(again)["admit"] == "success", log(again, "admit")

    def test_training_that_was_cancelled_is_no_pass(self, stage: Stage) -> None:
        stage.pull(GOOD)
        said = stage.run("pull_request_target", stage.pull_event(), results={"train": "cancelled"})
        assert results(said)["admit"] == "success", log(said, "admit")
        assert results(said)["ftgate"] == "failure"
        assert step(said, "ftgate", "Verdict")["code"] in (1, 3)

    def test_training_that_fails_is_no_pass(self, stage: Stage) -> None:
        """The real command on the machine that trains: the settings name a base model that is not there."""
        stage.pull(GOOD)
        said = stage.run("pull_request_target", stage.pull_event())
        assert results(said)["train"] == "failure"
        assert step(said, "train", "Train")["outcome"] == "failure", log(said, "train")
        assert step(said, "train", "Evaluate")["outcome"] == "skipped"
        assert "Traceback" not in log(said, "train") + log(said, "ftgate")
        assert step(said, "ftgate", "Verdict")["code"] in (1, 3), log(said, "ftgate")
        (comment,) = stage.bank.comments.values()
        assert "train" in comment.body

    def test_a_validation_that_crashed_is_no_pass(self, stage: Stage) -> None:
        stage.pull(GOOD)
        said = stage.run("pull_request_target", stage.pull_event(), results={"validate": "failure"})
        assert results(said)["ftgate"] == "failure"

    def test_a_queue_is_judged_without_a_comment(self, stage: Stage) -> None:
        said = stage.run("merge_group", stage.merge_group(BAD))
        assert step(said, "ftgate", "Verdict")["code"] == 1, log(said, "ftgate")
        assert not stage.bank.comments

    def test_a_queue_with_nothing_of_ours_passes(self, stage: Stage) -> None:
        said = stage.run("merge_group", stage.merge_group(OFF))
        assert results(said)["ftgate"] == "success", log(said, "ftgate")

    def test_a_person_can_start_it(self, stage: Stage) -> None:
        stage.pull(BAD)
        said = stage.run(
            "workflow_dispatch", stage._at_home({"repository": {}}), inputs={"pull-request": "7"}
        )
        assert step(said, "ftgate", "Verdict")["code"] == 1, log(said, "ftgate")
        assert len(stage.bank.comments) == 1

    def test_a_token_that_may_not_comment_changes_no_verdict(self, stage: Stage) -> None:
        stage.hub.token(
            TOKEN, "github-actions[bot]", may={"contents": "read", "pull-requests": "read", "issues": "read"}
        )
        stage.pull(OFF)
        said = stage.run("pull_request_target", stage.pull_event())
        assert results(said)["ftgate"] == "success", log(said, "ftgate")
        assert not stage.bank.comments and said["jobs"]["ftgate"]["summary"]


def test_promotion_finds_the_run_that_judged_the_pull_request(stage: Stage) -> None:
    """Squashed: the commit is new, and only GitHub knows which pull request it came from."""
    head = stage.pull(OFF)
    event = stage.push(OFF)
    jobs: dict[str, tuple[str, ...]] = {"gate / ftgate": ()}
    for path, conclusion in (
        (".github/workflows/other.yml", "success"),
        (OURS, "failure"),
        (OURS, "success"),
    ):
        run = stage.hub.run(BANK, path, head, jobs, pulls=(7,))
        stage.hub.finish(run, {"gate / ftgate": conclusion})
        stage.hub.artifact(BANK, run.id, "ftgate-verdict", b"")
        kept = stage.work / f"artifacts-of-{run.id}" / "ftgate-verdict"
        kept.mkdir(parents=True)
        (kept / f"{conclusion}-{run.id}").touch()
    stage.bank.pulls[7].state, stage.bank.pulls[7].merged = "closed", event["after"]
    said = stage.run("push", event, more={"Promote": 'ls "$RUNNER_TEMP/tested" 2>/dev/null || echo nothing'})
    assert step(said, "promote", "Promote")["log"].split() == [f"success-{run.id}"], log(said, "promote")


def test_promotion_finds_the_run_of_the_queue(stage: Stage) -> None:
    event = stage.push(OFF)
    run = stage.hub.run(BANK, OURS, event["after"], {"gate / ftgate": ()}, event="merge_group")
    stage.hub.finish(run, {"gate / ftgate": "success"})
    stage.hub.artifact(BANK, run.id, "ftgate-verdict", b"")
    (stage.work / f"artifacts-of-{run.id}" / "ftgate-verdict").mkdir(parents=True)
    (stage.work / f"artifacts-of-{run.id}" / "ftgate-verdict" / "run.json").touch()
    said = stage.run("push", event, more={"Promote": 'ls "$RUNNER_TEMP/tested"'})
    assert step(said, "promote", "Promote")["log"].split() == ["run.json"], log(said, "promote")


def test_promotion_takes_no_run_that_somebody_started_by_hand(stage: Stage) -> None:
    """It belongs to the commit of a branch, and says nothing about what was judged there, nor by which workflow."""
    event = stage.push(OFF)
    run = stage.hub.run(BANK, OURS, event["after"], {"gate / ftgate": ()}, event="workflow_dispatch")
    stage.hub.finish(run, {"gate / ftgate": "success"})
    stage.hub.artifact(BANK, run.id, "ftgate-verdict", b"")
    said = stage.run("push", event, more={"Promote": 'test ! -e "$RUNNER_TEMP/tested"'})
    assert step(said, "promote", "Take over its evidence")["outcome"] == "skipped"
    assert results(said)["promote"] == "success", log(said, "promote")


def test_a_push_that_nobody_tested_promotes_without_evidence(stage: Stage) -> None:
    said = stage.run("push", stage.push(OFF), more={"Promote": 'test ! -e "$RUNNER_TEMP/tested"'})
    assert results(said)["promote"] == "success", log(said, "promote")
    assert step(said, "promote", "Take over its evidence")["outcome"] == "skipped"


def test_a_push_to_the_default_branch_promotes(stage: Stage) -> None:
    needs_command("promote", "--base", "--push")
    said = stage.run("push", stage.push(GOOD))
    assert results(said)["promote"] == "success", log(said, "promote")


def test_a_command_is_answered_by_a_reaction(stage: Stage) -> None:
    needs_command("bot", "--event")
    head = stage.pull(GOOD, author="stranger", fork=True)
    event = stage.comment_event(f"/ftgate run {head}", "marta")
    said = stage.run("issue_comment", event)
    assert results(said)["bot"] == "success", log(said, "bot")
    comment = stage.bank.comments[event["comment"]["id"]]
    assert comment.reactions, json.dumps(said["jobs"]["bot"])
