"""MinHash sketches of many prompts, and which of them are near: rensa makes them, numpy finds those that share a band.

Wording that many prompts share is found block by block, in the order of the prompts, so that it is the same however
the prompts came in.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from struct import Struct as Layout
from typing import TYPE_CHECKING

from rensa import RMinHash

from ftgate.checks.grams import mixed

if TYPE_CHECKING:
    from ftgate.checks.grams import Narrow, Sizes, Wide

SHARED, SHARED_LEAST, SHARED_FEW = 0.2, 30, 0.6
"""Share and number of examples from which a shingle is a template's, not a prompt's; among few, the larger share."""
_HASHES, _BANDS, _SEED = 128, 16, 42
_BLOCK, _SAMPLE = 2000, 286  # every seventh: short cycles in the data are sampled evenly
_PENDING = 1_000_000
"""Shingles of a block at most: long prompts make short blocks."""
_CHUNK = 64
"""Prompts that are sketched together: few, so that what is made of them stays in the cache."""
_COMPARED = 8192
_SIZES = 64  # what holds of so many shingles holds of more
_DOUBT = 0.15
"""By how much a sketch may be wrong: four standard deviations. A prompt with no more shingles than its sketch has
numbers keeps them, and is compared by them."""
_WIDEN = 0x9E3779B97F4A7C15
_DIGEST = Layout(f"{_HASHES}I")


class Sketches:
    """Fed with the shingles of prompts in order; 0.5 to 1 KB is kept of each."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._sizes: list[int] = []
        self._pieces: list[Narrow] = []
        self._template: Narrow | list[int] = []
        self._pending = 0
        self._owners = array("Q")
        self._owned = array("Q")
        self._digests = array("I")
        self._kept = array("I")
        self._starts = array("Q", [0])

    def add(self, new: Sequence[tuple[int, int]], sizes: Sequence[int], flat: "Narrow") -> None:
        """The rows of `flat` that are named, each with the number that its prompt is known by from now on."""
        import numpy as np

        if len(new) < len(sizes):
            wanted = np.zeros(len(sizes), bool)
            wanted[[row for row, _ in new]] = True
            flat = flat[np.repeat(wanted, sizes)]
        self._rows.extend(index for _, index in new)
        self._sizes.extend(sizes[row] for row, _ in new)
        self._pieces.append(flat)
        self._pending += len(flat)
        while count := self._full():
            self._flush(count)

    def pairs(self, alike_from: Callable[[int], float]) -> Iterator[tuple[int, int]]:
        """Prompts, and the first of a bucket that each is near: by `alike_from` the fewer shingles of the two."""
        import numpy as np

        self._flush(len(self._rows))
        if not self._owners:
            return
        sketches = np.frombuffer(self._digests, np.uint32).reshape(-1, _HASHES)
        sizes = np.minimum(np.frombuffer(self._owned, np.uint64), _SIZES - 1).astype(np.int64)
        by_size = np.array([alike_from(size) for size in range(_SIZES)])
        for one, other in _sharing(sketches):
            share = (sketches[one] == sketches[other]).mean(axis=1)
            least = by_size[np.minimum(sizes[one], sizes[other])]
            near = share >= least - _DOUBT
            told = one[near].tolist(), other[near].tolist(), share[near].tolist(), least[near].tolist()
            for a, b, estimate, needed in zip(*told, strict=True):
                exact = self._share(a, b)
                if (estimate if exact is None else exact) >= needed:
                    yield self._owners[a], self._owners[b]

    def _share(self, one: int, other: int) -> float | None:
        """The share of common shingles; None where one of the two is too long to have kept them."""
        found = [set(self._kept[self._starts[row] : self._starts[row + 1]]) for row in (one, other)]
        return len(found[0] & found[1]) / len(found[0] | found[1]) if all(found) else None

    def _full(self) -> int:
        """How many prompts the next block has; 0 while it still grows."""
        if len(self._rows) < _BLOCK and self._pending <= _PENDING:
            return 0
        sums = accumulate(self._sizes[:_BLOCK])
        return next((row for row, total in enumerate(sums, 1) if total > _PENDING), _BLOCK)

    def _flush(self, count: int) -> None:
        import numpy as np

        if not count:
            return
        sizes = np.array(self._sizes[:count])
        flat = np.concatenate(self._pieces)
        size = int(sizes.sum())
        self._pieces, self._pending = [flat[size:].copy()], len(flat) - size
        flat = flat[:size]
        rows, self._rows, self._sizes = self._rows[:count], self._rows[count:], self._sizes[count:]
        self._template = np.union1d(self._template, _shared(flat, sizes)).astype(np.uint32)
        if len(self._template):
            kept = ~np.isin(flat, self._template)
            sizes = np.diff(np.append(0, np.cumsum(kept))[np.append(0, np.cumsum(sizes))])
            flat = flat[kept]
        self._sketch(rows, sizes, flat)

    def _sketch(self, rows: Sequence[int], sizes: "Sizes", flat: "Narrow") -> None:
        import numpy as np

        left = np.flatnonzero(sizes)
        self._owners.extend(rows[row] for row in left.tolist())
        self._owned.extend(sizes[left].tolist())
        short = sizes <= _HASHES
        self._kept.frombytes(flat[np.repeat(short, sizes)].tobytes())
        self._starts.extend((self._starts[-1] + np.cumsum(sizes[left] * short[left])).tolist())
        wide = flat.astype(np.uint64) * np.uint64(_WIDEN)
        ends = np.append(0, np.cumsum(sizes[left]))
        for start in range(0, len(left), _CHUNK):
            cut = ends[start : start + _CHUNK + 1]
            runs, ends_here = wide[cut[0] : cut[-1]], (cut - cut[0]).astype(np.uint64)
            made = RMinHash.digest_matrix_from_flat_token_hashes(runs, ends_here, _HASHES, _SEED)
            self._digests.frombytes(b"".join([_DIGEST.pack(*row) for row in made.to_rows()]))


