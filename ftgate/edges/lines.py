"""Physical lines of a byte stream: counted, hashed, of bounded length, and able to be read again."""

import hashlib
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from msgspec import Struct

from ftgate.errors import OutsideError

MAX_LINE = 10_000_000
"""Bytes of a line that is still read, unless the settings say otherwise."""
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
    """Splits on LF only: U+2028 and CR are characters of a line. Holds one line at a time."""

    def __init__(self, path: str, stream: BinaryIO, longest: int = MAX_LINE) -> None:
        self._path = path
        self._stream = stream
        self._longest = longest
        self._again: deque[Line] = deque()
        self._sha256 = hashlib.sha256()
        self.count = 0
        self.bytes = 0
        self.ends_with_newline = True

    @property
    def sha256(self) -> str:
        """Digest of the bytes read so far, 64 hex digits."""
        return self._sha256.hexdigest()

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        if self._again:
            return self._again.popleft()
        start, raw = self.bytes, self._chunk()
        if not raw:
            raise StopIteration
        self.count += 1
        cut = len(raw) > self._longest
        if cut:
            self._skip(raw)
        return Line(self.count, start, raw, cut)

    def put_back(self, lines: Sequence[Line]) -> None:
        """The lines come again, in order, marked as such."""
        self._again.extendleft(
            Line(line.number, line.start, line.raw, line.cut, again=True) for line in reversed(lines)
        )

    def drain(self) -> None:
        """Reads to the end, for count and digest only."""
        for _ in self:
            pass

    def _chunk(self) -> bytes:
        try:
            raw = self._stream.readline(self._longest + 1)
        except OSError as exc:
            raise OutsideError(f"{self._path} could not be read: {exc}") from exc
        self._sha256.update(raw)
        self.bytes += len(raw)
        if raw:
            self.ends_with_newline = raw.endswith(b"\n")
        return raw

    def _skip(self, raw: bytes) -> None:
        while raw and not raw.endswith(b"\n"):
            raw = self._chunk()


def brackets(raw: bytes) -> int | None:
    """How many more objects and arrays a line opens than it closes; None when a string does not end on it."""
    rest = _STRING.sub(lambda match: b"" if match.group(1) else b'"', raw)
    if b'"' in rest:
        return None
    return rest.count(b"{") + rest.count(b"[") - rest.count(b"}") - rest.count(b"]")
