"""diversity: one opening, one output or one prompt must not dominate. The seed, curation 3: edge cases, error paths,
odd inputs. Where outputs are labels, every label needs prompts that differ."""

from array import array
from collections.abc import Iterable, Iterator, Sequence

import xxhash

from ftgate.checks.base import Context
from ftgate.checks.labels import Labels
from ftgate.checks.likeness import Cluster
from ftgate.checks.rows import output_keys
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found

SHARE = 0.6
"""Share of the examples from which one kind dominates."""
LEAST = 10
"""Examples from which shares mean something."""
CLUSTER_SHARE = 0.05
"""Share of the examples from which one cluster of prompts that are almost the same dominates."""
_WORDS = 3
_TOLD = 20


class Diversity:
    """Keeps 64 bits of every opening and every output; clusters are those of near-duplicate, and are not looked at when
    that is off."""

    def __init__(self, context: Context) -> None:
        self._openings = array("Q")
        self._outputs = array("Q")
        self._labels = Labels()
        self._likeness = context.likeness
        self._path = ""

    def see(self, example: Example) -> Iterable[Finding]:
        """Counts."""
        return self.see_all(Batch.of((example,)))

    def see_all(self, batch: Batch) -> Iterable[Finding]:
        """Counts many."""
        self._path = self._path or batch.path
        self._outputs.extend(output_keys(batch))
        self._openings.extend(map(xxhash.xxh3_64_intdigest, _openings(_openers(batch))))
        self._labels.add_all(batch)
        return ()

    def merge(self, later: "Diversity", recall: Recall) -> Iterable[Finding]:
        """Adds."""
        self._path = self._path or later._path
        self._openings.extend(later._openings)
        self._outputs.extend(later._outputs)
        self._labels.merge(later._labels)
        return ()

    def finish(self) -> Iterator[Finding]:
        """What dominates, if anything, and labels that teach little."""
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
        clusters = self._likeness.clusters() if self._likeness else []
        yield from self._dominating(clusters)
        yield from self._poor(clusters)

    def _dominating(self, clusters: Sequence[Cluster]) -> Iterator[Finding]:
        total = len(self._outputs)
        for cluster in clusters:
            size = len(cluster.places)
            if size < LEAST or size < CLUSTER_SHARE * total:
                return  # largest first
            message = f"{size} of {total} examples ({size / total:.0%}) ask almost the same as this one."
            advice = "Replace most of them by cases that are missing: edge cases, errors, odd inputs."
            yield found("diversity", Severity.WARNING, cluster.places[0], message, advice)

    def _poor(self, clusters: Sequence[Cluster]) -> Iterator[Finding]:
        poor = self._labels.poor(clusters)
        advice = "Add prompts for it that differ in words and in kind."
        for label in poor[:_TOLD]:
            yield found("diversity", Severity.WARNING, label.place, label.text, advice)
        if (left := len(poor) - _TOLD) > 0:
            message = f"{left} more outputs have too few different prompts."
            yield found("diversity", Severity.WARNING, Place(path=self._path), message, advice)


def _openers(batch: Batch) -> list[str]:
    """The first user turn of every row."""
    first = {roles: roles.index("user") if roles and "user" in roles else -1 for roles in set(batch.roles)}
    flat = batch.flat
    texts = [
        flat[begin + first[roles]] if roles else ""
        for roles, begin in zip(batch.roles, batch.begins, strict=True)
    ]
    if -1 in first.values():
        for row, roles in enumerate(batch.roles):
            if first[roles] < 0:
                messages = batch.example(row).messages
                texts[row] = next((m.content or "" for m in messages if m.role == "user"), "")
    return texts


def _openings(texts: Iterable[str]) -> list[bytes]:
    """The first words of each; no text holds a NUL."""
    said = []
    for text in texts:
        words = text[:64].split(None, _WORDS)
        if len(words) <= _WORDS:
            words = text[:200].split(None, _WORDS)
        said.append(" ".join(words[:_WORDS]))
    return "\0".join(said).casefold().encode("utf-8", "surrogatepass").split(b"\0") if said else []


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
