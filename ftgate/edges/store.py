"""Adapters and graded arms on disk, by key. Written whole or not at all; digests checked at every read."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ftgate import wire
from ftgate.errors import OutsideError
from ftgate.values.digest import digest, digest_bytes
from ftgate.values.evaluation import ArmEvaluation
from ftgate.values.training import HOSTED_RECORD, Training

_ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


class DirectoryStore:
    """Port Store: `root/trainings/KEY/`, `root/arms/KEY.json`, and `root/work/KEY/` while a training runs."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def claim(self, key: str) -> Iterator[Path]:
        folder = self._root / "work" / key
        folder.mkdir(parents=True, exist_ok=True)
        with (self._root / "work" / f"{key}.lock").open("w") as lock:
            # Two pull requests with the same baseline: the second waits, and then finds it trained.
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder.mkdir(parents=True, exist_ok=True)
            yield folder

    def find_training(self, key: str) -> Training | None:
        record = self._root / "trainings" / key / "record.json"
        if not record.is_file():
            return None
        try:
            training = wire.training_of(wire.unsealed(record.read_bytes()))
        except wire.UNREADABLE as error:
            raise _damaged(record.parent, str(error)) from error
        if training.key != key:
            raise _damaged(record.parent, f"it belongs to the key {training.key[:12]}")
        self.adapter(training)
        return training

    def keep_training(self, training: Training) -> Training:
        workspace = self._root / "work" / training.key
        target = self._root / "trainings" / training.key
        sha256 = adapter_digest(workspace / "adapter")
        kept = msgspec.structs.replace(
            training, adapter=f"trainings/{training.key}/adapter", adapter_sha256=sha256
        )
        write_atomically(workspace / "record.json", wire.to_json(wire.sealed(kept)))
        shutil.rmtree(workspace / "checkpoints", ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        workspace.rename(target)
        return kept

    def adapter(self, training: Training) -> Path:
        folder = self._root / training.adapter
        found = adapter_digest(folder)
        if found != training.adapter_sha256:
            raise _damaged(folder.parent, f"digest {found[:12]}, recorded {training.adapter_sha256[:12]}")
        return folder

    def find_arm(self, key: str) -> ArmEvaluation | None:
        file = self._root / "arms" / f"{key}.json"
        if not file.is_file():
            return None
        try:
            return wire.arm_of(wire.unsealed(file.read_bytes()))
        except wire.UNREADABLE as error:
            raise _damaged(file, str(error)) from error

    def keep_arm(self, key: str, arm: ArmEvaluation) -> None:
        write_atomically(self._root / "arms" / f"{key}.json", wire.to_json(wire.sealed(arm)))


def write_atomically(path: Path, content: bytes) -> None:
    """The whole content or the old file; never half of it. Raises OSError (disk full, no permission)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        # A directory that another machine filled may hold a link of this name: it is not followed.
        with draft.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def adapter_digest(folder: Path) -> str:
    """SHA-256 (64 hex digits) of an adapter's weights and configuration, or of the record of a model that a service
    keeps. Raises OutsideError when one is missing."""
    names = (HOSTED_RECORD,) if (folder / HOSTED_RECORD).is_file() else _ADAPTER_FILES
    try:
        return digest([[name, digest_bytes((folder / name).read_bytes())] for name in names])
    except FileNotFoundError as error:
        raise _damaged(folder.parent, f"{Path(str(error.filename)).name} is missing") from error


def _damaged(path: Path, why: str) -> OutsideError:
    return OutsideError(
        f"{path}: stored evidence is damaged: {why}",
        advice=f"Delete it (rm -r {path}) and run the gate again; nothing is taken from a damaged store.",
    )
