"""Who does the long work: models, trainer, completer, judge, and how progress is shown."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from ftgate.values.dataset import Example
from ftgate.values.evaluation import Completion, Prompt, Question, Sentinel
from ftgate.values.judging import JudgeRecord, Reply, Usage
from ftgate.values.run_card import Exported, Form
from ftgate.values.tokens import TokenSurvey
from ftgate.values.training import BaseModel, Recipe, Training
from ftgate.values.training_settings import Launch, Tracker


class BaseModels(Protocol):
    """Finds the untuned model."""

    def resolve(self, name: str, revision: str | None) -> BaseModel:
        """Raises SettingsError when there is no such model, OutsideError when it cannot be fetched."""


class Task(Protocol):
    """A piece of long work whose progress is shown."""

    def advance(self, steps: int = 1) -> None: ...


class Progress(Protocol):
    """Shows long work to a person; never touches standard output."""

    def task(self, label: str, total: int) -> AbstractContextManager[Task]: ...

    def say(self, text: str) -> None: ...


class TrainingJob(Struct, frozen=True, kw_only=True):
    """All that a trainer needs. `workspace` is private to the key: checkpoints of an interrupted run lie there.

    `launch` says where the processes of the recipe run; `report_to` and `tracker_options` who else hears of the losses.
    None of the three changes what is learned.
    """

    label: str
    key: str
    commit: str
    base_model: BaseModel
    recipe: Recipe
    examples: tuple[Example, ...]
    held_out: tuple[Example, ...]
    workspace: Path
    launch: Launch = Launch()
    report_to: tuple[Tracker, ...] = ()
    tracker_options: Mapping[str, str] = {}


class Tokenizer(Protocol):
    """Sees examples as the trainer sees them, without a GPU."""

    def survey(self, base_model: BaseModel, examples: Sequence[Example]) -> TokenSurvey:
        """Raises OutsideError when the tokenizer cannot be loaded, InputError when it has no chat template."""


class Trainer(Protocol):
    """Trains one adapter."""

    def memory(self) -> int | None:
        """Bytes of one GPU; None where there is none."""

    def versions(self) -> Mapping[str, str]:
        """Versions of everything whose change may change the weights."""

    def train(self, job: TrainingJob, progress: Progress) -> Training:
        """Writes the adapter into `job.workspace / "adapter"`. A loss that is not finite is a `failure`."""


class Sampling(Struct, frozen=True, kw_only=True):
    """Completions drawn at a temperature instead of the greedy one; the same seed draws the same."""

    temperature: float
    seed: int


class CompletionJob(Struct, frozen=True, kw_only=True):
    """Completions of prompts by one arm, greedy unless `sampling` says otherwise; `adapter` is None for the base.

    `adapter` holds what was trained, which is a whole model where all weights were. `merged` is the model that was
    exported from it and is asked in its place.

    A prompt that stands in it several times is answered several times.
    """

    label: str
    base_model: BaseModel
    method: str
    adapter: Path | None
    prompts: tuple[Prompt, ...]
    max_new_tokens: int
    batch_size: int
    sampling: Sampling | None = None
    merged: Path | None = None


class Completer(Protocol):
    """Generates. All arms use the same loaded base, batches and dtype."""

    def versions(self) -> Mapping[str, str]: ...

    def complete(self, job: CompletionJob, progress: Progress) -> list[Completion]:
        """One completion per prompt, in order."""

    def sentinel(self, job: CompletionJob) -> Sentinel:
        """Whether the adapter of the job acts on the base."""


class ExportJob(Struct, frozen=True, kw_only=True):
    """A form to write from what a training left in `artefact`.

    Its agreement with what was trained is measured on `prompts` with their references, and held to `minimum`. `target`
    is the directory; None leaves it to the exporter. What agrees less than `minimum` takes the target's place only with
    `keep_all`: whoever judges the answers of an export needs it, whoever serves it must not find it.
    """

    base_model: BaseModel
    training: Training
    artefact: Path
    form: Form
    prompts: tuple[Prompt, ...]
    minimum: float
    target: Path | None = None
    keep_all: bool = False


class Written(Struct, frozen=True, kw_only=True):
    """An export: where it lies, what it is, and the command that serves it.

    Where it was not `kept`, the folder is as it was before.
    """

    folder: Path
    exported: Exported
    launch: str
    reused: bool = False
    kept: bool = True


class Exporter(Protocol):
    """Writes what is served."""

    def export(self, job: ExportJob, progress: Progress) -> Written:
        """The same job twice writes once. Raises InputError when the target is not its own to write, or the training
        has no such form; OutsideError when the disk is too small or what is stored does not fit."""

    def discard(self, written: Written) -> None:
        """Deletes an export that no target named, unless another process of this machine uses it."""


class Judge(Protocol):
    """One or more models that rate completions."""

    @property
    def records(self) -> Sequence[JudgeRecord]:
        """Who judges, as their servers named themselves last. Raises OutsideError when there is nobody to ask."""

    @property
    def usage(self) -> Usage:
        """What asking took so far."""

    def ask(self, questions: Sequence[Question], progress: Progress) -> Sequence[Sequence[Reply]]:
        """All votes about each question, in order; what went wrong is a state of a reply, never an exception.

        A reply of a judge that is not among `records` any more has the state "other_judge". Raises OutsideError
        when there is nobody to ask.
        """
