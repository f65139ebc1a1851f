"""An interrupted command is gone at once: whoever sent the signal kills what is left after ten seconds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ftgate.edges import job_file

_LATE = "import atexit, sys; atexit.register(print, 'taken apart')"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_python_takes_nothing_apart_after_an_interrupt(tmp_path: Path, number: signal.Signals) -> None:
    """That took 2.3 s with torch loaded, and twenty on a busy machine."""
    pipe = tmp_path / "data.jsonl"
    os.mkfifo(pipe)
    code = f"{_LATE}; from ftgate.cli.main import main; sys.exit(main())"
    child = _started(code, "validate", str(pipe))
    with _read(pipe, child):
        child.send_signal(number)
        printed, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "interrupted. Run the same command again" in said and "taken apart" not in printed


def test_without_an_interrupt_it_does() -> None:
    child = _started(f"{_LATE}; from ftgate.cli.main import main; sys.exit(main())", "--version")
    printed, _ = child.communicate(timeout=30)
    assert child.returncode == 0 and "taken apart" in printed


def test_a_rank_that_was_interrupted_is_gone_at_once_too(tmp_path: Path) -> None:
    pipe = tmp_path / job_file.JOB
    os.mkfifo(pipe)
    code = f"{_LATE}; from ftgate.edges.worker import run; run()"
    child = _started(code, str(pipe))
    with _read(pipe, child):
        child.send_signal(signal.SIGINT)
        printed, _ = child.communicate(timeout=30)
    assert child.returncode == 130 and "taken apart" not in printed


@contextmanager
def _read(pipe: Path, child: "subprocess.Popen[str]") -> Iterator[None]:
    """While the child reads a pipe that nobody writes to."""
    for _ in range(600):
        try:
            end = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # it has not come to that yet
            assert child.poll() is None, child.communicate()
            time.sleep(0.05)
            continue
        try:
            yield
        finally:
            os.close(end)
        return
    raise AssertionError("it never read")


def _started(code: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
