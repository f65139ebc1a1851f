"""duplicate: the same example again. The seed: quality beats count, and a repeated line is counted twice only."""

from collections.abc import Iterable, Iterator

from ftgate.checks.base import Context
from ftgate.checks.places import Places
from ftgate.checks.turns import output_key, prompt_key
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Severity, found


class Duplicate:
    """Exact by meaning: same prompt and same output, JSON outputs compared as values. Keeps 16 bytes and a place."""

    def __init__(self, context: Context) -> None:
        self._places = Places()
        self._seen: dict[bytes, int] = {}

    def see(self, example: Example) -> Iterator[Finding]:
        """Against the first example of this meaning."""
        key = prompt_key(example) + output_key(example)
        first = self._seen.get(key)
        if first is None:
            self._seen[key] = self._places.keep(example.place)
            return
        message = f"The same example as {self._places.name(first)}."
        yield found("duplicate", Severity.WARNING, example.place, message, "Remove one of them.")

    def finish(self) -> Iterable[Finding]:
        """Nothing is left to say."""
        return ()
