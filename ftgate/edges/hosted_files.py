"""The files of one training at a service: uploaded once, found again by their names, deleted when the job has ended."""

import time
from collections.abc import Sequence

from ftgate.decide import hosted, hosted_lines
from ftgate.edges.hosted_api import Service
from ftgate.edges.hosted_shapes import StoredFile
from ftgate.errors import OutsideError
from ftgate.ports import Progress, TrainingJob
from ftgate.values.training_settings import Hosted


class RefusedData(OutsideError):
    """The service says that the data is wrong."""


class Files:
    """Training data, and the held-out set where there is one. The key is in their names."""

    def __init__(self, service: Service, settings: Hosted, job: TrainingJob) -> None:
        self._service = service
        self._settings = settings
        self._label = job.label
        self._key = job.key
        self._contents = {"": hosted_lines.content(job.examples)}
        if job.held_out:
            self._contents["held-out"] = hosted_lines.content(job.held_out)
        self._mine: list[StoredFile] = []

    @property
    def ids(self) -> Sequence[str]:
        """Of all that lie at the service, as far as is known."""
        return [file.id for file in self._mine]

    def look(self) -> None:
        """Finds what an earlier run has uploaded."""
        names = {hosted.file_name(self._key, kind) for kind in self._contents}
        self._mine = [file for file in self._service.files() if file.filename in names]

    def uploaded(self, progress: Progress) -> dict[str, str]:
        """Ids of files that lie at the service whole and were read there: "" is the training data. Raises RefusedData
        when the service cannot read one."""
        return {kind: self._uploaded(kind, content, progress) for kind, content in self._contents.items()}

    def delete(self, *, known: bool = False) -> list[str]:
        """Deletes all of them, unless the settings keep them; returns what is to be said of those that stay. With
        `known` the service is not asked for its list first."""
        if not self._settings.delete_files:
            return []
        said: list[str] = []
        try:
            before = self._mine
            if not known:
                self.look()
            for file in {file.id: file for file in (*before, *self._mine)}.values():
                self._service.delete(file.id)
        except OutsideError as error:
            said.append(f"uploaded files named ftgate-{self._key[:32]} could not be deleted: {error.message}")
        return said

    def _uploaded(self, kind: str, content: bytes, progress: Progress) -> str:
        name = hosted.file_name(self._key, kind)
        whole = [
            file
            for file in self._mine
            if (file.filename, file.bytes) == (name, len(content)) and file.status != "error"
        ]
        if not whole:
            progress.say(f"{self._label}: uploading {name} ({len(content):,} bytes) to {self._service.host}")
        file = whole[0] if whole else self._service.upload(name, content)
        self._mine.append(file)
        waited = 0.0
        while file.status == "uploaded":
            if waited > self._settings.timeout_seconds:
                raise self._service.wrong(f"it has not read {name} within {waited:.0f} seconds")
            time.sleep(self._settings.poll_seconds)
            waited += self._settings.poll_seconds
            file = self._service.file(file.id) or StoredFile(id=file.id, status="error")
        if file.status == "error":
            raise RefusedData(
                f"{self._service.host} refused {name}: {file.status_details or 'without a reason'}"
            )
        return file.id
