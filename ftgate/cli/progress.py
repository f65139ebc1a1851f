"""Progress on standard error: a bar with time left for a person, a few plain lines for a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import click

from ftgate.ports import Task
from ftgate.report.quote import terminal

_LOG_EVERY = 0.25  # share of a task after which a log gets a line
_QUICK = 2.0  # seconds: shorter tasks are not worth a line in a log


class _Bar:
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def advance(self, steps: int = 1) -> None:
        self._bar.update(steps)


class _Log:
    def __init__(self, label: str, total: int) -> None:
        self._label, self._total = label, total
        self._done, self._said, self._started = 0, 0.0, time.monotonic()

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        share, elapsed = self._done / max(self._total, 1), time.monotonic() - self._started
        if share - self._said >= _LOG_EVERY and elapsed > _QUICK and share < 1:
            self._said = share
            left = elapsed / share - elapsed
            click.echo(f"{self._label}: {share:.0%}, about {left:.0f} s left", err=True)

    def finish(self) -> None:
        elapsed = time.monotonic() - self._started
        if elapsed > _QUICK:
            click.echo(f"{self._label}: done in {elapsed:.0f} s", err=True)


class _Silent:
    def advance(self, steps: int = 1) -> None:
        del steps


class TerminalProgress:
    """Port Progress."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Task]:
        if self._quiet or total == 0 or sys.stderr is None:
            yield _Silent()
        elif sys.stderr.isatty():
            bar = click.progressbar(length=total, label=f"{label:<20}", show_eta=True, file=sys.stderr)
            with bar or nullcontext():
                yield _Bar(bar)
        else:
            log = _Log(label, total)
            yield log
            log.finish()

    def say(self, text: str) -> None:
        if not self._quiet:
            click.echo(terminal(text), err=True)
