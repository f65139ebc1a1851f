"""The files and fine-tuning endpoints of the OpenAI API at any base URL, through the `openai` client.

Every failure is an OutsideError: what was not answered, or not in the form that the API has, is never taken for an
empty answer. The client itself waits and asks again on 429 (as long as Retry-After says), 5xx, timeouts and broken
connections; all but the creation of a job may be asked twice.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from ftgate.decide.hosted import HostedJob
from ftgate.edges.hosted_shapes import Checkpoint, JobEvent, ServedModel, StoredFile
from ftgate.edges.judge_api import Address
from ftgate.errors import OutsideError

if TYPE_CHECKING:
    from openai import OpenAI

_SHOWN = 400
_GARBLED = 3
_RETRIES = 5
_PAGE = 100
_ADVICE = (
    "See that the service is well (training.hosted in ftgate.yaml), and run again: "
    "a job that runs is followed, not begun anew."
)
_KEY = "Set the variable that training.hosted.api_key_env names to a key that may upload files and tune models there."

_Shape = TypeVar("_Shape", bound=Struct)


class Answered(OutsideError):
    """The service answered with an HTTP status that says no. `wait` is what Retry-After asks for, in seconds."""

    def __init__(self, message: str, *, status: int, advice: str) -> None:
        super().__init__(message, advice=advice)
        self.status = status
        self.code = ""
        self.param = ""
        self.said = ""
        self.wait = 0.0


class Unanswered(OutsideError):
    """Nobody knows whether the service did what it was asked: no answer came, or none that can be read."""


class Service:
    """One service. `address` is asked when the first request is sent: what needs no request needs no key."""

    def __init__(self, host: str, address: Callable[[], Address], timeout: float) -> None:
        self.host = host
        self._address = address
        self._timeout = timeout
        self._retries = _RETRIES
        self._client: OpenAI | None = None

    def model(self, name: str) -> ServedModel | None:
        """What the service says about a model. A service that lists it nowhere may serve it all the same, so it is
        asked for one token then. None when it does not serve it."""
        try:
            found = self._sent(lambda client: client.models.retrieve(name))
            return self._read(found, ServedModel)
        except Answered as error:
            if error.status not in (404, 405):
                raise
        try:
            self._sent(
                lambda client: client.chat.completions.create(
                    model=name, messages=[{"role": "user", "content": "Hello"}], max_tokens=1
                )
            )
        except Answered as error:
            if error.status in (400, 404, 405, 422):
                return None
            raise
        return ServedModel(id=name)

    def upload(self, name: str, content: bytes) -> StoredFile:
        """Uploads a file for fine-tuning."""
        sent = self._sent(
            lambda client: client.files.create(file=(name, content, "application/jsonl"), purpose="fine-tune")
        )
        return self._read(sent, StoredFile)

    def files(self) -> Iterator[StoredFile]:
        """All files for fine-tuning, page by page."""
        return self._pages(lambda client: client.files.list(purpose="fine-tune", limit=_PAGE), StoredFile)

    def file(self, id: str) -> StoredFile | None:
        """A file; None when it is gone."""
        try:
            return self._read(self._sent(lambda client: client.files.retrieve(id)), StoredFile)
        except Answered as error:
            if error.status == 404:
                return None
            raise

    def content(self, id: str) -> bytes | None:
        """What is in a file; None when it is gone."""
        try:
            sent = self._sent(lambda client: client.files.content(id))
        except Answered as error:
            if error.status == 404:
                return None
            raise
        return bytes(sent.content)

    def delete(self, id: str) -> None:
        """Deletes a file; one that is gone is well gone."""
        try:
            self._sent(lambda client: client.files.delete(id))
        except Answered as error:
            if error.status != 404:
                raise

    def create(self, request: Mapping[str, Any], idempotency: str) -> HostedJob:
        """Begins a job. Sent once: after an Unanswered there may be a job or none, and it has to be looked for."""
        headers = {"Idempotency-Key": idempotency}
        sent = self._once(
            lambda client: client.with_options(max_retries=0).fine_tuning.jobs.create(
                **request, extra_headers=headers
            )
        )
        return self._read(sent, HostedJob)

    def jobs(self) -> Iterator[HostedJob]:
        """All fine-tuning jobs, page by page."""
        return self._pages(lambda client: client.fine_tuning.jobs.list(limit=_PAGE), HostedJob)

    def job(self, id: str) -> HostedJob:
        """A job as it is now."""
        return self._read(self._sent(lambda client: client.fine_tuning.jobs.retrieve(id)), HostedJob)

    def cancel(self, id: str, patience: float) -> HostedJob:
        """Cancels a job; waits so many seconds for each of two answers."""
        sent = self._once(
            lambda client: client.with_options(timeout=patience, max_retries=1).fine_tuning.jobs.cancel(id)
        )
        return self._read(sent, HostedJob)

    def events(self, id: str, known: set[str]) -> list[JobEvent]:
        """What has happened to a job beyond the events whose ids are known, oldest first."""
        fresh: list[JobEvent] = []
        for event in self._pages(
            lambda client: client.fine_tuning.jobs.list_events(id, limit=_PAGE), JobEvent
        ):
            if event.id in known:
                break  # the newest come first
            fresh.append(event)
        return fresh[::-1]

    def checkpoints(self, id: str) -> list[Checkpoint]:
        """Checkpoints of a job by step; a service without that endpoint has none."""
        try:
            found = list(
                self._pages(
                    lambda client: client.fine_tuning.jobs.checkpoints.list(id, limit=_PAGE), Checkpoint
                )
            )
        except Answered as error:
            if error.status in (404, 405, 501):
                return []
            raise
        return sorted(found, key=lambda each: each.step_number)

    def hurry(self, seconds: float) -> None:
        """From now on every request gets so many seconds and no second attempt: somebody waits for the end."""
        self._timeout, self._retries, self._client = seconds, 0, None

    def wrong(self, why: str, advice: str = _ADVICE) -> OutsideError:
        """An error that names the service."""
        return OutsideError(f"{self.host}: {why}", advice=advice)

    def _pages(self, send: Callable[["OpenAI"], Any], shape: type[_Shape]) -> Iterator[_Shape]:
        page, seen = self._sent(send), set[str]()
        while True:
            entries = getattr(page, "data", None)
            if not isinstance(entries, list):
                raise self.wrong("a list that it sent cannot be read")
            for entry in entries:
                read = self._read(entry, shape)
                id = str(getattr(read, "id", ""))
                if id in seen:
                    return  # a service that knows no cursor sends the first page for ever
                seen.add(id)
                yield read
            if not page.has_next_page():
                return
            page = self._sent(partial(_next, page))

    def _read(self, sent: Any, shape: type[_Shape]) -> _Shape:
        """The client builds its objects without checking them, so they are checked here."""
        try:
            plain = sent.model_dump(mode="json", warnings=False)
            kept = {name: plain[name] for name in shape.__struct_fields__ if plain.get(name) is not None}
            return msgspec.convert(kept, shape, strict=False)
        except (AttributeError, TypeError, ValueError) as error:
            raise Unanswered(
                f"{self.host}: its answer is no {shape.__name__} ({type(error).__name__})", advice=_ADVICE
            ) from error

    def _sent(self, send: Callable[["OpenAI"], Any]) -> Any:
        for _ in range(_GARBLED - 1):
            try:
                return self._once(send)
            except _Garbled:
                continue
        return self._once(send)

    def _once(self, send: Callable[["OpenAI"], Any]) -> Any:
        from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

        try:
            return send(self._connected())
        except APIStatusError as error:
            raise self._answered(error) from error
        except APITimeoutError as error:
            raise Unanswered(f"{self.host}: it did not answer in time", advice=_ADVICE) from error
        except APIConnectionError as error:
            raise Unanswered(f"{self.host}: it cannot be reached", advice=_ADVICE) from error
        except (APIError, ValueError, AttributeError, TypeError) as error:  # its lists are built unchecked
            text = f"{self.host}: its answer cannot be read ({type(error).__name__})"
            raise _Garbled(text, advice=_ADVICE) from error

    def _connected(self) -> "OpenAI":
        from openai import OpenAI

        if self._client is None:
            address = self._address()
            self._client = OpenAI(
                api_key=address.api_key,
                base_url=address.base_url,
                timeout=self._timeout,
                max_retries=self._retries,
            )
        return self._client

    def _answered(self, error: Any) -> Answered:
        status = int(error.status_code)
        body = error.body if isinstance(error.body, dict) else {}
        said = str(body.get("message") or error.message).replace(self._address().api_key, "***")[:_SHOWN]
        told = "" if status == 401 else f": {said}"  # it repeats the key
        answered = Answered(
            f"{self.host}: it answered HTTP {status}{told}",
            status=status,
            advice=_KEY if status in (401, 403) else _ADVICE,
        )
        answered.code, answered.param = str(body.get("code") or ""), str(body.get("param") or "")
        answered.said, answered.wait = said, _seconds(error.response.headers.get("Retry-After"))
        return answered


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0


def _next(page: Any, client: "OpenAI") -> Any:
    del client  # a page holds its own
    return page.get_next_page()


class _Garbled(Unanswered):
    """An answer that is no JSON."""
