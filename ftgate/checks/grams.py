"""Word triples of many texts at once, as numbers: what `words` and `shingles` say of one text, in a tenth of the time.

A word is the sum of its bytes, each drawn from a table and weighted by its place in the word, modulo 2^64; a triple is
a mix of three words, 32 bits of it. Sums of all words come from one running sum over the text (the prefix sums of Rabin
and Karp), so that Python touches no word. Whoever builds a collision into a pull request gains a finding about it.
"""

import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from ftgate.checks.words import LETTERS_FROM, MOST, folded, letters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Wide = NDArray[np.uint64]
    Narrow = NDArray[np.uint32]
    Sizes = NDArray[np.int64]

_ODD = 0x9E3779B97F4A7C15
_TURNED = pow(_ODD, -1, 1 << 64)
_SECOND, _THIRD, _MIX = 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93
_BYTES = random.Random(42)  # noqa: S311 - a fixed table, not a secret
_TABLE = [_BYTES.getrandbits(64) | 1 for _ in range(256)]
TOGETHER = 1 << 16
"""Bytes that are looked at together: few, so that they stay in the cache."""
_SPACE = 32


class Grams(Struct, frozen=True):
    """Texts by row: `keys` tells the words of one from those of another, `sizes` counts its triples (one where there
    are fewer than three words, none where there is no word), and `flat` has the triples of all rows in a row."""

    keys: "Wide"
    sizes: "Sizes"
    flat: "Narrow"


def grams(texts: Sequence[str]) -> Grams:
    """The triples of every text."""
    import numpy as np

    parts = [_grams(chunk) for chunk in _chunks(texts)]
    if len(parts) == 1:
        return parts[0]
    return Grams(
        np.concatenate([part.keys for part in parts]) if parts else np.zeros(0, np.uint64),
        np.concatenate([part.sizes for part in parts]) if parts else np.zeros(0, np.int64),
        np.concatenate([part.flat for part in parts]) if parts else np.zeros(0, np.uint32),
    )


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text)
        if size >= TOGETHER:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _grams(texts: list[str]) -> Grams:
    sizes = [min(len(text), MOST) for text in texts]
    spaced = [folded(text) for text in texts]
    for row, size in enumerate(sizes):
        if size > LETTERS_FROM * (spaced[row].count(" ") + 1):  # words are no more than that
            spaced[row] = letters(spaced[row])
            sizes[row] = 0
    hashes, counts = _words(spaced)
    again = [row for row, size in enumerate(sizes) if size > LETTERS_FROM * max(int(counts[row]), 1)]
    if again:  # many spaces, few words
        for row in again:
            spaced[row] = letters(spaced[row])
        hashes, counts = _words(spaced)
    return _triples(hashes, counts)


def _words(texts: Sequence[str]) -> "tuple[Wide, Sizes]":
    """Every word of all texts as a number, and how many each text has."""
    import numpy as np

    raw = [text.encode("utf-8", "surrogatepass") for text in texts]
    joined = np.frombuffer(b"".join([b" ", b" ".join(raw), b" "]), np.uint8)
    space = joined == _SPACE
    starts = np.flatnonzero(space[:-1] & ~space[1:]) + 1
    ends = np.flatnonzero(~space[:-1] & space[1:]) + 1
    powers, turned = _powers(len(joined))
    sums = np.array(_TABLE, np.uint64)[joined]
    sums *= powers[: len(joined)]
    np.cumsum(sums, out=sums)
    hashes = (sums[ends - 1] - sums[starts - 1]) * turned[starts]
    borders = np.cumsum([1, *(len(text) + 1 for text in raw)])
    counts = np.diff(np.searchsorted(starts, borders))
    return mixed(hashes), counts


def _triples(hashes: "Wide", counts: "Sizes") -> Grams:
    import numpy as np

    rows = np.repeat(np.arange(len(counts)), counts)
    begins = np.cumsum(counts) - counts
    powers, turned = _powers(len(hashes) + 1)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(hashes * powers[: len(hashes)])])
    keys = mixed((sums[begins + counts] - sums[begins]) * turned[begins])
    second = np.append(hashes[1:], np.zeros(1, np.uint64)) * (np.append(rows[1:], -1) == rows)
    last = np.append(rows[2:], [-1, -1])[: len(rows)] == rows
    third = np.append(hashes[2:], np.zeros(2, np.uint64))[: len(rows)] * last
    triples = mixed(hashes + second * np.uint64(_SECOND) + third * np.uint64(_THIRD))
    last[begins[counts > 0]] = True  # a text of one or two words is one triple
    flat = (triples[last] >> np.uint64(32)).astype(np.uint32)
    return Grams(keys, np.where(counts > 2, counts - 2, np.minimum(counts, 1)), flat)


def mixed(numbers: "Wide") -> "Wide":
    """Every bit of a number made to matter for the high ones."""
    import numpy as np

    numbers = numbers ^ (numbers >> np.uint64(32))
    numbers *= np.uint64(_MIX)
    numbers ^= numbers >> np.uint64(29)
    return numbers


class _Powers:
    """Powers of an odd number modulo 2^64 and of its inverse: as many as were asked for, up to a limit for ever."""

    kept: "tuple[Wide, Wide] | None" = None


def _powers(count: int) -> "tuple[Wide, Wide]":
    import numpy as np

    kept = _Powers.kept
    if kept is None or len(kept[0]) < count:
        size = 1 << max(count, 2 * TOGETHER).bit_length()
        made = [
            np.concatenate([np.ones(1, np.uint64), np.cumprod(np.full(size - 1, base, np.uint64))])
            for base in (_ODD, _TURNED)
        ]
        kept = _Powers.kept = (made[0], made[1])
    return kept
