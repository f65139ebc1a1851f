"""action.yml and the workflows: static rules, and the steps run for real against a local origin."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.builders import base_files, line
from tests.edges.repositories import GitRepository

ROOT = Path(__file__).parent.parent
ACTION: dict[str, Any] = YAML(typ="safe").load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_no_expression_stands_in_a_script() -> None:
    for step in STEPS:
        assert "${{" not in step["run"], step["name"]
        assert step["shell"] == "bash"


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows_grant_nothing_by_default_and_pin_what_they_use(file: Path) -> None:
    text, workflow = file.read_text(), YAML(typ="safe").load(file.read_text())
    assert workflow["permissions"] == {}
    used = re.findall(r"uses: *(\S+)", text)
    assert used
    assert all(re.search(r"@[0-9a-f]{40}$", name) for name in used)
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


class Runner:
    """Runs the action's steps as GitHub does: bash -e -o pipefail, outputs and summary in files."""

    def __init__(self, work: Path, checkout: Path, inputs: dict[str, str]) -> None:
        work.mkdir()
        self._checkout = checkout
        self.summary, self._output = work / "summary", work / "output"
        self.summary.touch()
        self._output.touch()
        wrapper = work / "ftgate" / "bin" / "ftgate"
        wrapper.parent.mkdir(parents=True)
        wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -m ftgate.cli.main "$@"\n')
        wrapper.chmod(0o755)
        defaults = {name: given.get("default", "") for name, given in ACTION["inputs"].items()}
        self._values = {f"inputs.{name}": value for name, value in {**defaults, **inputs}.items()}
        self._values |= {
            "runner.temp": str(work),
            "github.repository": "acme/bank",
            "github.action_path": str(ROOT),
        }

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        step = next(step for step in STEPS if step["name"] == name)
        filled = {key: self._fill(value) for key, value in step.get("env", {}).items()}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "PYTHONPATH": str(ROOT),
            "GITHUB_OUTPUT": str(self._output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            **filled,
        }
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        return subprocess.run(command, cwd=self._checkout, env=environment, capture_output=True, text=True)

    def _fill(self, value: str) -> str:
        def known(match: re.Match[str]) -> str:
            if match[1].startswith("steps.gate.outputs."):
                outputs = dict(line.split("=", 1) for line in self._output.read_text().splitlines())
                return outputs.get(match[1].rpartition(".")[2], "")
            return str(self._values[match[1]])

        return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", known, value)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner with the base branch checked out, and an origin whose pull request 7 breaks a line of data."""
    origin = GitRepository(tmp_path / "origin")
    for path, content in base_files().items():
        origin.write(path, content)
    origin.commit("main")
    origin.git("checkout", "-q", "-b", "topic")
    origin.write("data/train/b.jsonl", line("late again", "late") + '{"messages": [\n')
    origin.write("conftest.py", "raise SystemExit('code of the pull request ran')\n")
    origin.git("update-ref", "refs/pull/7/head", origin.commit("topic"))
    origin.git("checkout", "-q", "main")
    subprocess.run(["git", "clone", "-q", str(origin.root), str(tmp_path / "checkout")], check=True)
    return Runner(tmp_path / "work", tmp_path / "checkout", {"pull-request": "7", "base": "main"})


def test_a_bad_pull_request_ends_red_with_its_comment_in_the_summary(runner: Runner) -> None:
    fetched = runner.step("Fetch the head as git objects")
    assert fetched.returncode == 0, fetched.stderr
    assert not (runner._checkout / "conftest.py").exists()
    gate = runner.step("Gate")
    assert gate.returncode == 0, gate.stderr
    assert "data/train/b.jsonl" in gate.stdout
    assert runner.summary.read_text().startswith("<!-- ftgate:comment")
    assert runner.step("Verdict").returncode == 1


def test_a_gate_that_never_ran_is_no_pass(runner: Runner) -> None:
    assert runner.step("Verdict").returncode == 4


def test_a_gate_that_breaks_is_red_in_another_colour(runner: Runner) -> None:
    runner._values["inputs.settings"] = "absent.yaml"
    runner.step("Fetch the head as git objects")
    runner.step("Gate")
    assert runner.step("Verdict").returncode == 2
