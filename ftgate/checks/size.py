"""size: enough examples for the task, and not too many for one. The seed: how many examples; below thirty, use them as
few-shot prompts; one task, one format, one style per run."""

from collections.abc import Iterable, Iterator

from ftgate.checks.base import Context
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found

FEW_SHOT = 30
"""Below this many examples fine-tuning is the wrong tool."""
MINIMUM = {"format": 50, "style": 100, "domain": 500, "multi-step": 1000}
"""Examples that a task needs at least."""
MUCH = {"format": 5_000, "style": 10_000, "domain": 50_000, "multi-step": 100_000}
"""Ten times what is comfortable for a task: who has more has several tasks, or the same example many times."""
TAKES = {"fireworks": 3_000_000, "vertex": 1_000_000}
"""Examples that a target takes at most."""


class Size:
    """Looks at the number of training examples of a declared dataset."""

    def __init__(self, context: Context) -> None:
        self._declared = context.declared
        self._task = context.data.task
        self._target = context.data.target
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

    def finish(self) -> Iterator[Finding]:
        """Too few or too many, when the data is declared."""
        if not self._declared:
            return
        yield from self._too_many()
        place, count, least = Place(path=self._path), self._examples, MINIMUM[self._task]
        if count < FEW_SHOT:
            message = f"{count} examples; fine-tuning takes {FEW_SHOT} at the very least."
            yield found("size", Severity.ERROR, place, message, "Use few-shot prompts, or add examples.")
        elif count < least:
            message = f"{count} examples; a {self._task} task takes {least} at least."
            yield found("size", Severity.WARNING, place, message, "Add examples before trusting the result.")

    def _too_many(self) -> Iterator[Finding]:
        place, count, much = Place(path=self._path), self._examples, MUCH[self._task]
        most = TAKES.get(self._target, count)
        if count > most:
            message = f"{count:,} examples; {self._target} rejects more than {most:,}."
            yield found("size", Severity.ERROR, place, message, "Keep those that differ most.")
        elif count > much:
            message = (
                f"{count:,} examples are too many for one {self._task} task: {much:,} are ten times plenty."
            )
            advice = "Train one task per run, keep the examples that differ, or declare another data.task."
            yield found("size", Severity.WARNING, place, message, advice)
