"""The one job of a key at a service: found where it is known, begun where it is not, cancelled on the way out.

One key never has two jobs that run. The key stands in the job's metadata, in the name of its training file and in that
of the tuned model; before a job is begun, the service is asked whether there is one. So a run that was killed at any
moment, and one whose workspace is lost, goes on with the job that it began.
"""

import time
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ftgate.decide import hosted, hosted_lines
from ftgate.decide.hosted import Failed, HostedJob
from ftgate.edges.hosted_api import Answered, Service, Unanswered
from ftgate.edges.hosted_files import Files, RefusedData
from ftgate.edges.hosted_follow import CANCELLED, PATIENCE, cancel
from ftgate.edges.store import write_atomically
from ftgate.errors import OutsideError, SettingsError
from ftgate.ports import Clock, Progress, TrainingJob
from ftgate.values.training_settings import TrainingSettings

_NOTE = "checkpoints/hosted.json"
_TRIES = 4
_UNPAID = ("insufficient_quota", "exceeded_quota", "billing_hard_limit_reached")
_WAIT = 0.5  # seconds after the first request without an answer; doubled after each further one
_LONGEST = 60.0  # seconds that a service may ask to be left alone
_LOOKS = 3
"""How often a service is asked for a job that may have been begun: a list may lag behind."""


class Note(Struct, frozen=True, kw_only=True):
    """What is known of the job on disk. `asked` stands before the request for a job is sent: then there may be one.
    `nameless` are jobs that succeeded, as the service says, and have no model."""

    host: str
    model: str
    asked: bool = False
    job: str = ""
    nameless: tuple[str, ...] = ()


class Case(Struct, frozen=True, kw_only=True):
    """One training at one service."""

    model: str
    service: Service
    settings: TrainingSettings
    job: TrainingJob
    progress: Progress
    clock: Clock


