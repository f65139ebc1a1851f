"""Reading of large files under the eyes of a person: bytes are counted a megabyte at a time, not line by line."""

import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from ftgate.values.batch import Batch
from ftgate.values.dataset import DataFile, Example
from ftgate.values.finding import Finding
from ftgate.values.settings import Level, Limits

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from ftgate.ports import DataStream, ExampleSchema, Progress, Reader, Task

LARGE = 50_000_000
"""Bytes from which reading is long enough to be shown."""
_CHUNK = 1 << 20
T = TypeVar("T")


def watched(reader: "Reader", progress: "Progress", least: int = LARGE) -> "Reader":
    """The reader, with progress on files of at least `least` bytes. What has no size, such as a pipe, has none."""

    def read(
        path: str,
        stream: BinaryIO,
        format: str = "auto",
        limits: Limits = Limits(),  # noqa: B008 - frozen
        blank_lines: Level = "warning",
        schema: "ExampleSchema | None" = None,
    ) -> "DataStream":
        size = _size(stream)
        if size < least:
            return reader(path, stream, format, limits, blank_lines, schema)
        counted = _Counted(stream)
        buffered = io.BufferedReader(counted, _CHUNK)
        inner = reader(path, cast(BinaryIO, buffered), format, limits, blank_lines, schema)
        return _Watched(inner, counted, size, progress)

    return read


def _size(stream: BinaryIO) -> int:
    try:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
    except OSError:
        return 0
    return size


class _Counted(io.RawIOBase):
    """Passes bytes on and tells the task how many."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.task: Task | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        raw = self._stream.read(len(view))
        view[: len(raw)] = raw
        if self.task:
            self.task.advance(len(raw))
        return len(raw)


class _Watched:
    """Port DataStream."""

    def __init__(self, stream: "DataStream", counted: _Counted, size: int, progress: "Progress") -> None:
        self._stream, self._counted, self._size, self._progress = stream, counted, size, progress

    def __iter__(self) -> Iterator[Example | Finding]:
        return self._shown(self._stream)

    def batches(self) -> Iterator[Batch | Finding]:
        return self._shown(self._stream.batches())

    def _shown(self, things: Iterable[T]) -> Iterator[T]:
        with self._progress.task(f"reading, {self._size / 1e6:,.0f} MB", self._size) as task:
            self._counted.task = task
            yield from things

    @property
    def file(self) -> DataFile:
        return self._stream.file
