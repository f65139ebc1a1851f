"""The contract with whatever trains elsewhere: a job in a file, its result in another, both JSON, both written whole.

Between them stand lines of progress that only rank 0 writes.
"""

import json
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from ftgate.edges.store import write_atomically
from ftgate.errors import FtgateError, InputError, OutsideError, SettingsError
from ftgate.ports import TrainingJob
from ftgate.values.training import Training

JOB, RESULT, ERROR, PROGRESS = "job.json", "result.json", "error.json", "progress.jsonl"
_KINDS: dict[str, type[FtgateError]] = {
    kind.__name__: kind for kind in (SettingsError, InputError, OutsideError)
}


class _Job(Struct, frozen=True, kw_only=True):
    schema: Literal["ftgate.job/1"] = "ftgate.job/1"
    job: TrainingJob


class _Result(Struct, frozen=True, kw_only=True):
    schema: Literal["ftgate.result/1"] = "ftgate.result/1"
    training: Training


class _Error(Struct, frozen=True, kw_only=True):
    schema: Literal["ftgate.error/1"] = "ftgate.error/1"
    kind: str
    message: str
    advice: str


def launch_folder(workspace: Path) -> Path:
    """Where job, result and what the processes say lie."""
    return workspace / "launch"


def write_job(job: TrainingJob) -> Path:
    """Writes the job, data included; what an earlier start left there is gone. Raises OSError."""
    folder = launch_folder(job.workspace)
    for name in (RESULT, ERROR, PROGRESS):
        (folder / name).unlink(missing_ok=True)
    write_atomically(folder / JOB, msgspec.json.encode(_Job(job=job), enc_hook=_plain))
    return folder / JOB


def read_job(file: Path) -> TrainingJob:
    """Raises InputError when it is no job of this version."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Job, dec_hook=_typed).job
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(
            f"{file}: no job of this ftgate: {error}",
            advice="Write it again: ftgate launch, or ftgate train.",
        ) from error


def write_result(folder: Path, training: Training) -> None:
    write_atomically(folder / RESULT, msgspec.json.encode(_Result(training=training)))


def read_result(folder: Path, key: str) -> Training | None:
    """The training that `key` names, None when there is none. Raises OutsideError when the file is damaged."""
    file = folder / RESULT
    try:
        training = msgspec.json.decode(file.read_bytes(), type=_Result).training
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise OutsideError(
            f"{file}: damaged: {error}", advice=f"Delete it (rm {file}) and train again."
        ) from error
    return training if training.key == key else None


def write_error(folder: Path, error: FtgateError) -> None:
    """Of several ranks any one: they fail for the same reason."""
    told = _Error(kind=type(error).__name__, message=error.message, advice=error.advice)
    write_atomically(folder / ERROR, msgspec.json.encode(told))


def read_error(folder: Path) -> FtgateError | None:
    """The error that a rank ended with, as it raised it."""
    try:
        told = msgspec.json.decode((folder / ERROR).read_bytes(), type=_Error)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return _KINDS.get(told.kind, OutsideError)(told.message, advice=told.advice)


def line(**event: Any) -> str:
    """One line of progress."""
    return json.dumps(event) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError


def _typed(wanted: type, value: Any) -> Any:
    if wanted is Path:
        return Path(value)
    raise NotImplementedError
