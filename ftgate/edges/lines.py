"""Physical lines of a byte stream: counted, hashed, of bounded length, and able to be read again."""

import hashlib
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from msgspec import Struct

from ftgate.errors import OutsideError

MAX_LINE = 10_000_000
"""Bytes of a line that is still read, unless the settings say otherwise."""
BLOCK = 1 << 19
"""Bytes that are read ahead where lines are taken in blocks: what every check does once a block weighs little."""
SPACE = b" \t\r\n"
BOM = b"\xef\xbb\xbf"

# The unterminated end is part of the pattern, so that no text is scanned twice (linear time).
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:(")|\\?\Z)', re.DOTALL)


class Line(Struct, frozen=True):
    """`number` counts from 1, `start` is the byte offset in the file, `raw` includes the line end.

    `cut` marks a line longer than the limit, of which only the beginning was kept; `again` one that was put back.
    """

    number: int
    start: int
    raw: bytes
    cut: bool = False
    again: bool = False

    @property
    def is_blank(self) -> bool:
        """Nothing but JSON's white space."""
        return not self.raw.strip(SPACE)


class Lines:
    """Splits on LF only: U+2028 and CR are characters of a line. Holds one line at a time, or one block.

    `block` is what was read ahead, `block_start` its offset in the file, and `at` the place in it that comes next.
    `refused` is for the reader: whether it took lines of this block for nothing, because one before them was refused.
    """

    def __init__(self, path: str, stream: BinaryIO, longest: int = MAX_LINE) -> None:
        self._path = path
        self._stream = stream
        self._longest = longest
        self._again: deque[Line] = deque()
        self._sha256: Any = hashlib.sha256()
        self._split: list[bytes] | None = None
        self._taken = 0
        self.block = b""
        self.block_start = 0
        self.at = 0
        self.count = 0
        self.start = 0
        self.bytes = 0
        self.ends_with_newline = True
        self.has_return = False
        self.refused = False

    def leave_digest_out(self) -> None:
        """Nothing is hashed from here on."""
        self._sha256 = None

    @property
    def sha256(self) -> str:
        """Digest of the bytes read so far, 64 hex digits; "" when it was left out."""
        return self._sha256.hexdigest() if self._sha256 else ""

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        if self._again:
            return self._again.popleft()
        start = self.start
        if self.at < len(self.block):
            raw = self.block[self.at : self.block.find(b"\n", self.at) + 1 or None]
            self.at += len(raw)
            self._taken += 1
        else:
            raw = self._chunk()
        if not raw:
            raise StopIteration
        self.count += 1
        self.start += len(raw)
        cut = len(raw) > self._longest
        if cut:
            self._skip(raw)
        return Line(self.count, start, raw, cut)

    def refill(self) -> bool:
        """Reads a block, when the last one is used up; False at the end."""
        if not self.waiting():
            self.block_start, self.at = self.start, 0
            self._split, self._taken, self.refused = None, 0, False
            self._read_block()
        return self.waiting()

    @property
    def whole(self) -> bool:
        """Whether all that is left of the block are lines of their own, none too long, and one at least."""
        return (
            self.ends_with_newline and len(self.block) <= self._longest and self.waiting() and not self._again
        )

    def waiting(self) -> bool:
        """Whether a line comes next for which nothing has to be read."""
        return bool(self._again) or self.at < len(self.block)

    def ahead(self) -> list[bytes]:
        """The rest of the block, each line without its end, but not one that is cut; nothing while lines come again."""
        if self._again:
            return []
        if self._split is None:
            self._split, self._taken = self.block[self.at :].split(b"\n"), 0
            if not self._split[-1]:
                del self._split[-1]
            if self._split and len(self._split[-1]) >= self._longest:
                del self._split[-1]
        return self._split[self._taken :]

    def skip(self, lines: int, size: int) -> None:
        """The first lines of those ahead have been dealt with; `size` is their number of bytes, or one more where the
        last one has no end."""
        size = min(size, len(self.block) - self.at)
        self.at += size
        self._taken += lines
        self.count += lines
        self.start += size

    def put_back(self, lines: Sequence[Line]) -> None:
        """The lines come again, in order, marked as such."""
        self._again.extendleft(
            Line(line.number, line.start, line.raw, line.cut, again=True) for line in reversed(lines)
        )

    def drain(self) -> None:
        """Reads to the end, for count and digest only."""
        for _ in self:
            pass

    def _read_block(self) -> None:
        """A line that is too long is the last one: the rest of it is no other line."""
        try:
            whole = self._stream.read(max(1, min(BLOCK, self._longest)))
            if whole and not whole.endswith(b"\n"):
                whole += self._stream.readline(self._longest + 1)
        except OSError as exc:
            raise OutsideError(f"{self._path} could not be read: {exc}") from exc
        self.block, self.has_return = whole, b"\r" in whole
        self._note(whole)

    def _chunk(self) -> bytes:
        try:
            raw = self._stream.readline(self._longest + 1)
        except OSError as exc:
            raise OutsideError(f"{self._path} could not be read: {exc}") from exc
        self._note(raw)
        return raw

    def _note(self, raw: bytes) -> None:
        if self._sha256:
            self._sha256.update(raw)
        self.bytes += len(raw)
        if raw:
            self.ends_with_newline = raw.endswith(b"\n")

    def _skip(self, raw: bytes) -> None:
        while raw and not raw.endswith(b"\n"):
            raw = self._chunk()
            self.start += len(raw)


def brackets(raw: bytes) -> int | None:
    """How many more objects and arrays a line opens than it closes; None when a string does not end on it."""
    rest = _STRING.sub(lambda match: b"" if match.group(1) else b'"', raw)
    if b'"' in rest:
        return None
    return rest.count(b"{") + rest.count(b"[") - rest.count(b"}") - rest.count(b"]")


class Stretch(Struct):
    """Adjacent lines with the same flaw, told in one finding."""

    kind: str
    first: Line
    last: int
    count: int = 1
