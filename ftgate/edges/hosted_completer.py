"""Completions of a base model and of what a service tuned from it, at that service: chat completions by model id."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from ftgate.edges.judge_api import Address
from ftgate.edges.server_api import Refused
from ftgate.edges.server_completer import ServerCompleter
from ftgate.errors import OutsideError
from ftgate.ports import CompletionJob, Progress
from ftgate.values.evaluation import Completion, Sentinel
from ftgate.values.settings import ServerSettings
from ftgate.values.training import HOSTED_RECORD, HostedModel


class HostedCompleter:
    """Port Completer. `address` is asked for when the first request is sent: what is known needs no key."""

    def __init__(
        self, settings: ServerSettings, model: str, host: str, address: Callable[[], Address]
    ) -> None:
        self._settings = settings
        self._named = model
        self._host = host
        self._address = address
        self._server: _Tuned | None = None

    def versions(self) -> Mapping[str, str]:
        """Who answers. A service that changes a model under its name tells nobody: dated names are for that."""
        told = {"engine": f"hosted {self._named}", "host": self._host}
        return {**told, "setup": self._settings.setup} if self._settings.setup else told

    def complete(self, job: CompletionJob, progress: Progress) -> list[Completion]:
        return self._asked().complete(job, progress)

    def sentinel(self, job: CompletionJob) -> Sentinel:
        """The ids that were asked, and how far their answers are apart (see `ServerCompleter.sentinel`)."""
        return self._asked().sentinel(job)

    def _asked(self) -> "_Tuned":
        if self._server is None:
            self._server = _Tuned(self._settings, self._address(), self.versions())
        return self._server


class _Tuned(ServerCompleter):
    """Asks for what a service tuned by the id in its record; all else is as with any server."""

    def __init__(self, settings: ServerSettings, address: Address, versions: Mapping[str, str]) -> None:
        super().__init__(settings, address)
        self._told = dict(versions)
        self._host = address.host

    def sentinel(self, job: CompletionJob) -> Sentinel:
        if job.adapter is None:
            return Sentinel(lora_b_norm=None, logit_difference=None)
        return Sentinel(
            lora_b_norm=None,
            logit_difference=self._acts(job),
            model=self._model(job),
            base=self._base,
        )

    def complete(self, job: CompletionJob, progress: Progress) -> list[Completion]:
        try:
            return super().complete(job, progress)
        except Refused as error:
            if error.status != 404 or job.adapter is None:
                raise
            raise OutsideError(
                f"{self._host} has no model {self._model(job)!r} any more, or this key may not use it",
                advice=f"Delete {job.adapter.parent} in the store, and it is tuned again by the next run.",
            ) from error

    def _look(self) -> dict[str, str]:
        return self._told

    def _model(self, job: CompletionJob) -> str:
        if job.adapter is None:
            return self._base
        record = read_record(job.adapter)
        if (record.host, record.base) != (self._host, self._base):
            raise OutsideError(
                f"{record.model} was tuned from {record.base} at {record.host}, not from {self._base} at {self._host}",
                advice="Run `ftgate train` again: the store belongs to another service.",
            )
        return record.model


def read_record(adapter: Path) -> HostedModel:
    """The record of a tuned model. Raises OutsideError when it cannot be read."""
    try:
        return msgspec.json.decode((adapter / HOSTED_RECORD).read_bytes(), type=HostedModel)
    except (OSError, msgspec.MsgspecError) as error:
        raise OutsideError(
            f"{adapter / HOSTED_RECORD}: no record of a tuned model: {error}",
            advice="Run `ftgate train` again.",
        ) from error
