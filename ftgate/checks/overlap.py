"""How much of a reserved prompt stands in training prompts: nearly all of it, or thirteen words in a row.

Both are counted without wording. A triple of words that more than 3 and more than 10 % of the reserved prompts have, or
more than 10 and more than 20 % of the training prompts, counts for nothing; neither do thirteen words that more than 10
different training prompts have, nor those of which half the triples are wording: where a template follows a question,
one word of the question and twelve of the template are thirteen that few have. Without such a cut-off most of what
overlap finds is the way everybody asks.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import xxhash
from msgspec import Struct

from ftgate.checks.likeness import ALIKE, SHINGLE, SHORTEST, alike_from
from ftgate.checks.sketches import SHARED
from ftgate.checks.words import shingles, words
from ftgate.values.dataset import Example
from ftgate.values.finding import Place

RUN = 13
"""Words in a row that two texts have by chance hardly ever, unless both quote something."""
FREQUENT = 10
"""Different training prompts that may share words before these are wording. Copies of one prompt count once."""
RESERVED_SHARE, RESERVED_LEAST = 0.1, 3
"""Share and number of reserved prompts from which a shingle is wording."""
_RUNS_KEPT = 32


class Near(Struct, frozen=True):
    """A training line and the reserved prompt that it is close to; `share` of common shingles, 0 for a run of words."""

    place: Place
    reserved: int
    share: float = 0.0


class _Candidate(Struct, frozen=True):
    place: Place
    reserved: int
    size: int
    common: tuple[str, ...]


class Overlap:
    """Reserved prompts by number. Training examples are seen in order, what they share is read at the end."""

    def __init__(self, texts: Sequence[str]) -> None:
        found = [words(text) for text in texts]
        self._prompts: dict[str, list[int]] = {}
        self._sets = [set(shingles(w, SHINGLE)) for w in found]
        self._wording = self._index(self._sets, self._prompts)
        self._runs: dict[str, list[int]] = {}
        self._index([set(shingles(w, RUN)) if len(w) >= RUN else set() for w in found], self._runs)
        self._candidates: list[_Candidate] = []
        self._with_runs: list[tuple[Place, list[str]]] = []
        self._counts: Counter[str] = Counter()
        self._run_counts: Counter[str] = Counter()
        self._texts: dict[int, tuple[list[str], list[str]]] = {}
        self._examples = 0
        self._in_parts = False

    def see(self, example: Example) -> None:
        """Notes what an example has in common with reserved prompts."""
        if not self._sets:
            return
        self._examples += 1
        found = words(example.user_text)
        grams = set(shingles(found, SHINGLE))
        known = [gram for gram in grams if gram in self._prompts]
        if not known:
            return
        runs = [r for r in shingles(found, RUN) if r in self._runs] if len(found) >= RUN else []
        key = xxhash.xxh3_64_intdigest(" ".join(found).encode("utf-8", "surrogatepass"))
        self._count(key, known, runs)
        if candidate := self._nearest(example.place, grams, known):
            self._candidates.append(candidate)
        elif runs:
            self._with_runs.append((example.place, runs[:_RUNS_KEPT]))

    def remember_only(self) -> None:
        """For a part of the data: what every text has in common is kept, as the next part may have the text too."""
        self._in_parts = True

    def absorb(self, later: "Overlap") -> None:
        """Takes over what was noted of the next part of the data."""
        self._examples += later._examples
        for key, (known, runs) in later._texts.items():
            self._count(key, known, runs)
        self._candidates.extend(later._candidates)
        self._with_runs.extend(later._with_runs)

    def _count(self, key: int, known: list[str], runs: list[str]) -> None:
        if key not in self._texts:
            self._texts[key] = (known, runs) if self._in_parts else ([], [])
            self._counts.update(known)
            self._run_counts.update(set(runs))

    def near(self) -> Iterator[Near]:
        """Training lines that are nearly a reserved prompt."""
        wording = self._shared()
        sizes = [len(found - wording) for found in self._sets]
        for one in self._candidates:
            common = sum(gram not in wording for gram in one.common)
            size = one.size - len(one.common) + common
            if sizes[one.reserved] < SHORTEST or not common:
                continue
            share = common / (size + sizes[one.reserved] - common)
            if share >= alike_from(min(size, sizes[one.reserved])):
                yield Near(one.place, one.reserved, share)

    def runs(self) -> Iterator[tuple[Near, str]]:
        """Training lines that have thirteen words in a row with a reserved prompt, and the words."""
        wording = self._shared()
        for place, runs in self._with_runs:
            rare = (run for run in runs if self._run_counts[run] <= FREQUENT)
            said = next((run for run in rare if not is_wording(run, wording)), None)
            if said is not None:
                yield Near(place, self._runs[said][0]), said

    def _shared(self) -> set[str]:
        """The triples that are wording, in the reserved prompts or in those of training."""
        most = max(SHARED * self._examples, FREQUENT)
        return self._wording | {gram for gram, count in self._counts.items() if count > most}

    def _nearest(self, place: Place, grams: set[str], known: list[str]) -> _Candidate | None:
        counts = Counter(owner for gram in known for owner in self._prompts[gram])
        reserved, shared = max(counts.items(), key=lambda item: (item[1], -item[0]))
        own = sum(gram not in self._wording for gram in grams)
        theirs = sum(gram not in self._wording for gram in self._sets[reserved])
        if shared / (own + theirs - shared) < ALIKE:
            return None
        common = tuple(gram for gram in known if reserved in self._prompts[gram])
        return _Candidate(place, reserved, own, common)

    def _index(self, sets: Sequence[set[str]], into: dict[str, list[int]]) -> set[str]:
        """Fills `into` with the owners of every shingle; returns those that are wording, which it leaves out."""
        for owner, found in enumerate(sets):
            for gram in found:
                into.setdefault(gram, []).append(owner)
        most = max(RESERVED_SHARE * len(sets), RESERVED_LEAST)
        wording = {gram for gram, owners in into.items() if len(owners) > most}
        for gram in wording:
            del into[gram]
        return wording


def is_wording(run: str, wording: set[str]) -> bool:
    """Whether more than half of the triples of a run of words are wording."""
    grams = shingles(run.split(" "), SHINGLE)
    return 2 * sum(gram in wording for gram in grams) > len(grams)
