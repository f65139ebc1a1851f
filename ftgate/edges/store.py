"""Adapters and graded arms on disk, by key. Written whole or not at all; digests checked at every read."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ftgate import wire
from ftgate.edges.artefact import CARDS, adapter_digest, damaged, share
from ftgate.ports import Cards, no_cards
from ftgate.values.evaluation import ArmEvaluation
from ftgate.values.training import Training


class DirectoryStore:
    """Port Store: `root/trainings/KEY/`, `root/arms/KEY.json`, and `root/work/KEY/` while a training runs.

    `told` hears why nothing happens while another process has the key.
    """

    def __init__(self, root: Path, told: Callable[[str], None] = lambda text: None) -> None:
        self._root, self._told = root, told

    @property
    def root(self) -> Path:
        """The directory."""
        return self._root

    @contextmanager
    def claim(self, key: str) -> Iterator[Path]:
        folder = self._root / "work" / key
        folder.mkdir(parents=True, exist_ok=True)
        with (self._root / "work" / f"{key}.lock").open("w") as lock:
            # Two pull requests with the same baseline: the second waits, and then finds it trained.
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._told(f"another process trains this ({key[:12]}): waiting for it")
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
            raise damaged(record.parent, str(error)) from error
        if training.key != key:
            raise damaged(record.parent, f"it belongs to the key {training.key[:12]}")
        self.adapter(training)
        shutil.rmtree(record.parent / "checkpoints", ignore_errors=True)
        return training

    def keep_training(self, training: Training, cards: Cards = no_cards) -> Training:
        workspace = self._root / "work" / training.key
        target = self._root / "trainings" / training.key
        sha256 = adapter_digest(workspace / "adapter")
        kept = msgspec.structs.replace(
            training, adapter=f"trainings/{training.key}/adapter", adapter_sha256=sha256
        )
        for name, text in cards(kept).items():
            assert name in CARDS, name
            write_atomically(workspace / "adapter" / name, text.encode())
        write_atomically(workspace / "record.json", wire.to_json(wire.sealed(kept)))
        share(workspace / "adapter", workspace / "record.json")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        workspace.rename(target)
        # Last: removing tens of gigabytes takes its time, and whoever is killed then has kept the training.
        shutil.rmtree(target / "checkpoints", ignore_errors=True)
        return kept

    def adapter(self, training: Training) -> Path:
        folder = self._root / training.adapter
        found = adapter_digest(folder)
        if found != training.adapter_sha256:
            raise damaged(folder.parent, f"digest {found[:12]}, recorded {training.adapter_sha256[:12]}")
        return folder

    def find_arm(self, key: str) -> ArmEvaluation | None:
        file = self._root / "arms" / f"{key}.json"
        if not file.is_file():
            return None
        try:
            return wire.arm_of(wire.unsealed(file.read_bytes()))
        except wire.UNREADABLE as error:
            raise damaged(file, str(error)) from error

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
