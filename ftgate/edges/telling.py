"""Trackers are told in threads of their own: one that fails, is slow or gone costs a training nothing but its curve.

What a library lacks on this machine is refused before anything is trained; all that comes later is an event.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from ftgate.errors import SettingsError

OPENING = 20.0
"""Seconds that a training waits for its trackers to be ready. What takes longer goes on beside it."""

CLOSING = 30.0
"""Seconds that it waits, when it has ended, for them to take what they have not taken yet."""

LEAVING = 1.0
"""The same after a signal, when the machine is about to be taken away."""

_LONGEST = 300  # characters of what a tracker said


class Unconfigured(Exception):
    """What the settings or this machine lack for a tracker, in its own words."""


class _Teller(threading.Thread):
    """One tracker. Its library is opened, told and closed in this thread alone: some keep their run by thread."""

    def __init__(self, name: str, callback: Any) -> None:
        super().__init__(name=f"ftgate-{name}", daemon=True)
        self.tracker = name
        self.refused = ""
        self.trouble = ""
        self.opened = threading.Event()
        self._callback = callback
        self._words: queue.SimpleQueue[tuple[str, int, Mapping[str, Any]] | None] = queue.SimpleQueue()

    def tell(self, what: str, step: int, **told: Any) -> None:
        """Calls a method of transformers' callback, later."""
        self._words.put((what, step, told))

    def end(self) -> None:
        """Nothing is told after this."""
        self._words.put(None)

    def run(self) -> None:
        while (word := self._words.get()) is not None:
            if not (self.trouble or self.refused):
                self._say(*word)
            self.opened.set()

    def _say(self, what: str, step: int, told: Mapping[str, Any]) -> None:
        state = SimpleNamespace(global_step=step, is_world_process_zero=True, is_hyper_param_search=False)
        try:
            getattr(self._callback, what)(None, state, None, **told)
        except Unconfigured as error:
            self.refused = str(error)
        except Exception as error:  # noqa: BLE001 - a library of somebody else may raise anything
            since = f"since step {step}" if step else "from the beginning"
            why = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]
            self.trouble = f"{self.tracker} was not told {since}, and the training went on: {why}"


class Telling:
    """The trackers of one training, over all its attempts. `say` shows a person what becomes of them, once."""

    def __init__(self, callbacks: Mapping[str, Any], say: Callable[[str], None]) -> None:
        self._say = say
        self._told: set[str] = set()
        self._step = 0
        self._tellers = [_Teller(name, callback) for name, callback in callbacks.items()]
        self._before = threading.excepthook

    def open(self) -> tuple[str, ...]:
        """What `look` returns. Raises SettingsError for what a tracker lacks on this machine."""
        self._before, threading.excepthook = threading.excepthook, self._quietly
        for teller in self._tellers:
            teller.start()
            teller.tell("on_train_begin", 0, model=None)
        _until(OPENING, [teller.opened.wait for teller in self._tellers])
        if refused := [f"{each.tracker}: {each.refused}" for each in self._tellers if each.refused]:
            self.close(LEAVING)
            raise SettingsError(
                f"training.report_to: {'; '.join(refused)}",
                advice="Log in to it, correct training.tracker_options, or take it out of training.report_to.",
            )
        return self.look()

    def log(self, step: int, logs: Mapping[str, Any]) -> None:
        """Figures of a step. Waits for nobody."""
        self._step = step
        for teller in self._tellers:
            teller.tell("on_log", step, logs=dict(logs))

    def look(self) -> tuple[str, ...]:
        """Events: what has gone wrong since the last look."""
        new = []
        for teller in self._tellers:
            trouble = teller.trouble or teller.refused
            if trouble and teller.tracker not in self._told:
                self._told.add(teller.tracker)
                self._say(trouble)
                new.append(trouble)
        return tuple(new)

    def close(self, seconds: float) -> tuple[str, ...]:
        """Ends what the trackers keep of this training, waits so long for them, and returns what `look` does."""
        begun = [teller for teller in self._tellers if teller.is_alive()]
        for teller in begun:
            teller.tell("on_train_end", self._step)
            teller.end()
        _until(seconds, [teller.join for teller in begun])
        for teller in begun:
            if teller.is_alive() and not teller.trouble:
                late = f"{teller.tracker} had not taken everything {seconds:.0f} s after the end"
                teller.trouble = f"{late}, and the training went on without it"
        threading.excepthook = self._before
        return self.look()

    def _quietly(self, died: threading.ExceptHookArgs) -> None:
        """A thread of TensorBoard's own that dies says so to whoever writes next, and need not show a traceback."""
        if not type(died.thread).__module__.startswith("tensorboard"):
            self._before(died)


def _until(seconds: float, waits: list[Callable[[float], Any]]) -> None:
    """All of them together."""
    deadline = time.monotonic() + seconds
    for wait in waits:
        wait(max(0.0, deadline - time.monotonic()))
