"""Follows a job at a service to its end, and shows it."""

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from types import FrameType

from msgspec import Struct

from ftgate.decide.hosted import HostedJob
from ftgate.edges.hosted_api import Answered, Service
from ftgate.edges.hosted_metrics import Row, row_of
from ftgate.edges.hosted_shapes import JobEvent
from ftgate.errors import OutsideError
from ftgate.ports import Clock, Progress, Task

_STEP = re.compile(r"\b[Ss]tep (\d+)(?:/| of )(\d+)")
PATIENCE = 3.0
"""Seconds for one answer about a cancellation, and it is asked for twice: GitHub grants seven and a half."""
_SAID = 200
CANCELLED = "it was cancelled there"


class Overdue(OutsideError):
    """The job had not ended at the deadline, and is cancelled."""


class Ended(Struct, frozen=True, kw_only=True):
    """The job at its end, the losses that its events told of, and how many steps it had (0 where nobody said)."""

    job: HostedJob
    rows: tuple[Row, ...] = ()
    steps: int = 0


class Following:
    """One job. `deadline` is in seconds since it was created, `poll` in seconds between two questions."""

    def __init__(self, service: Service, label: str, progress: Progress, clock: Clock) -> None:
        self._service = service
        self._label = label
        self._progress = progress
        self._clock = clock
        self._began = self._now()
        self._status = ""
        self._known: set[str] = set()
        self._rows: dict[int, Row] = {}
        self._step = 0
        self._total = 0
        self._succeeded = 0.0

    def to_the_end(self, id: str, poll: float, deadline: float, late: float) -> Ended:
        """The job when it has ended. One that has not within the deadline is cancelled; that is an OutsideError.

        The name of its model may come so many seconds late.
        """
        with ExitStack() as stack:
            task: Task | None = None
            while True:
                job = self._service.job(id)
                before = self._step
                self._look(job)
                if task is None and self._total:
                    task, before = stack.enter_context(self._progress.task(self._label, self._total)), 0
                if task is not None and self._step > before:
                    task.advance(self._step - before)
                if job.ended and not self._nameless(job, late):
                    return Ended(job=job, rows=tuple(self._rows.values()), steps=self._total)
                if self._age(job) > deadline:
                    raise self._overdue(job, deadline)
                time.sleep(poll)

    def _nameless(self, job: HostedJob, late: float) -> bool:
        if job.status != "succeeded" or job.fine_tuned_model:
            return False
        self._succeeded = self._succeeded or time.monotonic()
        return time.monotonic() - self._succeeded < late

    def _overdue(self, job: HostedJob, deadline: float) -> OutsideError:
        said = cancel(self._service, job.id)
        late = self._service.wrong(
            f"the job {job.id} has not ended within {deadline / 3600:g} hours (it was {job.status}); {said}",
            "Raise training.hosted.deadline_hours, or ask the service what keeps it.",
        )
        return Overdue(late.message, advice=late.advice) if said == CANCELLED else late

    def _look(self, job: HostedJob) -> None:
        if job.status != self._status:
            self._status = job.status
            self._progress.say(f"{self._label}: {job.id} at {self._service.host} is {job.status}")
        try:
            fresh = self._service.events(job.id, self._known)
        except Answered as error:
            if error.status not in (404, 405, 501):
                raise
            return  # a service without events
        for event in fresh:
            self._known.add(event.id)
            self._hear(event)

    def _hear(self, event: JobEvent) -> None:
        data = event.data if isinstance(event.data, dict) else {}
        told = _STEP.search(event.message)
        step = _count(data.get("step")) or (int(told[1]) if told else 0)
        total = _count(data.get("total_steps")) or (int(told[2]) if told else 0)
        self._total = max(self._total, total)
        self._step = min(max(self._step, step), self._total) if self._total else self._step
        if step and (row := row_of(step, data)) is not None:
            self._rows[step] = row
        if not (step and self._total) and event.message:
            self._progress.say(f"{self._label}: {event.message[:_SAID]}")

    def _age(self, job: HostedJob) -> float:
        """Seconds since it was created; since it is followed, where the service does not say when that was."""
        return self._now() - (job.created_at or self._began)

    def _now(self) -> float:
        return datetime.fromisoformat(self._clock.now().replace("Z", "+00:00")).timestamp()


def cancel(service: Service, id: str) -> str:
    """Cancels a job and says in a sentence what came of it. Raises nothing: it is called on the way out."""
    try:
        status = service.cancel(id, PATIENCE).status
    except Answered as error:
        return _ended(service, id) or f"it could not be cancelled and still runs there ({error.message})"
    except OutsideError as error:
        return f"it could not be cancelled and still runs there ({error.message})"
    if status == "cancelled":
        return CANCELLED
    return f"it was asked to be cancelled there, and is {status}"


def _ended(service: Service, id: str) -> str:
    """A job that has ended cannot be cancelled."""
    try:
        job = service.job(id)
    except OutsideError:
        return ""
    return f"it had ended there already, {job.status}" if job.ended else ""


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM interrupts as Ctrl-C does, where nothing else is set up for it: the job is to be cancelled first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    if before is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def undisturbed() -> Iterator[None]:
    """A second Ctrl-C, or the SIGTERM that follows a SIGINT, does not cut the cancellation short."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else 0
