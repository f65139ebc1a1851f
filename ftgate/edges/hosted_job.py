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
from ftgate.edges.hosted_api import Answered, Service, StoredFile, Unanswered
from ftgate.edges.hosted_follow import PATIENCE, cancel
from ftgate.edges.store import write_atomically
from ftgate.errors import OutsideError, SettingsError
from ftgate.ports import Clock, Progress, TrainingJob
from ftgate.values.training_settings import TrainingSettings

_NOTE = "checkpoints/hosted.json"
_TRIES = 4
_LOOKS = 3
"""How often a service is asked for a job that may have been begun: a list may lag behind."""


class Note(Struct, frozen=True, kw_only=True):
    """What is known of the job on disk. `asked` stands before the request for a job is sent: then there may be one."""

    host: str
    model: str
    asked: bool = False
    job: str = ""


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
        self._files = {"": hosted_lines.content(case.job.examples)}
        if case.job.held_out:
            self._files["held-out"] = hosted_lines.content(case.job.held_out)
        self._note = _noted(case.job.workspace, case.service.host, case.model)
        self._mine: list[StoredFile] = []
        self._ended = 0
        survey = hosted_lines.survey(case.job.examples)
        self.tokens = sum(survey.tokens) * case.job.recipe.epochs
        self.events: list[str] = []

    def stop(self) -> str:
        """Cancels what runs at the service; returns what is to be said of it."""
        label, service = self._job.label, self._service
        service.hurry(PATIENCE)
        id = self._note.job
        if not id and self._note.asked:
            try:
                found = self._find(looks=1)
            except OutsideError as error:
                said = f"whether a job was begun at {service.host} nobody knows ({error.message})"
                return f"{label}: interrupted; {said}. Run again: it is looked for."
            id = found.id if found else ""
        if not id:
            return f"{label}: interrupted; no job was begun at {service.host}"
        said = cancel(service, id)
        if said.endswith("it was cancelled there"):
            self._forget()
        return f"{label}: interrupted; of the job {id} at {service.host}: {said}"

    def known(self) -> HostedJob | None:
        """The job of this key that runs or has ended, from the note, else one that runs or has succeeded, from the
        service's list; None when there is none."""
        self._mine = self._stored()
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
        return None if job.status == "cancelled" else job

    def _find(self, looks: int) -> HostedJob | None:
        for look in range(looks):
            if look:
                time.sleep(min(self._settings.hosted.poll_seconds, 2.0 * look))
            self._ended = 0
            for job in self._service.jobs():
                if not hosted.ours(job, self._job.key, [file.id for file in self._mine]):
                    continue
                if job.status not in ("failed", "cancelled"):
                    return job
                self._ended += 1
        return None

    def begin(self) -> HostedJob:
        """Everything that is checked before money is spent, the files, and the job."""
        self._demand_open()
        if price := hosted.priced(self.tokens, self._settings.preflight.prices):
            self._progress.say(f"{self._job.label}: about {price}; tokens are estimated from bytes")
        ids = {kind: self._uploaded(kind, content) for kind, content in self._files.items()}
        request = self._request(ids)
        self._keep(replace(self._note, asked=True, job=""))
        created = self._created(request)
        self._keep(replace(self._note, asked=True, job=created.id))
        return created

    def _created(self, request: dict[str, Any]) -> HostedJob:
        """Asks for the job. Whenever it is not sure whether there is one, it is looked for before it is asked again."""
        for attempt in range(_TRIES):
            try:
                return self._service.create(request, f"ftgate-{self._job.key[:32]}-{self._ended}")
            except Unanswered as error:
                problem: OutsideError = error
            except Answered as error:
                if error.status < 500 and error.status not in (408, 409, 429):
                    self._keep(replace(self._note, asked=False))
                    raise _refused(error, self._model, self._service.host) from error
                problem = error
            time.sleep(min(self._settings.hosted.poll_seconds, 2.0**attempt))
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

    def _stored(self) -> list[StoredFile]:
        names = {hosted.file_name(self._job.key, kind) for kind in self._files}
        return [file for file in self._service.files() if file.filename in names]

    def _uploaded(self, kind: str, content: bytes) -> str:
        """The id of a file that lies at the service whole and was read there."""
        name = hosted.file_name(self._job.key, kind)
        whole = [
            file
            for file in self._mine
            if (file.filename, file.bytes) == (name, len(content)) and file.status != "error"
        ]
        if not whole:
            self._progress.say(
                f"{self._job.label}: uploading {name} ({len(content):,} bytes) to {self._service.host}"
            )
        file = whole[0] if whole else self._service.upload(name, content)
        self._mine.append(file)
        waited = 0.0
        while file.status == "uploaded":
            if waited > self._settings.hosted.timeout_seconds:
                raise self._service.wrong(f"it has not read {name} within {waited:.0f} seconds")
            time.sleep(self._settings.hosted.poll_seconds)
            waited += self._settings.hosted.poll_seconds
            file = self._service.file(file.id) or StoredFile(id=file.id, status="error")
        if file.status == "error":
            raise RefusedData(
                f"{self._service.host} refused {name}: {file.status_details or 'without a reason'}"
            )
        return file.id

    def over(self, *, forget: bool) -> None:
        """The job has ended: what was uploaded is deleted, unless the settings keep it. With `forget` the next run
        begins anew."""
        if forget:
            self._forget()
        if not self._settings.hosted.delete_files:
            return
        for file in {file.id: file for file in (*self._mine, *self._stored())}.values():
            try:
                self._service.delete(file.id)
            except OutsideError as error:
                self.tell(f"{file.filename} could not be deleted: {error.message}")

    def tell(self, text: str) -> None:
        self.events.append(text)
        self._progress.say(f"{self._job.label}: {text}")

    def _keep(self, note: Note) -> None:
        self._note = note
        write_atomically(self._job.workspace / _NOTE, msgspec.json.encode(note))

    def _forget(self) -> None:
        """The next run begins anew: this job has ended without a model."""
        (self._job.workspace / _NOTE).unlink(missing_ok=True)


class RefusedData(OutsideError):
    """The service says that the data is wrong."""


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
