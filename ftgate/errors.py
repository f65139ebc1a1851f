"""Errors named for who must act, and the exit codes. Nothing here prints or exits."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says to the shell; a red gate (1) and a broken gate (2, 4, 5) never look alike."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INCONCLUSIVE = 3
    OUTSIDE = 4
    BUG = 5


class FtgateError(Exception):
    """A failure that a person can act on: `message` says what and where, `advice` is the next command."""

    exit_code: ExitCode = ExitCode.BUG

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class SettingsError(FtgateError):
    """The repository's maintainers must act: settings, prompts or schemas are wrong. All problems at once."""

    exit_code = ExitCode.USAGE


class InputError(FtgateError):
    """The caller must act: an argument, a revision or a file that was named cannot be used."""

    exit_code = ExitCode.USAGE


class OutsideError(FtgateError):
    """Whoever runs the machine must act: disk, network, memory, a service or a damaged store."""

    exit_code = ExitCode.OUTSIDE


class RefusedError(OutsideError):
    """A service that can be reached says no: the token lacks a permission. Trying again changes nothing."""
