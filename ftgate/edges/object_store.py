"""Trainings and graded arms that several machines share: a directory of this machine, and behind it an object store.

A training is there when its record is, and the record is written last: what was uploaded by half is never found. Files
lie under their digest, so that two machines that train the same key never write over each other. A lock holds on one
machine only: two may train the same key at once, and the one whose record came first is taken by both.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ftgate import wire
from ftgate.edges.artefact import adapter_digest
from ftgate.edges.drafts import drafted
from ftgate.edges.remote import Remote
from ftgate.edges.store import DirectoryStore, write_atomically
from ftgate.errors import OutsideError
from ftgate.ports import Cards, Progress, no_cards
from ftgate.values.evaluation import ArmEvaluation
from ftgate.values.training import Training

_MARK = "ftgate-store.json"
_NAME = re.compile(r"[\w-][\w.-]{0,200}", re.ASCII)
_MEGABYTE = 1_000_000


class ObjectStore:
    """Port Store: `trainings/KEY/record.json`, `trainings/KEY/DIGEST/...` and `arms/KEY.json` below the URL."""

    def __init__(self, cache: DirectoryStore, remote: Remote, progress: Progress) -> None:
        self._cache = cache
        self._remote = remote
        self._progress = progress
        self._settled: dict[str, str] = {}

    @contextmanager
    def claim(self, key: str) -> Iterator[Path]:
        """The directory's lock: it binds this machine alone."""
        with self._cache.claim(key) as workspace:
            # Hours of training must not end at a bucket that nobody may write to.
            self._remote.write(_MARK, b'{"schema": "ftgate.store/1"}\n')
            yield workspace

    def find_training(self, key: str) -> Training | None:
        known = self._cache.find_training(key)
        # An upload that was cut off, or deleted there, is made good by the next who asks.
        return self._fetched(key) if known is None else self._published(known)

    def keep_training(self, training: Training, cards: Cards = no_cards) -> Training:
        return self._published(self._cache.keep_training(training, cards))

    def adapter(self, training: Training) -> Path:
        return self._cache.adapter(training)

    def find_arm(self, key: str) -> ArmEvaluation | None:
        known = self._cache.find_arm(key)
        if known is not None:
            return known
        content = self._remote.read(f"arms/{key}.json")
        if content is None:
            return None
        try:
            arm = wire.arm_of(wire.unsealed(content))
        except wire.UNREADABLE as error:
            raise self._damaged(f"arms/{key}.json", str(error)) from error
        self._cache.keep_arm(key, arm)
        return arm

    def keep_arm(self, key: str, arm: ArmEvaluation) -> None:
        self._cache.keep_arm(key, arm)
        self._remote.write(f"arms/{key}.json", wire.to_json(wire.sealed(arm)))

    def _published(self, training: Training) -> Training:
        """The training as all machines know it: this one, or that of the machine whose record came first."""
        folder = self._cache.adapter(training).parent
        if self._settled.get(training.key) == training.adapter_sha256:
            return training
        theirs = self._record(training.key)
        if theirs is None:
            self._upload(training, folder / "adapter")
            record = (folder / "record.json").read_bytes()
            created = self._remote.create(f"trainings/{training.key}/record.json", record)
            theirs = training if created else self._record(training.key)
        if theirs is None or theirs.adapter_sha256 == training.adapter_sha256:
            self._settled[training.key] = training.adapter_sha256
            return training
        self._progress.say(
            f"{training.key[:12]}: another machine kept this training first; its weights are taken"
        )
        shutil.rmtree(folder)
        return self._fetched(training.key) or training

    def _upload(self, training: Training, folder: Path) -> None:
        home = f"trainings/{training.key}/{training.adapter_sha256}"
        files = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
        with self._megabytes("uploading", sum(files.values())) as moved:
            for name in files:
                self._remote.upload(folder / name, f"{home}/{name}", moved)
        self._remote.write(f"{home}/files.json", wire.to_json(wire.sealed(files)))

    def _record(self, key: str) -> Training | None:
        name = f"trainings/{key}/record.json"
        content = self._remote.read(name)
        if content is None:
            return None
        try:
            training = wire.training_of(wire.unsealed(content))
        except wire.UNREADABLE as error:
            raise self._damaged(name, str(error)) from error
        if training.key != key or training.adapter != f"trainings/{key}/adapter":
            raise self._damaged(name, f"it belongs to the key {training.key[:12]}")
        return training

    def _fetched(self, key: str) -> Training | None:
        training = self._record(key)
        if training is None:
            return None
        target = self._cache.root / "trainings" / key
        with drafted(target) as draft:
            self._download(training, draft / "adapter")
            write_atomically(draft / "record.json", wire.to_json(wire.sealed(training)))
            try:
                draft.rename(target)
            except OSError:
                # Another process fetched it meanwhile: what lies there is checked below like any other.
                if not target.is_dir():
                    raise
        self._settled[key] = training.adapter_sha256
        return self._cache.find_training(key)

    def _download(self, training: Training, folder: Path) -> None:
        home = f"trainings/{training.key}/{training.adapter_sha256}"
        files = self._files(home)
        folder.mkdir(parents=True)
        with self._megabytes("fetching adapter", sum(files.values())) as moved:
            for name, size in files.items():
                there = self._remote.download(f"{home}/{name}", folder / name, moved)
                arrived = (folder / name).stat().st_size if there else 0
                if not there or arrived != size:
                    why = f"it has {arrived:,} of {size:,} bytes" if there else "it is missing"
                    raise self._damaged(f"{home}/{name}", why)
        try:
            found = adapter_digest(folder)
        except OutsideError as error:
            raise self._damaged(home, error.message.rpartition(": ")[2]) from error
        if found != training.adapter_sha256:
            raise self._damaged(home, f"digest {found[:12]}, recorded {training.adapter_sha256[:12]}")

    def _files(self, home: str) -> Mapping[str, int]:
        content = self._remote.read(f"{home}/files.json")
        if content is None:
            raise self._damaged(f"{home}/files.json", "it is missing")
        try:
            files = json.loads(wire.unsealed(content))
        except wire.UNREADABLE as error:
            raise self._damaged(f"{home}/files.json", str(error)) from error
        odd = [name for name, size in files.items() if not _NAME.fullmatch(name) or not isinstance(size, int)]
        if odd or not files:
            raise self._damaged(f"{home}/files.json", "it names no files of an artefact")
        named: dict[str, int] = files
        return named

    @contextmanager
    def _megabytes(self, label: str, total: int) -> Iterator["_Moved"]:
        with self._progress.task(label, -(-total // _MEGABYTE)) as task:
            yield _Moved(task.advance)

    def _damaged(self, name: str, why: str) -> OutsideError:
        where = f"{self._remote.url}/{name}"
        return OutsideError(
            f"{where}: stored evidence is damaged: {why}",
            advice=f"Delete {_training_of(where)} and run the gate again; nothing is taken from a damaged store.",
        )


def _training_of(where: str) -> str:
    """The folder of a whole training: a record without its files would stay damaged for ever."""
    head, mark, tail = where.partition("/trainings/")
    return f"{head}{mark}{tail.split('/')[0]}" if mark else where


class _Moved:
    """Counts bytes, shows megabytes."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance
        self._bytes = self._shown = 0

    def __call__(self, more: int) -> None:
        self._bytes += more
        reached = -(-self._bytes // _MEGABYTE)
        self._advance(reached - self._shown)
        self._shown = reached
