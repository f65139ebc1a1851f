"""duplicate: the same example again. The seed: quality beats count, and a repeated line is counted twice only."""

from collections.abc import Iterable, Iterator

from ftgate.checks.base import Context
from ftgate.checks.sameness import Same, Sameness
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Severity, found


class Duplicate:
    """Exact by meaning: same prompt and same output, JSON outputs compared as values. Sameness remembers."""

    def __init__(self, context: Context) -> None:
        self.sameness = Sameness()

    def see(self, example: Example) -> Iterator[Finding]:
        """Against the first example of this meaning."""
        return self.see_all(Batch.of((example,)))

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """The same for many examples."""
        return _again(self.sameness.see(batch))

    def merge(self, later: "Duplicate", recall: Recall) -> Iterator[Finding]:
        """Examples of the next part that stand above already."""
        return _again(self.sameness.absorb(later.sameness, recall))

    def finish(self) -> Iterable[Finding]:
        """Nothing is left to say."""
        return ()


def _again(repeats: Iterable[Same]) -> Iterator[Finding]:
    for same in repeats:
        if same.again:
            message = f"The same example as {same.again}."
            yield found("duplicate", Severity.WARNING, same.example.place, message, "Remove one of them.")
