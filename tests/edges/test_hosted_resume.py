"""A training at a service that is killed, interrupted or superseded: processes of their own, signals that are real."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.edges.hosted_server import BASE, RESET, Tuner, tuning

pytestmark = pytest.mark.slow

JOBS = "/fine_tuning/jobs"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def service() -> Iterator[Tuner]:
    with tuning() as running:
        yield running
        assert running.wrong() == []


class Child:
    """One process that trains."""

    def __init__(self, service: Tuner, workspace: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.edges.hosted_child", service.url, str(workspace)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.process.pid, number)

    def ended(self) -> tuple[int, str, str]:
        out, said = self.process.communicate(timeout=60)
        return self.process.returncode, out, said


def train(service: Tuner, workspace: Path) -> tuple[dict[str, Any], str]:
    code, out, said = Child(service, workspace).ended()
    assert code == 0, said
    return json.loads(out), said


def stage(method: str, path: str, *, answered: bool) -> Callable[[str, str, Any], bool]:
    """Whether an exchange is the moment to kill at: before the service does it, or before it answers."""
    return lambda asked, at, answer: (asked, at) == (method, path) and (answer is not None) == answered


MOMENTS = {
    "after the upload": stage("POST", "/files", answered=True),
    "before the job is begun": stage("POST", JOBS, answered=False),
    "after the job is begun, before its id is known": stage("POST", JOBS, answered=True),
    "before the first look at it": stage("GET", f"{JOBS}/ftjob-1", answered=False),
    "while following": stage("GET", f"{JOBS}/ftjob-1", answered=True),
    "while the losses are read": stage("GET", "/files/file-result-ftjob-1/content", answered=True),
    "while cleaning up": stage("GET", f"{JOBS}/ftjob-1/checkpoints", answered=True),
}


@pytest.mark.parametrize(
    ("lost", "forgets"), [(False, False), (True, True)], ids=["same workspace", "lost, and no metadata"]
)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_training_goes_on_with_its_one_job(
    service: Tuner, tmp_path: Path, moment: str, forgets: bool, lost: bool
) -> None:
    service.forgets = forgets
    children: list[Child] = []

    def struck(method: str, path: str, answer: Any) -> Any:
        if children and MOMENTS[moment](method, path, answer):
            children.pop().kill()
            return RESET
        return None

    service.before = lambda method, path, body: struck(method, path, None)
    service.after = lambda method, path, answer: struck(method, path, (answer,))
    child = Child(service, tmp_path / "first")
    children.append(child)
    code, _, said = child.ended()
    assert code == -signal.SIGKILL, said
    done, said = train(service, tmp_path / ("second" if lost else "first"))
    assert done["failure"] is None and done["model"] == f"ft:{BASE}:loopback:ftgate-0123456789ab:ftjob-1"
    assert list(service.jobs) == ["ftjob-1"] and service.files == {}
    assert [point["step"] for point in done["curve"] if point["train"] is not None] == list(range(1, 13))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_the_job_within_seconds_and_says_so(
    service: Tuner, tmp_path: Path, number: signal.Signals
) -> None:
    service.path = ["running"]
    child = Child(service, tmp_path)
    wait(lambda: service.paths("GET").count(f"{JOBS}/ftjob-1") > 2)
    started = time.monotonic()
    child.kill(number)
    code, _, said = child.ended()
    assert time.monotonic() - started < 5
    assert code == 130 and "interrupted; of the job ftjob-1" in said and "it was cancelled there" in said
    assert service.jobs["ftjob-1"]["status"] == "cancelled" and service.files == {}
    service.path = ["running", "succeeded"]
    done, _ = train(service, tmp_path)
    assert done["model"].endswith("ftjob-2"), "what was cancelled is begun anew"


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_does_not_cut_the_cancellation_short(
    service: Tuner, tmp_path: Path, second: signal.Signals
) -> None:
    """GitHub sends SIGINT, and SIGTERM soon after; a person presses Ctrl-C again."""
    service.path = ["running"]
    child = Child(service, tmp_path)
    wait(lambda: service.paths("GET").count(f"{JOBS}/ftjob-1") > 2)
    service.slow = 1.0
    child.kill(signal.SIGINT)
    time.sleep(0.5)
    child.kill(second)
    code, _, said = child.ended()
    assert code == 130 and "it was cancelled there" in said
    assert service.jobs["ftjob-1"]["status"] == "cancelled" and service.files == {}


def test_an_interrupt_while_the_job_is_begun_finds_and_cancels_it(service: Tuner, tmp_path: Path) -> None:
    children: list[Child] = []

    def begun(method: str, path: str, answer: Any) -> Any:
        if (method, path) == ("POST", JOBS):
            children[0].kill(signal.SIGINT)
            time.sleep(0.3)
            return RESET
        return None

    service.after = begun
    child = Child(service, tmp_path)
    children.append(child)
    code, _, said = child.ended()
    assert code == 130 and "it was cancelled there" in said, said
    assert service.jobs["ftjob-1"]["status"] == "cancelled"


def test_a_job_that_had_ended_when_it_was_to_be_cancelled_is_taken_by_the_next_run(
    service: Tuner, tmp_path: Path
) -> None:
    child = Child(service, tmp_path)
    service.before = lambda method, path, body: struck(path)

    def struck(path: str) -> None:
        if path == "/files/file-result-ftjob-1/content" and "ftjob-1" in service.jobs:
            service.before = lambda method, path, body: None
            child.kill(signal.SIGINT)
            time.sleep(0.3)

    code, _, said = child.ended()
    assert code == 130 and "it had ended there already, succeeded" in said
    done, _ = train(service, tmp_path)
    assert done["model"].endswith("ftjob-1") and len(service.jobs) == 1


def test_a_job_that_cannot_be_cancelled_is_said_to_run_and_followed_later(
    service: Tuner, tmp_path: Path
) -> None:
    service.path = ["running"]
    child = Child(service, tmp_path)
    wait(lambda: service.paths("GET").count(f"{JOBS}/ftjob-1") > 2)
    service.before = lambda method, path, body: RESET if path.endswith("/cancel") else None
    child.kill(signal.SIGINT)
    code, _, said = child.ended()
    assert code == 130 and "could not be cancelled and still runs there" in said
    service.before = lambda method, path, body: None
    service.path = ["running", "succeeded"]
    done, _ = train(service, tmp_path)
    assert done["model"].endswith("ftjob-1") and len(service.jobs) == 1


def wait(until: Callable[[], bool]) -> None:
    for _ in range(600):
        if until():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to that")
