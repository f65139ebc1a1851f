"""OpenAI's published description of files, fine-tuning, models and chat, as far as it is on every machine: the types of
the `openai` client, which are generated from the OpenAPI document. Requests are held against its parameter types, in
strict mode and with no key that they lack; answers against its models, in strict mode.
"""

import json
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from openai.types import FileDeleted, FileObject, Model
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.file_create_params import ExpiresAfter
from openai.types.file_list_params import FileListParams
from openai.types.file_purpose import FilePurpose
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.job_create_params import JobCreateParams
from openai.types.fine_tuning.job_list_events_params import JobListEventsParams
from openai.types.fine_tuning.job_list_params import JobListParams
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint
from openai.types.fine_tuning.jobs.checkpoint_list_params import CheckpointListParams
from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import TypedDict, is_typeddict


class Exchange(Struct, frozen=True, kw_only=True):
    """One request and its answer. Of an upload the body holds (file name, content) under "file"."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: Any = None
    status: int = 200
    answer: Any = None


class Told(typing.NamedTuple):
    """What is published of one endpoint: types of query, body and answer (of one entry, where it is a list)."""

    query: Any = None
    body: Any = None
    answer: type[BaseModel] | None = None
    listed: bool = False


class Upload(TypedDict, total=False):
    """FileCreateParams as it goes over the wire: its `file` may also be what only Python has."""

    file: typing.Required[bytes]
    purpose: typing.Required[FilePurpose]
    expires_after: ExpiresAfter


def told_of(method: str, path: str) -> Told | None:  # noqa: C901 - a table
    """None for an endpoint that nobody has described."""
    match method, path.strip("/").split("/"):
        case "POST", ["files"]:
            return Told(body=Upload, answer=FileObject)
        case "GET", ["files"]:
            return Told(query=FileListParams, answer=FileObject, listed=True)
        case "GET", ["files", _]:
            return Told(answer=FileObject)
        case "GET", ["files", _, "content"]:
            return Told()
        case "DELETE", ["files", _]:
            return Told(answer=FileDeleted)
        case "POST", ["fine_tuning", "jobs"]:
            return Told(body=JobCreateParams, answer=FineTuningJob)
        case "GET", ["fine_tuning", "jobs"]:
            return Told(query=JobListParams, answer=FineTuningJob, listed=True)
        case ("GET", ["fine_tuning", "jobs", _]) | ("POST", ["fine_tuning", "jobs", _, "cancel"]):
            return Told(answer=FineTuningJob)
        case "GET", ["fine_tuning", "jobs", _, "events"]:
            return Told(query=JobListEventsParams, answer=FineTuningJobEvent, listed=True)
        case "GET", ["fine_tuning", "jobs", _, "checkpoints"]:
            return Told(query=CheckpointListParams, answer=FineTuningJobCheckpoint, listed=True)
        case "GET", ["models", *_]:
            return Told(answer=Model)
        case "POST", ["chat", "completions"]:
            return Told(body=CompletionCreateParamsNonStreaming, answer=ChatCompletion)
    return None


def violations(exchange: Exchange) -> Iterator[str]:
    """How one exchange differs from what is published."""
    where = f"{exchange.method} {exchange.path}"
    told = told_of(exchange.method, exchange.path)
    if told is None:
        yield f"{where}: no such endpoint"
        return
    query = {name: int(value) if value.isdigit() else value for name, value in exchange.query.items()}
    yield from (f"{where}?: {problem}" for problem in _params(told.query, query or None))
    body = exchange.body
    if told.body is Upload:
        body = {**body, "file": body["file"][1]}
    yield from (f"{where} body: {problem}" for problem in _params(told.body, body))
    if exchange.status == 200 and told.answer is not None:
        entries = exchange.answer["data"] if told.listed else [exchange.answer]
        for entry in entries:
            yield from (f"{where} answer: {problem}" for problem in _answer(told.answer, entry))


def _params(shape: Any, value: Any) -> Iterator[str]:
    if shape is None:
        if value is not None:
            yield f"takes nothing, was sent {value!r:.200}"
        return
    value = value or {}
    try:
        TypeAdapter(shape).validate_python(value, strict=True)
    except ValidationError as error:
        yield str(error)
    yield from _unknown(shape, value, "")


def _unknown(shape: Any, value: Any, at: str) -> Iterator[str]:
    """Keys that no type has, at any depth."""
    known = typing.get_type_hints(shape)
    for name, each in value.items():
        if name not in known:
            yield f"{at}{name}: no such key"
            continue
        inner = next((kind for kind in _alternatives(known[name]) if is_typeddict(kind)), None)
        if inner is not None and isinstance(each, dict):
            yield from _unknown(inner, each, f"{at}{name}.")


def _alternatives(kind: Any) -> Iterator[Any]:
    yield kind
    for inner in typing.get_args(kind):
        yield from _alternatives(inner)


def _answer(shape: type[BaseModel], value: Any) -> Iterator[str]:
    try:
        read = shape.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        yield str(error)
        return
    if read.model_extra:
        yield f"no such keys: {', '.join(read.model_extra)}"
