"""Checkpoints that are whole or not there: a draft, digests of every file in a manifest, fsync, and one rename.

A folder counts when its manifest names this training's key and every file has the digest that it says.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ftgate.decide.overfitting import Measured

_MANIFEST = "ftgate.manifest.json"
_STATE = "ftgate.state.json"
_BEST = "best."  # before the names of the best weights so far: Trainer takes a folder of weights for a second adapter
_KEPT = 2  # the newest, and the one before it in case its disk fails
_SECONDS = 180.0
_AT_MEASUREMENT = 1 / 12  # of that: after a measurement, which is dear to repeat
_SHARE = 20  # time that goes by for one second of writing


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What ftgate itself must know to go on: measurements, what happened, seconds of work so far, and the batch."""

    measured: tuple[Measured, ...] = ()
    events: tuple[str, ...] = ()
    seconds: float = 0.0
    batch_size: int = 0
    accumulation: int = 0


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint to go on from, None when there is none; `told` says which were not used, and why."""

    folder: Path | None = None
    step: int = 0
    kept: Kept = Kept()
    told: tuple[str, ...] = ()


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    schema: str
    key: str
    step: int
    files: dict[str, str]


class Checkpoints:
    """Of one training, in `workspace/checkpoints`. `seconds` pass between two of them; 0 keeps every step."""

    def __init__(self, workspace: Path, key: str, seconds: float = _SECONDS) -> None:
        self._root = workspace / "checkpoints"
        self._key = key
        self._seconds = seconds
        self._last = time.monotonic()
        self._took = 0.0

    @property
    def draft(self) -> Path:
        """Where a trainer writes a checkpoint before it counts."""
        return self._root / "draft"

    @property
    def best(self) -> Path:
        """Where the best weights so far are kept while training runs."""
        return self._root / "best"

    @property
    def writing_seconds(self) -> float:
        """How long a checkpoint takes, by the last one."""
        return self._took

    def find(self) -> Found:
        """The newest whole checkpoint of this training. What is not one is removed; so are drafts."""
        shutil.rmtree(self.draft, ignore_errors=True)
        shutil.rmtree(self.best, ignore_errors=True)
        told: list[str] = []
        for folder in sorted(self._root.glob("checkpoint-*"), key=_step, reverse=True):
            try:
                manifest = self._verified(folder)
                kept = msgspec.json.decode((folder / _STATE).read_bytes(), type=Kept)
            except (OSError, msgspec.MsgspecError, _Unusable) as error:
                told.append(f"the checkpoint of step {_step(folder)} is not used: {error}")
                shutil.rmtree(folder, ignore_errors=True)
                continue
            for file in folder.glob(f"{_BEST}*"):
                self.best.mkdir(exist_ok=True)
                _link(file, self.best / file.name.removeprefix(_BEST))
            return Found(folder=folder, step=manifest.step, kept=kept, told=tuple(told))
        return Found(told=tuple(told))

    def due(self, *, measured: bool) -> bool:
        """Whether it is time to write one; never so often that writing takes more than a twentieth of the time."""
        if self._seconds == 0:
            return True
        passed = time.monotonic() - self._last
        wait = self._seconds * (_AT_MEASUREMENT if measured else 1)
        return passed >= max(wait, _SHARE * self._took)

    def keep(self, step: int, kept: Kept) -> None:
        """Makes the trainer's draft of a step a checkpoint. Raises OSError (disk full, no permission)."""
        began = time.monotonic()
        draft = self.draft / f"checkpoint-{step}"
        for file in sorted(self.best.glob("*")):
            _link(file, draft / f"{_BEST}{file.name}")
        (draft / _STATE).write_bytes(msgspec.json.encode(kept))
        manifest = _Manifest(
            schema="ftgate.checkpoint/1", key=self._key, step=step, files=dict(sorted(_digests(draft)))
        )
        (draft / _MANIFEST).write_bytes(msgspec.json.encode(manifest))
        for path in [*draft.rglob("*"), draft]:
            _sync(path)
        target = self._root / draft.name
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
        _sync(self._root)
        for old in sorted(self._root.glob("checkpoint-*"), key=_step, reverse=True)[_KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
        self._last = time.monotonic()
        self._took = self._last - began

    def _verified(self, folder: Path) -> _Manifest:
        manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=_Manifest)
        if manifest.key != self._key:
            raise _Unusable(f"it is of another training ({manifest.key[:12]})")
        found = dict(_digests(folder))
        for name, digest in manifest.files.items():
            if found.get(name) != digest:
                raise _Unusable(f"{name} is damaged or missing")
        return manifest


class _Unusable(Exception):
    """Says why a folder is no checkpoint of this training."""


def _step(folder: Path) -> int:
    number = folder.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def _digests(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        if path.is_file() and path.name != _MANIFEST:
            with path.open("rb") as stream:
                yield str(path.relative_to(folder)), hashlib.file_digest(stream, "sha256").hexdigest()


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
