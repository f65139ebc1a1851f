"""Parts of a large file, cut where a line stands alone, so that each can be read without the others."""

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from ftgate.edges.formats import detect_format, messages_of
from ftgate.edges.jsonl import JsonlStream, Reading
from ftgate.edges.spread import parse_json
from ftgate.values.dataset import Example
from ftgate.values.finding import Place

_CHUNK = 1 << 20
_TRIES = 100


class Part(Struct, frozen=True):
    """The bytes of a file from `start` to `end`; `above` says what the lines before them have decided."""

    path: Path
    start: int
    end: int
    above: Reading | None


class _Window(io.RawIOBase):
    """Some bytes of a file, as if there were no others."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file, self._left = file, left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        data = self._file.read(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


Opener = Callable[[str, BinaryIO], JsonlStream]
"""The reader with all that is known of the data."""


def open_part(part: Part, file: BinaryIO, opener: Opener) -> JsonlStream:
    """A stream of the lines of one part."""
    file.seek(part.start)
    window = io.BufferedReader(_Window(file, part.end - part.start), _CHUNK)
    stream = opener(part.path.as_posix(), window).unhashed()
    if part.above:
        stream.resume(part.above)
    return stream


def cut(path: Path, count: int, opener: Opener) -> list[Part]:
    """At most `count` parts of about the same size; one, where the first line decides nothing about the others."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.readline(_CHUNK)
        stream = opener(path.as_posix(), io.BytesIO(head))
        things = list(stream)
        first = stream.reading
        starts = [0]
        if head.endswith(b"\n") and len(things) == 1 and isinstance(things[0], Example):
            starts += sorted({*_places(file, [size * n // count for n in range(1, count)], size)})
        parts = []
        line = 0
        for start, end in zip(starts, [*starts[1:], size], strict=True):
            above = Reading(first.format, first.shape, line, start) if start else None
            parts.append(Part(path, start, end, above))
            line += _newlines(file, start, end)
    return parts


def _places(file: BinaryIO, wanted: list[int], size: int) -> Iterator[int]:
    """Near each wanted place, the beginning of a line that is an object of a known format by itself."""
    for at in wanted:
        file.seek(at)
        at += len(file.readline(_CHUNK))
        for _ in range(_TRIES):
            line = file.readline(_CHUNK)
            value = parse_json(line)
            if isinstance(value, dict) and detect_format(value) and at < size:
                yield at
                break
            at += len(line)


def _newlines(file: BinaryIO, start: int, end: int) -> int:
    file.seek(start)
    count = 0
    while start < end and (data := file.read(min(_CHUNK, end - start))):
        count += data.count(b"\n")
        start += len(data)
    return count


def recall(path: str, line: int, start: int) -> Example:
    """Reads an example again that was read from this place before."""
    with Path(path).open("rb") as file:
        file.seek(start)
        value = parse_json(file.readline())
    format = detect_format(value) if isinstance(value, dict) else None
    assert format is not None, "the file has changed while it was read"
    return Example(
        place=Place(path=path, line=line, byte_offset=start),
        format=format,
        messages=messages_of(value, format),
        tools=tuple(value.get("tools", ())),
    )


def digest_of(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            sha256.update(data)
    return sha256.hexdigest()
