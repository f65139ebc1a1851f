"""What the stages ask of the outside. Protocols only; `edges/` answers, `tests/fakes.py` answers honestly."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from msgspec import Struct

from ftgate.values.baseline import Baseline, History, Promotion
from ftgate.values.batch import Batch
from ftgate.values.dataset import DataFile, Example
from ftgate.values.evaluation import ArmEvaluation, Completion, Prompt, Question, Sentinel
from ftgate.values.finding import Finding
from ftgate.values.judging import JudgeRecord, Reply, Usage
from ftgate.values.lfs import Pointer
from ftgate.values.run import Run
from ftgate.values.settings import Level, Limits, Settings
from ftgate.values.tokens import Meter
from ftgate.values.training import BaseModel, Recipe, Training
from ftgate.values.trust import Comment, Permission, Person, PullFacts, WorkflowJob, WorkflowRun


class TreeEntry(Struct, frozen=True, kw_only=True):
    """One path of a commit. `mode` is git's six octal digits; `size` is -1 where git knows none."""

    path: str
    mode: str
    oid: str
    size: int

    @property
    def is_file(self) -> bool:
        """Plain or executable file: never a symlink (120000), submodule (160000) or tree."""
        return self.mode in ("100644", "100755")


class Repository(Protocol):
    """A git repository read as objects: nothing is checked out, no filter runs, no link is followed."""

    def commit(self, revision: str) -> str:
        """Full SHA of a revision. Raises InputError when it names no commit."""

    def merge_base(self, base: str, head: str) -> str:
        """Best common ancestor. Raises InputError when the two share no history."""

    def tree(self, commit: str) -> Sequence[TreeEntry]:
        """Every path of a commit, sorted by path."""

    def read(self, entry: TreeEntry) -> bytes:
        """Content of a file. Raises OutsideError when the object is missing or damaged."""


class ExampleSchema(Protocol):
    """The repository's own schema of examples."""

    def accepts(self, value: object) -> bool:
        """Whether a parsed line fits."""

    def misfits(self, value: object) -> Iterator[Any]:
        """Everything that does not fit, with pointer, message and advice."""


class DataStream(Protocol):
    """One JSONL file being read: yields examples and findings in line order, and never raises on bad input."""

    def __iter__(self) -> Iterator[Example | Finding]: ...

    def batches(self) -> Iterator[Batch | Finding]:
        """The same in batches, faster: findings come before the batch of examples that they stand between."""

    @property
    def file(self) -> DataFile:
        """The proof of completeness; valid once the stream is exhausted."""


class Reader(Protocol):
    """Opens a JSONL file. `format` is a Format value or "auto" to detect it from the first readable line.

    `blank_lines` is the severity of a blank line, "off" for none; `schema` is asked of every line, beside its format.
    """

    def __call__(
        self,
        path: str,
        stream: BinaryIO,
        format: str = "auto",
        limits: Limits = Limits(),  # noqa: B008 - frozen
        blank_lines: Level = "warning",
        schema: ExampleSchema | None = None,
    ) -> DataStream: ...


class Documents(Protocol):
    """Reads the files that maintainers write. All problems of a file come in one SettingsError, with lines."""

    def settings(self, path: str, content: bytes) -> Settings: ...

    def prompts(self, path: str, content: bytes) -> tuple[Prompt, ...]: ...

    def probes(self) -> tuple[Prompt, ...]:
        """The project's own prompts about general abilities."""

    def json_schema(self, path: str, content: bytes) -> Mapping[str, object]: ...

    def example_schema(self, path: str, content: bytes) -> ExampleSchema: ...


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
    """All that a trainer needs. `workspace` is private to the key: checkpoints of an interrupted run lie there."""

    label: str
    key: str
    commit: str
    base_model: BaseModel
    recipe: Recipe
    examples: tuple[Example, ...]
    held_out: tuple[Example, ...]
    workspace: Path


class Trainer(Protocol):
    """Trains one adapter."""

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


class Completer(Protocol):
    """Generates. All arms use the same loaded base, batches and dtype."""

    def versions(self) -> Mapping[str, str]: ...

    def complete(self, job: CompletionJob, progress: Progress) -> list[Completion]:
        """One completion per prompt, in order."""

    def sentinel(self, job: CompletionJob) -> Sentinel:
        """Whether the adapter of the job acts on the base."""


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


class Store(Protocol):
    """Adapters and graded arms by key. Every read checks digests; a damaged entry is OutsideError, never None."""

    def claim(self, key: str) -> AbstractContextManager[Path]:
        """A directory for a training of this key, kept until the training is stored; nobody else's meanwhile."""

    def find_training(self, key: str) -> Training | None: ...

    def keep_training(self, training: Training) -> Training:
        """Moves the workspace's adapter in, atomically, and returns the record with its digest."""

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


_NO_BASELINES = NoBaselines()


class RunStore(Protocol):
    """run.json and the files rendered from it."""

    def load(self) -> Run | None:
        """The stored run, None when there is none. Raises InputError when it cannot be read or is forged."""

    def save(self, run: Run) -> None: ...

    def write(self, name: str, text: str) -> Path:
        """Writes a rendering beside run.json."""

    def read(self, name: str) -> bytes | None:
        """A file beside run.json; None when there is none."""


class PullRequest(Protocol):
    """The pull request that the comment goes to."""

    def upsert_comment(self, marker: str, write: Callable[[Sequence[str], str], str | None]) -> str | None:
        """Creates or edits the one comment that begins with the marker; returns its URL.

        `write` says what should stand, given the own comments that stand, oldest first, and the commit that the
        pull request is at; None leaves all as it is.
        """


class GitHubFacts(Protocol):
    """One pull request and its repository, as GitHub's API gives them now, and the little that the bot does there.

    Every method raises OutsideError when GitHub does not answer as it should.
    """

    def pull(self) -> PullFacts: ...

    def permission(self, person: Person) -> Permission:
        """NONE for somebody whom the repository does not know."""

    def person(self, login: str) -> Person | None: ...

    def comments(self) -> Sequence[Comment]:
        """All of them, oldest first."""

    def comment(self, number: int) -> Comment | None:
        """One of this pull request's comments; None when it is gone or another's."""

    def react(self, comment: int, sign: str) -> None:
        """`sign` is GitHub's word: eyes, +1, -1, confused."""

    def workflow_runs(self, head: str) -> Sequence[WorkflowRun]:
        """Every run of a commit, of all workflows."""

    def jobs(self, run: WorkflowRun) -> Sequence[WorkflowJob]:
        """Of the latest attempt."""

    def run_again(self, run: WorkflowRun, *, failed_only: bool) -> None: ...

    def cancel(self, run: WorkflowRun) -> None: ...

    def run_file(self, run: WorkflowRun) -> bytes | None:
        """run.json of the workflow run's newest artifact; None when there is none. It is hostile data."""

    def answer(self, text: str) -> bool:
        """Shows one line in the sticky comment, in place of the last; False where there is no sticky comment."""

    def post(self, body: str) -> str:
        """A comment of its own; returns its URL."""


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
    `meter` counts tokens where that takes no download.
    """

    repository: Repository
    reader: Reader
    documents: Documents
    models: BaseModels
    trainer: Trainer
    completer: Completer
    judge: Callable[[Settings], Judge | None]
    store: Store
    runs: RunStore
    progress: Progress
    clock: Clock
    salt: str
    meter: Callable[[Settings], Meter | None] = lambda settings: None
    baselines: Baselines = _NO_BASELINES
    large_files: LargeFiles | None = None