class KeyedJob:
    """The job, its files, and what is known of both. `tokens` is an estimate for all epochs."""

    def __init__(self, case: Case) -> None:
        self._model = case.model
        self._service = case.service
        self._settings = case.settings
        self._job = case.job
        self._progress = case.progress
        self._clock = case.clock
        self._files = Files(case.service, case.settings.hosted, case.job)
        self._note = _noted(case.job.workspace, case.service.host, case.model)
        self._ended = 0
        survey = hosted_lines.survey(case.job.examples)
        self.tokens = sum(survey.tokens) * case.job.recipe.epochs
        self.events: list[str] = []

    def stop(self) -> str:
        """Cancels what runs at the service, and deletes what was uploaded; returns what is to be said of it."""
        service, id = self._service, self._note.job
        service.hurry(PATIENCE)
        begins = f"{self._job.label}: interrupted"
        if not id and self._note.asked:
            try:
                found = self._find(looks=1)
            except OutsideError as error:
                said = f"whether a job was begun at {service.host} nobody knows ({error.message})"
                return f"{begins}; {said}. Run again: it is looked for."
            id = found.id if found else ""
        if not id:
            return "; ".join(
                [f"{begins}; no job was begun at {service.host}", *self._files.delete(known=True)]
            )
        said = cancel(service, id)
        lines = [f"{begins}; of the job {id} at {service.host}: {said}"]
        if said == CANCELLED:
            self._forget()
            lines += self._files.delete(known=True)
        return "; ".join(lines)

    def known(self) -> HostedJob | None:
        """The job of this key that runs or has ended, from the note, else one that runs or has succeeded, from the
        service's list; None when there is none."""
        self._files.look()
        found = self._noted() or self._find(looks=_LOOKS if self._note.asked and not self._note.job else 1)
        if found is not None:
            self.tell(f"goes on with the job {found.id} that was begun before")
            self._keep(replace(self._note, asked=True, job=found.id))
        return found

    def _noted(self) -> HostedJob | None:
        if not self._note.job:
            return None
        try:
            job = self._service.job(self._note.job)
        except Answered as error:
            if error.status != 404:
                raise
            return None
        return None if job.status == "cancelled" or job.id in self._note.nameless else job

    def _find(self, looks: int) -> HostedJob | None:
        for look in range(looks):
            if look:
                time.sleep(min(self._settings.hosted.poll_seconds, 2.0 * look))
            self._ended = 0
            for job in self._service.jobs():
                if not hosted.ours(job, self._job.key, self._files.ids):
                    continue
                if job.id not in self._note.nameless and self._of_use(job):
                    return job
                self._ended += 1
        return None

    def _of_use(self, job: HostedJob) -> bool:
        """Whether a job runs, or its model is still there: somebody may have deleted it."""
        if job.status == "succeeded" and job.fine_tuned_model:
            return self._service.model(job.fine_tuned_model) is not None
        return job.status not in ("failed", "cancelled")

    def begin(self) -> HostedJob:
        """Everything that is checked before money is spent, the files, and the job."""
        self._demand_open()
        if price := hosted.priced(self.tokens, self._settings.preflight.prices):
            self._progress.say(f"{self._job.label}: about {price}; tokens are estimated from bytes")
        request = self._request(self._files.uploaded(self._progress))
        self._keep(replace(self._note, asked=True, job=""))
        created = self._created(request)
        self._keep(replace(self._note, job=created.id))
        first = self._only(created)
        if first.id != created.id:
            self._keep(replace(self._note, job=first.id))
        return first

    def _only(self, created: HostedJob) -> HostedJob:
        """Another machine may have begun the same at the same time: the first job counts, and ours is cancelled."""
        alive = [
            job
            for job in self._service.jobs()
            if hosted.ours(job, self._job.key, self._files.ids)
            and job.id not in self._note.nameless
            and self._of_use(job)
        ]
        first = min(alive, key=lambda job: (job.created_at, job.id), default=created)
        if first.id != created.id:
            said = cancel(self._service, created.id)
            self.tell(f"goes on with the job {first.id} of another machine; of {created.id}: {said}")
        return first

    def _created(self, request: dict[str, Any]) -> HostedJob:
        """Asks for the job. Whenever it is not sure whether there is one, it is looked for before it is asked again."""
        for attempt in range(_TRIES):
            try:
                return self._service.create(request, f"ftgate-{self._job.key[:32]}-{self._ended}")
            except Unanswered as error:
                problem: OutsideError = error
                wait = 2.0**attempt * _WAIT
            except Answered as error:
                unpaid = error.code in _UNPAID
                if unpaid or (error.status < 500 and error.status not in (408, 409, 429)):
                    self._keep(replace(self._note, asked=False))
                    raise _refused(error, self._model, self._service.host) from error
                problem, wait = error, error.wait
            time.sleep(min(max(wait, self._settings.hosted.poll_seconds), _LONGEST))
            if (found := self._find(looks=_LOOKS)) is not None:
                return found
        raise problem

    def _demand_open(self) -> None:
        """The service takes jobs, this key may ask for them, and the model will be there to be asked."""
        service, model, today = self._service, self._model, self._clock.now()
        if why := hosted.closed(service.host, model, today):
            raise OutsideError(why, advice=hosted.CHOOSE)
        try:
            served = service.model(model)
        except Answered as error:
            if error.status == 403:
                text = f"{error.message}: this key may not use {model}"
                raise OutsideError(text, advice=_locked(service.host) or error.advice) from error
            raise
        if served is None:
            raise SettingsError(
                f"base_model: {service.host} has no model {model!r}, or this key may not see it",
                advice="Give base_model the name of a model that the service tunes: hosted:NAME.",
            )
        if why := hosted.closed(service.host, model, today, served.shutdown_date):
            raise OutsideError(why, advice=hosted.CHOOSE)
        if soon := hosted.outlook(service.host, model, today, served.shutdown_date):
            self.tell(soon)

    def _request(self, ids: dict[str, str]) -> dict[str, Any]:
        recipe = self._job.recipe
        chosen = {
            "n_epochs": recipe.epochs,
            "batch_size": recipe.batch_size,
            "learning_rate_multiplier": recipe.learning_rate,
        }
        parameters = {name: value for name, value in chosen.items() if value}
        request: dict[str, Any] = {
            "model": self._model,
            "training_file": ids[""],
            "method": {"type": "supervised", "supervised": {"hyperparameters": parameters}},
            "seed": recipe.seed % 2**31,
            "suffix": hosted.suffix(self._settings, self._job.key),
            "metadata": {"ftgate-key": self._job.key},
        }
        return request | ({"validation_file": ids["held-out"]} if "held-out" in ids else {})

    def dismiss(self, id: str) -> None:
        """A job that will never have a model, though it succeeded: no run waits for it again."""
        self._note = replace(self._note, nameless=(*self._note.nameless, id))

    def over(self, *, forget: bool) -> None:
        """The job has ended: what was uploaded is deleted, unless the settings keep it. With `forget` the next run
        begins anew."""
        if forget:
            self._forget()
        for problem in self._files.delete():
            self.tell(problem)

    def tell(self, text: str) -> None:
        self.events.append(text)
        self._progress.say(f"{self._job.label}: {text}")

    def _keep(self, note: Note) -> None:
        self._note = note
        write_atomically(self._job.workspace / _NOTE, msgspec.json.encode(note))

    def _forget(self) -> None:
        """The next run begins anew: this job has ended without a model."""
        if self._note.nameless:
            self._keep(replace(self._note, asked=False, job=""))
        else:
            (self._job.workspace / _NOTE).unlink(missing_ok=True)


def _refused(error: Answered, model: str, host: str) -> Exception:
    """A request for a job that was refused: whose fault it is."""
    failed = Failed(code=error.code, message=error.said, param=error.param)
    if hosted.blames_data(failed):
        return RefusedData(f"{host} refused the data: {error.said}")
    if error.status == 403:
        return OutsideError(error.message, advice=_locked(host) or error.advice)
    if error.status in (400, 404, 422) and (error.param == "model" or error.code.startswith("model_not")):
        return SettingsError(
            f"base_model: {host} does not tune {model}: {error.said}",
            advice="Give base_model the name of a model that the service tunes: hosted:NAME.",
        )
    return error


def _locked(host: str) -> str:
    return f"{hosted.LOCKED_OUT} {hosted.CHOOSE}" if hosted.is_openai(host) else ""


def _noted(workspace: Path, host: str, model: str) -> Note:
    """The note of an earlier run. One that cannot be read is none: the service is asked then."""
    blank = Note(host=host, model=model)
    try:
        note = msgspec.json.decode((workspace / _NOTE).read_bytes(), type=Note)
    except FileNotFoundError:
        return blank
    except msgspec.MsgspecError:
        return replace(blank, asked=True)
    return note if (note.host, note.model) == (host, model) else blank
