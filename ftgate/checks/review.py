"""review: generated examples are read by a person, the most diverse tenth at least. The seed, distillation: never train
on unreviewed generated data."""

from collections import Counter
from collections.abc import Iterable, Iterator

from ftgate.checks.base import Context
from ftgate.checks.places import Places
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found
from ftgate.values.review import is_from

_TOLD = 20


class Review:
    """Counts reviews of the content as it is: an edit voids them.

    The file of reviews is read beside the data, from the head: a review that comes with the pull request counts, and
    the finding names who gave how many. Whether that person may is for the repository's own rules on that file to say.
    """

    def __init__(self, context: Context) -> None:
        self._named = frozenset(context.data.generated_sources)
        self._share = context.data.review_share
        self._reviews = context.reviews
        self._last = context.reviews.last
        self._generated: dict[str, int] = {}
        self._places = Places()

    def see(self, example: Example) -> Iterator[Finding]:
        """Notes the digest of a generated example; one that was rejected is told."""
        if not (example.source or example.tags) or not is_from(example.source, example.tags, self._named):
            return
        digest = example.digest
        self._generated.setdefault(digest, self._places.keep(example.place))
        review = self._last.get(digest)
        if review is not None and review.verdict == "rejected":
            message = f"This example was rejected in a review by {review.by[:60]}."
            yield found("review", Severity.WARNING, example.place, message, "Correct it, or remove the line.")

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """The same for many examples; plain ones do not say where they come from."""
        for row in batch.whole:
            yield from self.see(batch.example(row))

    def merge(self, later: "Review", recall: Recall) -> Iterable[Finding]:
        """Adds."""
        kept = self._places.adopt(later._places, later._generated.values())
        for digest, place in zip(later._generated, kept, strict=True):
            self._generated.setdefault(digest, place)
        return ()

    def finish(self) -> Iterable[Finding]:
        """Coverage below the declared share; lines of the file of reviews that say nothing."""
        for line in self._reviews.bad_lines[:_TOLD]:
            place = Place(path=self._reviews.path, line=line)
            advice = "Write reviews with ftgate review --accept SHA --by NAME."
            yield found("review", Severity.WARNING, place, "This line is no review record.", advice)
        if not self._generated:
            return
        accepted = [
            digest
            for digest in self._generated
            if digest in self._last and self._last[digest].verdict == "accepted"
        ]
        count, share = len(accepted), len(accepted) / len(self._generated)
        if share >= self._share:
            return
        by = Counter(self._last[digest].by for digest in accepted)
        names = ", ".join(f"{name[:40]} {number}" for name, number in by.most_common(3))
        message = (
            f"{count} of {len(self._generated)} generated examples ({share:.1%}) have a review"
            f"{f' (by {names})' if names else ''}; {self._share:.0%} are wanted."
        )
        place = self._places.place(next(iter(self._generated.values())))
        advice = "Read the most diverse ones first: ftgate review."
        yield found("review", Severity.WARNING, place, message, advice)
