"""diversity: one opening or one output must not dominate. The seed, curation 3: edge cases, error paths, odd inputs."""

from array import array
from collections.abc import Iterable, Iterator

import xxhash

from ftgate.checks.base import Context
from ftgate.checks.turns import output_keys
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found

SHARE = 0.6
"""Share of the examples from which one kind dominates."""
LEAST = 10
"""Examples from which shares mean something."""
_WORDS = 3


class Diversity:
    """Keeps 64 bits of every opening and every output."""

    def __init__(self, context: Context) -> None:
        self._openings = array("Q")
        self._outputs = array("Q")
        self._path = ""

    def see(self, example: Example) -> Iterable[Finding]:
        """Counts."""
        return self.see_all(Batch.of((example,)))

    def see_all(self, batch: Batch) -> Iterable[Finding]:
        """Counts many."""
        self._path = self._path or batch.path
        self._outputs.extend(output_keys(batch))
        openings = [_opening(batch, row, roles) for row, roles in enumerate(batch.roles)]
        encoded = (opening.encode("utf-8", "surrogatepass") for opening in openings)
        self._openings.extend(map(xxhash.xxh3_64_intdigest, encoded))
        return ()

    def merge(self, later: "Diversity", recall: Recall) -> Iterable[Finding]:
        """Adds."""
        self._path = self._path or later._path
        self._openings.extend(later._openings)
        self._outputs.extend(later._outputs)
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
        for keys, what, advice in told:
            total = len(keys)
            if total < LEAST:
                continue
            most = keys.count(_majority(keys))
            if most > SHARE * total:
                message = f"{most} of {total} examples ({most / total:.0%}) {what}."
                yield found("diversity", Severity.WARNING, Place(path=self._path), message, advice)


def _opening(batch: Batch, row: int, roles: tuple[str, ...] | None) -> str:
    if roles is None:
        opening = next((m.content or "" for m in batch.example(row).messages if m.role == "user"), "")
    else:
        opening = batch.texts[row][roles.index("user")] if "user" in roles else ""
    words = opening[:64].split(None, _WORDS)
    if len(words) <= _WORDS:
        words = opening[:200].split(None, _WORDS)
    return " ".join(words[:_WORDS]).casefold()


def _majority(keys: Iterable[int]) -> int:
    """The key that more than half of all are, if there is one (Boyer and Moore): no table of them is needed."""
    candidate = lead = 0
    for key in keys:
        if key == candidate:
            lead += 1
        elif lead:
            lead -= 1
        else:
            candidate, lead = key, 1
    return candidate
