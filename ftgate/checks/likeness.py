"""Which prompts are almost the same: MinHash over word shingles of the user turns, shared wording left out.

Over whole conversations nearly all examples behind one system prompt are alike; a template inside the user turns does
the same on a smaller scale. So only user turns count, and shingles that a fifth of the examples share count for
nothing. Memory grows by at most 1.2 KB per distinct prompt; time is linear however many prompts are alike, because
every prompt is compared with the first of its bucket only.
"""

from array import array
from typing import TYPE_CHECKING

import xxhash
from msgspec import Struct

from ftgate.checks.grams import TOGETHER, grams
from ftgate.checks.places import Places
from ftgate.checks.rows import output_keys, user_texts
from ftgate.checks.sketches import Sketches
from ftgate.values.batch import Batch
from ftgate.values.dataset import Example
from ftgate.values.finding import Place

if TYPE_CHECKING:
    from ftgate.checks.grams import Narrow

SHINGLE = 3
"""Words in a shingle."""
ALIKE, ALIKE_SHORT = 0.7, 0.8
"""Share of common shingles (Jaccard) from which two prompts are almost the same. Among nine words another last one
leaves 0.75, and "if I lost my card" is not "if I lost my phone"."""
SHORT, SHORTEST = 15, 5
"""Shingles below which a prompt is short, or so short that nothing but the same words are almost the same."""


class Cluster(Struct, frozen=True):
    """Prompts that are almost the same, in the order of their lines, and 64 bits of the digest of each output."""

    places: tuple[Place, ...]
    outputs: tuple[int, ...]


class Rows(Struct):
    """Prompts with words, side by side: place, digest of the very text, of its words, and of the output; then how many
    shingles each has, and all of them in a row."""

    kept: list[int]
    exact: list[int]
    words: list[int]
    outputs: list[int]
    sizes: list[int]
    flat: "Narrow"


class Likeness:
    """Fed with every example in order; clusters are read at the end."""

    def __init__(self) -> None:
        self.examples = 0
        self._places = Places()
        self._found: list[Cluster] | None = None
        self._first: dict[int, int] = {}
        self._kept = array("Q")
        self._exact = array("Q")
        self._outputs = array("Q")
        self._parents = array("Q")
        self._sketches = Sketches()
        self._texts: list[str] = []
        self._waiting: list[tuple[int, int]] = []
        self._size = 0
        self._held: list[Rows] | None = None

    def add(self, example: Example) -> None:
        """Notes an example."""
        self.add_all(Batch.of((example,)))

    def add_all(self, batch: Batch) -> None:
        """Notes examples; the work is done for many at once."""
        self.examples += len(batch)
        self._found = None
        texts = list(map(str.strip, user_texts(batch)))
        self._texts.extend(texts)
        self._waiting.extend(
            zip(self._places.keep_lines(batch.path, batch.lines), output_keys(batch), strict=True)
        )
        self._size += sum(map(len, texts))
        if self._size >= TOGETHER:
            self._work()

    def remember_only(self) -> None:
        """For a part of the data: shingles are made, and compared once the parts are put together."""
        self._held = []

    def absorb(self, part: "Likeness") -> None:
        """Takes over what the next part has remembered."""
        self._work()
        self.examples += part.examples
        for rows in part.held:
            rows.kept = self._places.adopt(part._places, rows.kept)
            self._take(rows)

    @property
    def held(self) -> list[Rows]:
        """What was only remembered."""
        self._work()
        return self._held or []

    def _work(self) -> None:
        texts, self._texts, self._size = self._texts, [], 0
        waiting, self._waiting = self._waiting, []
        if not texts:
            return
        made = grams(texts)
        rows = Rows([], [], [], [], [], made.flat)
        told = zip(texts, waiting, made.keys.tolist(), made.sizes.tolist(), strict=True)
        for text, (kept, output), words, size in told:
            if size:
                rows.kept.append(kept)
                rows.exact.append(xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")))
                rows.words.append(words)
                rows.outputs.append(output)
                rows.sizes.append(size)
        if self._held is None:
            self._take(rows)
        else:
            self._held.append(rows)

    def _take(self, rows: Rows) -> None:
        """The very same text again is left out: duplicate and contradiction speak of it."""
        self._found = None
        new: list[tuple[int, int]] = []
        told = zip(rows.kept, rows.exact, rows.words, rows.outputs, strict=True)
        for row, (kept, exact, words, output) in enumerate(told):
            index = len(self._parents)
            first = self._first.setdefault(words, index)
            if first == index:
                new.append((row, index))
            elif self._exact[first] == exact:
                continue
            self._parents.append(first)
            self._kept.append(kept)
            self._exact.append(exact)
            self._outputs.append(output)
        self._sketches.add(new, rows.sizes, rows.flat)

    def clusters(self) -> list[Cluster]:
        """Two prompts and more that are almost the same; largest first, then by place."""
        self._work()
        if not self._parents:
            return []
        if self._found is None:
            for index, other in self._sketches.pairs(alike_from):
                self._join(index, other)
            self._found = self._clusters()
        return self._found

    def _clusters(self) -> list[Cluster]:
        members: dict[int, list[int]] = {}
        for index, parent in enumerate(self._parents):
            if parent != index:
                root = self._root(index)  # the first of its cluster
                members.setdefault(root, [root]).append(index)
        found = [
            Cluster(
                tuple(self._places.place(self._kept[index]) for index in group),
                tuple(self._outputs[index] for index in group),
            )
            for _, group in sorted(members.items())
        ]
        return sorted(found, key=lambda cluster: -len(cluster.places))

    def _root(self, index: int) -> int:
        parents = self._parents
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    def _join(self, one: int, other: int) -> None:
        first, second = sorted((self._root(one), self._root(other)))
        self._parents[second] = first


def alike_from(size: int) -> float:
    """The share of common shingles that a prompt of this many shingles needs."""
    return ALIKE if size >= SHORT else ALIKE_SHORT if size >= SHORTEST else 1.0
