"""A cancelled job signals the step's first process only: ftgate must be that process, or be told by it."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.stage import GATE
from tests.workflow.test_static import ACTION, load

TRAPS = """\
#!/usr/bin/env python3
import os, signal, sys, time
def stop(number, frame):
    open(os.environ["SAID"], "a").write(f"stopped by {number}\\n")
    time.sleep(1)  # writes what it has
    sys.exit(130)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, stop)
open(os.environ["SAID"], "a").write(f"pid {os.getpid()}\\n")
time.sleep(60)
"""


def _heard() -> None:
    """What ignored the signal when it started can never hear it, and a job in the background of a shell does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(script: str, tmp_path: Path) -> tuple["subprocess.Popen[bytes]", Path]:
    """The script of a step in bash, with a program for ftgate that tells which signal it got."""
    program = tmp_path / "ftgate" / "bin" / "ftgate"
    program.parent.mkdir(parents=True)
    program.write_text(TRAPS)
    program.chmod(0o755)
    said, file = tmp_path / "said", tmp_path / "step.sh"
    said.touch()
    file.write_text(script)
    names = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "OUT", "SETTINGS", "STORE")
    environment = {name: str(tmp_path / name.lower()) for name in names}
    environment |= {"PATH": os.environ["PATH"], "RUNNER_TEMP": str(tmp_path), "SAID": str(said)}
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(file)]
    process = subprocess.Popen(command, env=environment, start_new_session=True, preexec_fn=_heard)
    for _ in range(200):
        if said.read_text().endswith("\n"):
            break
        time.sleep(0.05)
    return process, said


def step(steps: list[dict[str, Any]], name: str) -> str:
    return str(next(step["run"] for step in steps if step.get("name") == name))


@pytest.mark.parametrize("name", ["Train", "Evaluate"])
def test_the_step_of_the_workflow_is_ftgate_itself(tmp_path: Path, name: str) -> None:
    process, said = started(step(load(GATE)["jobs"]["train"]["steps"], name), tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert said.read_text() == f"pid {process.pid}\nstopped by {int(signal.SIGINT)}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_action_tells_ftgate_and_keeps_the_code(tmp_path: Path, number: signal.Signals) -> None:
    process, said = started(step(load(ACTION)["runs"]["steps"], "Gate"), tmp_path)
    process.send_signal(number)
    assert process.wait(10) == 0
    assert "stopped by" in said.read_text()
    assert "exit-code=0" not in (tmp_path / "github_output").read_text()
    assert (tmp_path / "github_output").read_text().startswith("exit-code=1")


def test_the_second_signal_of_a_cancelled_job_does_not_cut_the_writing_short(tmp_path: Path) -> None:
    """GitHub sends SIGINT, and SIGTERM while the checkpoint is written; ftgate ends at once when it is told twice."""
    process, said = started(step(load(ACTION)["runs"]["steps"], "Gate"), tmp_path)
    process.send_signal(signal.SIGINT)
    time.sleep(0.4)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert said.read_text().count("stopped by") == 1
    assert (tmp_path / "github_output").read_text() == "exit-code=130\n"
