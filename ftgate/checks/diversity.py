"""diversity: one opening, one output or one prompt must not dominate. The seed, curation 3: edge cases, error paths,
odd inputs. Where outputs are labels, every label needs prompts that differ."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import xxhash

from ftgate.checks.base import Context
from ftgate.checks.labels import Labels
from ftgate.checks.likeness import Cluster, short_output_key
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
    """Keeps a 64-bit digest and a count per distinct opening and output; clusters are those of near-duplicate, and
    are not looked at when that is off."""

    def __init__(self, context: Context) -> None:
        self._openings: Counter[int] = Counter()
        self._outputs: Counter[int] = Counter()
        self._labels = Labels()
        self._likeness = context.likeness
        self._path = ""

    def see(self, example: Example) -> Iterable[Finding]:
        """Counts."""
        self._path = self._path or example.place.path
        opening = next((m.content or "" for m in example.messages if m.role == "user"), "")
        words = " ".join(opening[:200].casefold().split()[:_WORDS])
        self._openings[xxhash.xxh3_64_intdigest(words.encode("utf-8", "surrogatepass"))] += 1
        self._outputs[short_output_key(example)] += 1
        self._labels.add(example)
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
        for counts, what, advice in told:
            total = counts.total()
            most = max(counts.values(), default=0)
            if total >= LEAST and most > SHARE * total:
                message = f"{most} of {total} examples ({most / total:.0%}) {what}."
                yield found("diversity", Severity.WARNING, Place(path=self._path), message, advice)
        clusters = self._likeness.clusters() if self._likeness else []
        yield from self._dominating(clusters)
        yield from self._poor(clusters)

    def _dominating(self, clusters: Sequence[Cluster]) -> Iterator[Finding]:
        total = self._outputs.total()
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
