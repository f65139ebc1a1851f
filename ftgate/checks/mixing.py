"""mixing: five to ten percent general examples beside the task's own. The seed, pitfalls: catastrophic forgetting."""

from collections.abc import Iterable, Iterator

from ftgate.checks.base import Context
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found
from ftgate.values.review import is_from


class Mixing:
    """Says something only when the settings declare which sources or tags are general. The bounds are a convention,
    and less was measured to be enough; so they are the owner's to set, and a warning."""

    def __init__(self, context: Context) -> None:
        self._named = frozenset(context.data.general_sources)
        self._least, self._most = context.data.general_share
        self._general = 0
        self._examples = 0
        self._path = ""

    def see(self, example: Example) -> Iterable[Finding]:
        """Counts."""
        self._path = self._path or example.place.path
        self._examples += 1
        self._general += is_from(example.source, example.tags, self._named)
        return ()

    def see_all(self, batch: Batch) -> Iterable[Finding]:
        """Counts many; plain ones do not say where they come from."""
        whole = batch.whole if self._named else []
        self._path = self._path or batch.path
        self._examples += len(batch) - len(whole)
        for row in whole:
            self.see(batch.example(row))
        return ()

    def merge(self, later: "Mixing", recall: Recall) -> Iterable[Finding]:
        """Adds."""
        self._path = self._path or later._path
        self._examples += later._examples
        self._general += later._general
        return ()

    def finish(self) -> Iterator[Finding]:
        """A share out of bounds."""
        if not self._named or not self._examples:
            return
        share = self._general / self._examples
        if self._least <= share <= self._most:
            return
        message = (
            f"{self._general} of {self._examples} examples ({share:.1%}) are general; "
            f"{self._least:.0%} to {self._most:.0%} are declared."
        )
        advice = (
            "Mix in examples of what the base can do and must not forget."
            if share < self._least
            else "Take some out: the task itself needs the room."
        )
        if not self._general:
            advice = "Say in every line's source or tags where it comes from, or mix general examples in."
        yield found("mixing", Severity.WARNING, Place(path=self._path), message, advice)
