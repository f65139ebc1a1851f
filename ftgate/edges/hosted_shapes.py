"""What is read of the answers of a service that tunes; a job is in decide/hosted.py, as rules are about it."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file at the service; `bytes` is its size."""

    id: str
    filename: str = ""
    bytes: int = 0
    status: str | None = None
    status_details: str | None = None


class ServedModel(Struct, frozen=True, kw_only=True):
    """A model at the service; `shutdown_date` is ISO 8601 where it tells one."""

    id: str
    owned_by: str = ""
    shutdown_date: str | None = None


class JobEvent(Struct, frozen=True, kw_only=True):
    """Something that happened to a job; `data` holds the metrics of a step where there are some."""

    id: str
    message: str = ""
    level: str = "info"
    created_at: float = 0
    data: Any = None


class Checkpoint(Struct, frozen=True, kw_only=True):
    """A model that was kept on the way."""

    id: str
    step_number: int
    fine_tuned_model_checkpoint: str = ""
    metrics: Mapping[str, float | None] = {}
