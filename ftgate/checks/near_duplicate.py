"""near-duplicate: almost the same prompt again. The seed: quality beats count, and fifty variants of one question are
one question. A check of its own beside duplicate: it costs more than all others together, so it can be turned off
alone."""

from collections.abc import Iterable, Iterator

from ftgate.checks.base import Context
from ftgate.checks.likeness import Cluster, Likeness
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Severity, found

TOLD = 200
"""Clusters that are named; the largest come first."""
_NAMED = 8


class NearDuplicate:
    """Compares user turns without what many of them share; outputs do not matter, but are mentioned."""

    def __init__(self, context: Context) -> None:
        self._likeness = context.likeness or Likeness()

    def see(self, example: Example) -> Iterable[Finding]:
        """Collects."""
        self._likeness.add(example)
        return ()

    def see_all(self, batch: Batch) -> Iterable[Finding]:
        """Collects many."""
        self._likeness.add_all(batch)
        return ()

    def remember_only(self) -> None:
        """Compares nothing yet."""
        self._likeness.remember_only()

    def merge(self, later: "NearDuplicate", recall: Recall) -> Iterable[Finding]:
        """Compares what the next part has remembered; clusters are told at the end."""
        self._likeness.absorb(later._likeness)
        return ()

    def finish(self) -> Iterator[Finding]:
        """One finding per cluster, at its first line."""
        clusters = self._likeness.clusters()
        for cluster in clusters[:TOLD]:
            advice = (
                "Keep the one that says most, or replace the others by prompts that differ."
                if len(set(cluster.outputs)) == 1
                else "Their outputs differ: make sure that each is right, then keep what teaches the difference."
            )
            yield found("near-duplicate", Severity.WARNING, cluster.places[0], _message(cluster), advice)
        if left := clusters[TOLD:]:
            count = sum(len(cluster.places) for cluster in left)
            message = f"{len(left)} more clusters of {count} prompts that are almost the same are not listed."
            advice = "Remove the ones above first."
            yield found("near-duplicate", Severity.WARNING, left[0].places[0], message, advice)


def _message(cluster: Cluster) -> str:
    names = [f"{place.path}:{place.line}" for place in cluster.places]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    different = len(set(cluster.outputs))
    outputs = "the same output" if different == 1 else f"{different} different outputs"
    return f"{len(names)} prompts are almost the same, with {outputs}: {', '.join(names[:_NAMED])}{more}."
