"""What the stages ask of files and git: commits, lines, documents."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

from msgspec import Struct

from ftgate.values.batch import Batch
from ftgate.values.dataset import DataFile, Example
from ftgate.values.evaluation import Prompt
from ftgate.values.finding import Finding
from ftgate.values.settings import Level, Limits, Settings


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
    """The repository's own schema of examples.

    `surely_accepts` says soon that a parsed line fits; where it does not say so, `accepts` knows.
    """

    surely_accepts: Callable[[object], bool]

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
