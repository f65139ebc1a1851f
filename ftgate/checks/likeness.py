"""Which prompts are almost the same: MinHash over word shingles of the user turns, shared wording left out.

Over whole conversations nearly all examples behind one system prompt are alike; a template inside the user turns does
the same on a smaller scale. So only user turns count, and shingles that a fifth of the examples share count for
nothing. Memory grows by about 4 KB per distinct prompt; time is linear however many prompts are alike, because every
prompt is compared with the first of its bucket only.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from struct import Struct as Layout

import xxhash
from msgspec import Struct
from rensa import RMinHash

from ftgate.checks.places import Places
from ftgate.checks.turns import output_keys, user_texts
from ftgate.checks.words import shingles, words
from ftgate.values.batch import Batch
from ftgate.values.dataset import Example
from ftgate.values.finding import Place

SHINGLE = 3
"""Words in a shingle."""
ALIKE, ALIKE_SHORT = 0.7, 0.8
"""Share of common shingles (Jaccard) from which two prompts are almost the same. Among nine words another last one
leaves 0.75, and "if I lost my card" is not "if I lost my phone"."""
SHORT, SHORTEST = 15, 5
"""Shingles below which a prompt is short, or so short that nothing but the same words are almost the same."""
SHARED, SHARED_LEAST, SHARED_FEW = 0.2, 30, 0.6
"""Share and number of examples from which a shingle is a template's, not a prompt's; among few, the larger share."""
_HASHES, _BANDS, _SEED = 128, 16, 42
_BLOCK, _SAMPLE = (
    2000,
    286,
)  # every seventh: short cycles in the data are sampled evenly
_CHUNK = 64
"""Prompts whose shingles are in memory together: few, so that they stay in the cache."""
_PENDING = 1_000_000
"""Words of a block at most: long prompts make short blocks."""
_DIGEST = Layout(f"{_HASHES}I")
_BANDED = Layout(f"{4 * _HASHES // _BANDS}s" * _BANDS)


class Cluster(Struct, frozen=True):
    """Prompts that are almost the same, in the order of their lines, and 64 bits of the digest of each output."""

    places: tuple[Place, ...]
    outputs: tuple[int, ...]


class Likeness:
    """Fed with every example in order; clusters are read at the end."""

    def __init__(self) -> None:
        self.examples = 0
        self._places = Places()
        self._found: list[Cluster] | None = None
        self._block: list[tuple[int, list[str]]] = []
        self._pending = 0
        self._template: set[str] = set()
        self._first: dict[int, int] = {}
        self._kept = array("Q")
        self._exact = array("Q")
        self._outputs = array("Q")
        self._parents = array("Q")
        self._sketches: dict[int, RMinHash] = {}
        self._tables: list[dict[bytes, int]] = [{} for _ in range(_BANDS)]

    def add(self, example: Example) -> None:
        """Notes an example."""
        self.add_all(Batch.of((example,)))

    def add_all(self, batch: Batch) -> None:
        """Notes examples; the work is done for many at once."""
        self.examples += len(batch)
        for row, text in enumerate(user_texts(batch)):
            self._add(text.strip(), batch, row)

    def _add(self, text: str, batch: Batch, row: int) -> None:
        found = words(text)
        if not found:
            return
        index = len(self._parents)
        exact = xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))
        folded = xxhash.xxh3_64_intdigest(" ".join(found).encode("utf-8", "surrogatepass"))
        first = self._first.setdefault(folded, index)
        if first != index and self._exact[first] == exact:
            return  # the very same text: duplicate and contradiction speak of it
        self._found = None
        self._parents.append(first)
        self._kept.append(self._places.keep(batch.place(row)))
        self._exact.append(exact)
        self._outputs.append(output_keys(batch)[row])
        if first == index:
            self._block.append((index, found))
            self._pending += len(found)
            if len(self._block) == _BLOCK or self._pending > _PENDING:
                self._flush()

    def clusters(self) -> list[Cluster]:
        """Two prompts and more that are almost the same; largest first, then by place."""
        if self._block or self._found is None:
            self._flush()
            self._found = self._clusters()
        return self._found

    def _clusters(self) -> list[Cluster]:
        members: dict[int, list[int]] = {}
        for index in range(len(self._parents)):
            members.setdefault(self._root(index), []).append(index)
        found = [
            Cluster(
                tuple(self._places.place(self._kept[index]) for index in group),
                tuple(self._outputs[index] for index in group),
            )
            for group in members.values()
            if len(group) > 1
        ]
        return sorted(found, key=lambda cluster: -len(cluster.places))

    def _flush(self) -> None:
        block, self._block, self._pending = self._block, [], 0
        step = -(-len(block) // _SAMPLE) or 1
        self._template |= shared([set(shingles(found, SHINGLE)) for _, found in block[::step]])
        for start in range(0, len(block), _CHUNK):
            self._sketch(block[start : start + _CHUNK])

    def _sketch(self, chunk: list[tuple[int, list[str]]]) -> None:
        runs = [shingles(found, SHINGLE) for _, found in chunk]
        if template := self._template:
            runs = [[run for run in found if run not in template] for found in runs]
        kept = [(index, len(found)) for (index, _), found in zip(chunk, runs, strict=True) if found]
        sketches = RMinHash.from_token_sets([found for found in runs if found], _HASHES, _SEED)
        for (index, size), sketch in zip(kept, sketches, strict=True):
            self._link(index, sketch, alike_from(size))

    def _link(self, index: int, sketch: RMinHash, alike: float) -> None:
        bands = _BANDED.unpack(_DIGEST.pack(*sketch.digest()))
        seen = {table.setdefault(band, index) for table, band in zip(self._tables, bands, strict=True)}
        self._sketches[index] = sketch
        seen.discard(index)
        for other in seen:
            if sketch.jaccard(self._sketches[other]) >= alike:
                self._join(index, other)

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


def shared(sample: Sequence[set[str]]) -> set[str]:
    """Shingles of a template: those that many prompts of a sample have."""
    counts = Counter(run for found in sample for run in found)
    few = max(SHARED_FEW * len(sample), 5)
    least = max(SHARED * len(sample), min(few, SHARED_LEAST))
    return {run for run, count in counts.items() if count >= least}
