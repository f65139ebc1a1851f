"""Ctrl-C and a cancelled job: training is told, ends where nothing is lost, and does so in time.

GitHub sends SIGINT, SIGTERM after 7.5 seconds, and kills after another 2.5.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

GRACE = 9.0
"""Seconds from the first signal within which everything must be on disk."""


class Stopping:
    """Whether a signal has asked for the end. The same signal again ends at once, as KeyboardInterrupt."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._heard: set[int] = set()

    @property
    def requested(self) -> bool:
        """Whether training should end."""
        return self._since is not None

    @property
    def seconds_left(self) -> float:
        """Until the machine may be taken away; of no meaning before a signal."""
        return GRACE if self._since is None else self._since + GRACE - time.monotonic()

    def hear(self, number: int, frame: FrameType | None = None) -> None:
        """A signal has come."""
        if number in self._heard:
            raise KeyboardInterrupt
        self._heard.add(number)
        if self._since is None:
            self._since = time.monotonic()


@contextmanager
def listening() -> Iterator[Stopping]:
    """SIGINT and SIGTERM are heard by what is yielded; afterwards they do again what they did before.

    A signal that whoever started the process had it ignore stays ignored. Only the main thread hears signals.
    """
    stopping = Stopping()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, stopping.hear)
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stopping.requested:
        raise KeyboardInterrupt  # it came too late to stop the training, and it was meant for the whole command


def leave(code: int) -> NoReturn:
    """Ends this process now, when all is on disk. Python would take its libraries apart first: with torch loaded that
    takes 2.3 seconds, and where the processor is busy more than are left."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
