"""What the stages ask of the outside. Protocols only; `edges/` answers, `tests/fakes.py` answers honestly."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ftgate.ports.github import GitHubFacts, PullRequest
from ftgate.ports.keeping import (
    NO_BASELINES,
    Baselines,
    Cards,
    FoundBaseline,
    LargeFiles,
    NoBaselines,
    RunStore,
    Store,
    no_cards,
)
from ftgate.ports.reading import DataStream, Documents, ExampleSchema, Reader, Repository, TreeEntry
from ftgate.ports.work import (
    BaseModels,
    Completer,
    CompletionJob,
    Exporter,
    ExportJob,
    Judge,
    Progress,
    Sampling,
    Task,
    Tokenizer,
    Trainer,
    TrainingJob,
    Written,
)
from ftgate.values.settings import Settings
from ftgate.values.tokens import Meter

__all__ = [
    "NO_BASELINES",
    "BaseModels",
    "Baselines",
    "Cards",
    "Clock",
    "Completer",
    "CompletionJob",
    "DataStream",
    "Documents",
    "ExampleSchema",
    "ExportJob",
    "Exporter",
    "FoundBaseline",
    "GitHubFacts",
    "Judge",
    "LargeFiles",
    "NoBaselines",
    "Ports",
    "Progress",
    "PullRequest",
    "Reader",
    "Repository",
    "RunStore",
    "Sampling",
    "Store",
    "Task",
    "Tokenizer",
    "Trainer",
    "TrainingJob",
    "TreeEntry",
    "Written",
    "no_cards",
]


class Clock(Protocol):
    """Time, as a parameter."""

    def now(self) -> str:
        """UTC, ISO 8601 with seconds."""

    def seconds(self) -> float:
        """Monotonic."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Everything that the stages may ask. Edges that import heavy vendors do so when first asked.

    `salt` is random per process: text under test cannot guess the fences that the judge reads it in.
    `server` is the completer that the settings name instead of `completer`; None when they name none.
    `hosted` is the trainer of a service that tunes, where the settings name one instead of `trainer`.
    `hardware` names the GPU of this machine, "" where there is none.
    `meter` counts tokens where that takes no download.
    """

    repository: Repository
    reader: Reader
    documents: Documents
    models: BaseModels
    trainer: Trainer
    tokenizer: Tokenizer
    completer: Completer
    judge: Callable[[Settings], Judge | None]
    exporter: Exporter
    store: Store
    runs: RunStore
    progress: Progress
    clock: Clock
    salt: str
    server: Callable[[Settings], Completer | None] = lambda settings: None
    meter: Callable[[Settings], Meter | None] = lambda settings: None
    hosted: Callable[[Settings], Trainer | None] = lambda settings: None
    hardware: Callable[[], str] = lambda: ""
    baselines: Baselines = NO_BASELINES
    large_files: LargeFiles | None = None
