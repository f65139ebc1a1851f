"""What a check is. Checks look at examples one by one and say what they find; they never read files."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from ftgate.checks.likeness import Likeness
from ftgate.checks.sameness import Sameness
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.evaluation import Prompt
from ftgate.values.finding import Finding
from ftgate.values.review import Reviews
from ftgate.values.settings import DataSettings
from ftgate.values.tokens import Meter


class Context(Struct, frozen=True, kw_only=True):
    """What checks may know besides the example: declarations, and the reserved sets that must stay unseen.

    `likeness` is filled by near-duplicate and read by the checks that finish after it.
    """

    data: DataSettings = DataSettings(train=())
    behavior: str = ""
    declared: bool = False
    output_schema: Mapping[str, Any] | None = None
    held_out: tuple[Example, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    reviews: Reviews = Reviews()
    max_length: int | None = None
    meter: Meter | None = None
    likeness: Likeness | None = None


class Check(Protocol):
    """One curation rule, fed with every example of every file in order."""

    def see(self, example: Example) -> Iterable[Finding]:
        """Findings about this example, or about it and earlier ones."""

    def finish(self) -> Iterable[Finding]:
        """Findings about the dataset as a whole, once all examples were seen."""


@runtime_checkable
class SeesAll(Protocol):
    """For speed, a check may look at many examples at a time; it then finds what `see` finds, one by one."""

    def see_all(self, batch: Batch) -> Iterable[Finding]:
        """Findings about these examples, or about them and earlier ones."""


class Unmergeable(Exception):
    """What two parts of the data left behind does not add up to what the whole would have left."""


@runtime_checkable
class Merges(Protocol):
    """A check that may see the data in parts, each in a process of its own.

    Without it, data is seen by one process.
    """

    def merge(self, later: Any, recall: Recall) -> Iterable[Finding]:
        """Takes over what the same check remembers of the next part, and says what only both parts show."""


@runtime_checkable
class Remembers(Protocol):
    """A check that keeps more of a part of the data, for the comparison with all the others."""

    def remember_only(self) -> None:
        """From now on."""


@runtime_checkable
class UsesSameness(Protocol):
    """Checks that ask which examples are the same share one memory."""

    sameness: Sameness
