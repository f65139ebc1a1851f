"""What outlives a run: adapters and answers, baselines, large files, run.json."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from ftgate.values.baseline import Baseline, History, Promotion
from ftgate.values.evaluation import ArmEvaluation
from ftgate.values.lfs import Pointer
from ftgate.values.run import Run
from ftgate.values.training import Training

Cards = Callable[[Training], Mapping[str, str]]
"""Renders a record that is about to be kept: file names to texts."""


def no_cards(training: Training) -> Mapping[str, str]:
    """Nothing beside the artefact."""
    del training
    return {}


class Store(Protocol):
    """Adapters and graded arms by key. Every read checks digests; a damaged entry is OutsideError, never None."""

    def claim(self, key: str) -> AbstractContextManager[Path]:
        """A directory for a training of this key, kept until the training is stored; nobody else's meanwhile."""

    def find_training(self, key: str) -> Training | None: ...

    def keep_training(self, training: Training, cards: Cards = no_cards) -> Training:
        """Moves the workspace's adapter in, atomically, with its cards, and returns the record with its digest.

        Where another machine kept a training of this key first, that one is returned.
        """

    def adapter(self, training: Training) -> Path:
        """Directory of the verified adapter. Raises OutsideError when files differ from the recorded digest."""

    def find_arm(self, key: str) -> ArmEvaluation | None: ...

    def keep_arm(self, key: str, arm: ArmEvaluation) -> None: ...


class LargeFiles(Protocol):
    """Content that git-LFS keeps outside the repository."""

    def fetch(self, pointer: Pointer, configuration: bytes | None) -> bytes | str:
        """What a pointer names, verified, or why it cannot be had. Raises OutsideError when the server is not there.

        `configuration` is the base branch's .lfsconfig: a pull request never says where to fetch from.
        """


class FoundBaseline(Struct, frozen=True, kw_only=True):
    """A record, or why one that is there must not be used; neither when there is none."""

    record: Baseline | None = None
    problem: str = ""


class Baselines(Protocol):
    """What was promoted, where every machine finds it. Evidence that is damaged is said and never used."""

    def find(self, key: str) -> FoundBaseline:
        """The record of a training key, digest and key checked."""

    def ledger(self) -> History:
        """All promotions, oldest first."""

    def keep(self, record: Baseline, promotion: Promotion) -> bool:
        """Writes both in one step; False when they were there. Raises OutsideError when it cannot."""


class NoBaselines:
    """Port Baselines of a place without a data branch: knows nothing and keeps nothing."""

    def find(self, key: str) -> FoundBaseline:
        return FoundBaseline()

    def ledger(self) -> History:
        return History()

    def keep(self, record: Baseline, promotion: Promotion) -> bool:
        return False


NO_BASELINES = NoBaselines()


class RunStore(Protocol):
    """run.json and the files rendered from it."""

    @property
    def where(self) -> str:
        """The directory, for messages."""

    def load(self) -> Run | None:
        """The stored run, None when there is none. Raises InputError when it cannot be read or is forged."""

    def save(self, run: Run) -> None: ...

    def write(self, name: str, text: str) -> Path:
        """Writes a rendering beside run.json."""

    def read(self, name: str) -> bytes | None:
        """A file beside run.json; None when there is none."""
