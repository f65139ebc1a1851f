"""held-out: ten to twenty percent reserved before training, groups on one side. The seed, curation 6."""

from collections.abc import Iterable, Iterator

from ftgate.checks.base import Context
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found

LEAST, MOST = 0.10, 0.20
"""Share of all examples that is reserved."""


class HeldOut:
    """Looks at counts and groups; what is trained and what is reserved must not overlap, which contamination says."""

    def __init__(self, context: Context) -> None:
        self._declared = context.declared
        self._reserved = len(context.held_out)
        self._groups = {example.group: example.place for example in context.held_out if example.group}
        self._examples = 0
        self._path = ""

    def see(self, example: Example) -> Iterator[Finding]:
        """Counts, and looks for the group of the example among those that are held out."""
        self._examples += 1
        self._path = self._path or example.place.path
        if example.group and (held := self._groups.get(example.group)):
            message = f"The group of this example is held out too: {held.path}:{held.line}."
            advice = "Keep a group on one side: ftgate split --group-by group."
            yield found("held-out", Severity.ERROR, example.place, message, advice)

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """The same for many examples; plain ones have no group."""
        whole = batch.whole if self._groups else []
        self._examples += len(batch) - len(whole)
        self._path = self._path or batch.path
        for row in whole:
            yield from self.see(batch.example(row))

    def merge(self, later: "HeldOut", recall: Recall) -> Iterable[Finding]:
        """Adds."""
        self._examples += later._examples
        self._path = self._path or later._path
        return ()

    def finish(self) -> Iterable[Finding]:
        """The share, when the data is declared."""
        if not self._declared or not self._examples:
            return
        place = Place(path=self._path)
        if not self._reserved:
            message, advice = (
                "No example is held out.",
                "Reserve 10 to 20 % with ftgate split and name the file in data.held_out.",
            )
            yield found("held-out", Severity.ERROR, place, message, advice)
            return
        share = self._reserved / (self._reserved + self._examples)
        if not LEAST <= share <= MOST:
            message = (
                f"{self._reserved} of {self._reserved + self._examples} examples are held out ({share:.1%}); "
                f"{LEAST:.0%} to {MOST:.0%} are recommended."
            )
            advice = (
                "Move examples into the held-out set." if share < LEAST else "Move some back into training."
            )
            yield found("held-out", Severity.WARNING, place, message, advice)