def _shared(flat: "Narrow", sizes: "Sizes") -> "Narrow":
    """Shingles of a template: those that many prompts of a sample have."""
    import numpy as np

    step = -(-len(sizes) // _SAMPLE)
    taken = np.arange(len(sizes)) % step == 0
    owners = np.repeat(np.arange(len(sizes), dtype=np.uint64), sizes * taken)
    sample = flat[np.repeat(taken, sizes)]
    once = _distinct(owners << np.uint64(32) | sample) & np.uint64(0xFFFFFFFF)
    shingles, counts = np.unique(once.astype(np.uint32), return_counts=True)
    number = int(taken.sum())
    few = max(SHARED_FEW * number, 5)
    return shingles[counts >= max(SHARED * number, min(few, SHARED_LEAST))]


def _distinct(numbers: "Wide") -> "Wide":
    """In order; sorting is faster than numpy's own way."""
    import numpy as np

    ordered = np.sort(numbers)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def _sharing(sketches: "Narrow") -> "Iterator[tuple[Sizes, Sizes]]":
    """Every prompt with the first of each bucket that it is in, once."""
    import numpy as np

    wide = sketches.view(np.uint64).reshape(len(sketches), _BANDS, -1)
    found = []
    rows = np.arange(len(sketches), dtype=np.uint64)
    for band in range(_BANDS):
        keys = mixed(mixed(mixed(wide[:, band, 0]) + wide[:, band, 1]) + wide[:, band, 2]) + wide[:, band, 3]
        order = np.argsort(keys, kind="stable")
        begins = np.append(True, keys[order][1:] != keys[order][:-1])
        firsts = order[begins][np.cumsum(begins) - 1]
        later = ~begins
        found.append(rows[order[later]] << np.uint64(32) | rows[firsts[later]])
    pairs = _distinct(np.concatenate(found))
    for start in range(0, len(pairs), _COMPARED):
        some = pairs[start : start + _COMPARED]
        yield (some >> np.uint64(32)).astype(np.int64), (some & np.uint64(0xFFFFFFFF)).astype(np.int64)
