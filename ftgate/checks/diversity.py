"""diversity: one opening or one output must not dominate. The seed, curation 3: edge cases, error paths, odd inputs."""

from collections import Counter
from collections.abc import Iterable, Iterator

import xxhash

from ftgate.checks.base import Context
from ftgate.checks.turns import output_key
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found

SHARE = 0.6
"""Share of the examples from which one kind dominates."""
LEAST = 10
"""Examples from which shares mean something."""
_WORDS = 3


class Diversity:
    """Keeps a 64-bit digest and a count per distinct opening and output."""

    def __init__(self, context: Context) -> None:
        self._openings: Counter[int] = Counter()
        self._outputs: Counter[int] = Counter()
        self._path = ""

    def see(self, example: Example) -> Iterable[Finding]:
        """Counts."""
        self._path = self._path or example.place.path
        opening = next((m.content or "" for m in example.messages if m.role == "user"), "")
        words = " ".join(opening[:200].casefold().split()[:_WORDS])
        self._openings[xxhash.xxh3_64_intdigest(words.encode("utf-8", "surrogatepass"))] += 1
        self._outputs[int.from_bytes(output_key(example)[:8], "big")] += 1
        return ()

    def finish(self) -> Iterator[Finding]:
        """What dominates, if anything."""
        told = (
            (
                self._openings,
                "begin with the same three words",
                "Vary them; fixed text is the system prompt's.",
            ),
            (self._outputs, "have the same output", "Add examples of the other outputs."),
        )
        for counts, what, advice in told:
            total = counts.total()
            most = max(counts.values(), default=0)
            if total >= LEAST and most > SHARE * total:
                message = f"{most} of {total} examples ({most / total:.0%}) {what}."
                yield found("diversity", Severity.WARNING, Place(path=self._path), message, advice)
