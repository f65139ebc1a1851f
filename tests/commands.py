"""The command line in this process: exit code and what was printed, and never a traceback."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ftgate.cli.main import main


class Said(NamedTuple):
    """What a command printed."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


def commanding(capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs a command with these arguments."""

    def run(*arguments: str | Path) -> Said:
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err, err
        return Said(code, out, err)

    return run
