"""Which texts of a batch may hold something: one linear pass over all of them at once.

Python's own engine is an order of magnitude slower than google-re2 at this, and re2 takes linear time whatever the
text. Two engines, one answer: where hyperscan is installed too, it is asked instead, because it is faster still.
"""

import importlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import accumulate

from ftgate.values.batch import Batch

_BETWEEN = b"\n\n\n"  # no pattern spans lines
_ESCAPED, _BEGINS = r"\\u00[2-7]", b"\\u00"
"""An ASCII character that is written as an escape in JSON."""
Ends = Callable[[bytes], Iterable[int]]


class Screen:
    """Patterns without assertions, of characters that JSON needs not escape; the engine is loaded when it is first
    needed."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = sorted({*patterns, _ESCAPED})

    def rows(self, batch: Batch) -> list[int]:
        """Rows in which a pattern matches, and all that are not plain; every row where there is no engine.

        The bytes of the file are screened where the batch has them, which costs nothing per row.
        """
        if self._find is None:
            return list(range(len(batch)))
        hits = self._in_block(batch, self._find) if batch.block else None
        if hits is None:
            texts = [b"\0".join(map(str.encode, line)) for line in batch.texts]
            hits = set(_rows(texts, sorted(self._find(_BETWEEN.join(texts)))))
        hits.update(batch.whole)
        return sorted(hits)

    def _in_block(self, batch: Batch, find: Ends) -> set[int] | None:
        """None when a character of a text may be written as an escape."""
        block, start = batch.block, batch.start
        ends = sorted(find(block))
        if any(block.rfind(_BEGINS, end - 4, end) >= 0 for end in ends):
            return None
        rows = {bisect_right(batch.offsets, start + end) - 1 for end in ends}
        rows.discard(-1)
        return rows

    @cached_property
    def _find(self) -> Ends | None:
        return _hyperscan(self._patterns) or _re2("|".join(self._patterns))


def _rows(texts: list[bytes], hits: list[int]) -> Iterator[int]:
    """The rows in which places of the joined texts lie."""
    ends = accumulate(len(text) + len(_BETWEEN) for text in texts)
    row, end = 0, next(ends)
    for hit in hits:
        while hit >= end:
            row, end = row + 1, next(ends)
        yield row


def _re2(pattern: str) -> Ends | None:
    try:
        re2 = importlib.import_module("re2")
    except ImportError:
        return None
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    find = re2.compile(pattern.encode(), options).finditer
    return lambda text: [match.end() - 1 for match in find(text)]


def _hyperscan(patterns: list[str]) -> Ends | None:
    try:
        hyperscan = importlib.import_module("hyperscan")
    except ImportError:
        return None
    database = hyperscan.Database()
    database.compile(expressions=[pattern.encode() for pattern in patterns])

    def find(text: bytes) -> list[int]:
        ends: list[int] = []
        database.scan(
            text, match_event_handler=lambda _id, _start, end, _flags, _context: ends.append(end - 1)
        )
        return ends

    return find
