"""How much of a reserved reply stands in training replies: twenty words in a row that nobody else says.

Replies repeat for good reasons: labels, JSON of one shape, phrases of politeness. So a run of words tells only where
one reserved reply has it and at most three training replies do, and not where most of it is wording that many reserved
replies share (a word before a fixed ending); replies that are JSON are not looked at. Prompts are
compared by thirteen words; of replies, which explain alike what is alike, thirteen say nothing: all four that GSM8K's
training and test sets share are phrases ("then find the number of days in 2 weeks 2 weeks * 7").
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from ftgate.checks.likeness import SHINGLE
from ftgate.checks.overlap import RESERVED_LEAST, RESERVED_SHARE, Near, is_wording
from ftgate.checks.turns import turn_place
from ftgate.checks.words import shingles, words
from ftgate.values.dataset import Example
from ftgate.values.finding import Place

RUN = 20
"""Words in a row."""
OFTEN = 3
"""Training replies that may share a run of words before it is a phrase."""
_RUNS_KEPT = 32


class Replies:
    """Reserved replies by number. Training examples are seen in order, what they share is read at the end."""

    def __init__(self, texts: Sequence[str]) -> None:
        owners: dict[str, set[int]] = {}
        triples: Counter[str] = Counter()
        for owner, text in enumerate(texts):
            for run in _runs(text):
                owners.setdefault(run, set()).add(owner)
            triples.update(set(shingles(words(text), SHINGLE)))
        most = max(RESERVED_SHARE * len(texts), RESERVED_LEAST)
        wording = {triple for triple, count in triples.items() if count > most}
        self._owners = {
            run: next(iter(found))
            for run, found in owners.items()
            if len(found) == 1 and not is_wording(run, wording)
        }
        self._seen: list[tuple[Place, list[str]]] = []
        self._counts: Counter[str] = Counter()

    def see(self, example: Example) -> None:
        """Notes what the replies of an example have in common with reserved ones."""
        if not self._owners:
            return
        for index, message in enumerate(example.messages):
            if message.role == "assistant" and message.content:
                found = [run for run in _runs(message.content) if run in self._owners]
                if found:
                    self._counts.update(set(found))
                    self._seen.append((turn_place(example, index), found[:_RUNS_KEPT]))

    def absorb(self, later: "Replies") -> None:
        """Takes over what was noted of the next part of the data."""
        self._seen.extend(later._seen)
        self._counts.update(later._counts)

    def found(self) -> Iterator[tuple[Near, str]]:
        """Training replies that have so many words in a row with a reserved one, and the words."""
        for place, runs in self._seen:
            rare = next((run for run in runs if self._counts[run] <= OFTEN), None)
            if rare is not None:
                yield Near(place, self._owners[rare]), rare


def _runs(text: str) -> list[str]:
    if text.lstrip()[:1] in ("{", "["):
        return []
    found = words(text)
    return shingles(found, RUN) if len(found) >= RUN else []
