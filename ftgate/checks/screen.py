"""Which texts of a batch may hold something: one linear pass over all of them at once.

Python's own engine is an order of magnitude slower than google-re2 at this, and re2 takes linear time whatever the
text. Two engines, one answer: where hyperscan is installed too, it is asked instead, because it is faster still.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import accumulate

from ftgate.values.batch import Batch

_BETWEEN = b"\n\n\n"  # no pattern spans lines
Ends = Callable[[bytes], Iterable[int]]


class Screen:
    """Patterns without assertions; the engine is loaded when it is first needed."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = sorted(set(patterns))

    def rows(self, batch: Batch) -> list[int]:
        """Rows in which a pattern matches, and all that are not plain; every row where there is no engine."""
        if self._find is None:
            return list(range(len(batch)))
        texts = list(map(str.encode, batch.joined))
        hits = sorted(self._find(_BETWEEN.join(texts)))
        whole = [row for row, roles in enumerate(batch.roles) if roles is None] if None in batch.roles else []
        return sorted({*whole, *_rows(texts, hits)}) if hits or whole else []

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
    return lambda text: [match.start() for match in find(text)]


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
