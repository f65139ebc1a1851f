"""size: enough examples for the task. The seed: how many examples; below thirty, use them as few-shot prompts."""

from collections.abc import Iterable

from ftgate.checks.base import Context
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found

FEW_SHOT = 30
"""Below this many examples fine-tuning is the wrong tool."""
MINIMUM = {"format": 50, "style": 100, "domain": 500, "multi-step": 1000}
"""Examples that a task needs at least."""


class Size:
    """Looks at the number of training examples of a declared dataset."""

    def __init__(self, context: Context) -> None:
        self._declared = context.declared
        self._task = context.data.task
        self._examples = 0
        self._path = ""

    def see(self, example: Example) -> Iterable[Finding]:
        """Counts."""
        self._examples += 1
        self._path = self._path or example.place.path
        return ()

    def see_all(self, batch: Batch) -> Iterable[Finding]:
        """Counts many."""
        self._examples += len(batch)
        self._path = self._path or batch.path
        return ()

    def merge(self, later: "Size", recall: Recall) -> Iterable[Finding]:
        """Adds."""
        self._examples += later._examples
        self._path = self._path or later._path
        return ()

    def finish(self) -> Iterable[Finding]:
        """Too few, when the data is declared."""
        if not self._declared:
            return
        place, count, least = Place(path=self._path), self._examples, MINIMUM[self._task]
        if count < FEW_SHOT:
            message = f"{count} examples; fine-tuning takes {FEW_SHOT} at the very least."
            yield found("size", Severity.ERROR, place, message, "Use few-shot prompts, or add examples.")
        elif count < least:
            message = f"{count} examples; a {self._task} task takes {least} at least."
            yield found("size", Severity.WARNING, place, message, "Add examples before trusting the result.")
