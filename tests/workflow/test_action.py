"""action.yml for people who want a single job: its steps run for real, with GitHub's own expressions."""

from pathlib import Path
from typing import Any

import pytest

from tests.builders import line
from tests.workflow.stage import ROOT, Stage, _installed, harness

BAD = {
    "data/train/b.jsonl": line("late again", "late") + '{"messages": [\n',
    "conftest.py": "raise SystemExit('ran')\n",
}


def act(stage: Stage, event: dict[str, Any], **inputs: str) -> dict[str, Any]:
    installed = _installed("").replace("$RUNNER_TEMP/source", str(ROOT))
    said = harness(
        {
            "action": str(ROOT / "action.yml"),
            "work": str(stage.work),
            "github": stage._github("pull_request_target", event) | {"action_path": str(ROOT)},
            "inputs": {"pull-request": "7", "base": "main", **inputs},
            "replace": {"Install ftgate": installed},
            "environment": stage._environment(stage.work / "event.json"),
        }
    )
    assert not list(stage.work.rglob("pwned"))
    job: dict[str, Any] = said["jobs"]["action"]
    return job


def code(job: dict[str, Any], step: str = "Verdict") -> int:
    return int(next(each["code"] for each in job["steps"] if each["name"] == step))


def test_a_bad_pull_request_ends_red_with_its_comment_in_the_summary(stage: Stage, tmp_path: Path) -> None:
    stage.pull(BAD)
    job = act(stage, stage.pull_event())
    assert code(job) == 1 and job["outputs"]["exit-code"] == "1", job
    assert "data/train/b.jsonl" in job["summary"] and job["summary"].startswith("<!-- ftgate:comment")
    assert not list(stage.work.rglob("conftest.py"))


def test_what_does_not_concern_the_gate_passes(stage: Stage) -> None:
    stage.pull({"README.md": "# reworded\n"})
    assert code(act(stage, stage.pull_event())) == 0


def test_a_gate_that_never_ran_is_no_pass(stage: Stage) -> None:
    stage.pull(BAD)
    job = act(stage, stage.pull_event(), **{"pull-request": "8"})
    assert code(job, "Fetch base and head") != 0 and code(job) == 4


def test_a_head_that_moved_is_refused(stage: Stage) -> None:
    stage.pull(BAD)
    event = stage.pull_event()
    stage.bank.git.commit("topic", {"README.md": "moved\n"})
    stage.head()
    assert code(act(stage, event)) == 4


def test_a_gate_that_breaks_is_red_in_another_colour(stage: Stage) -> None:
    stage.pull(BAD)
    assert code(act(stage, stage.pull_event(), settings="absent.yaml")) == 2


@pytest.mark.parametrize("name", ["base", "out", "settings", "store"])
def test_no_input_is_executed(stage: Stage, name: str) -> None:
    stage.pull(BAD)
    assert code(act(stage, stage.pull_event(), **{name: '$(touch pwned)"; touch pwned; #'})) != 0
