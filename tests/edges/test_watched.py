"""Progress by bytes on large files, and the same things read with it and without."""

import io
import os

from ftgate.edges.jsonl import read_jsonl
from ftgate.edges.watched import watched
from tests.edges.reading import GOOD, fifth
from tests.fakes import FakeProgress


def test_a_large_file_is_watched_to_its_last_byte() -> None:
    data, progress = fifth(b"{\n") * 1000, FakeProgress()
    stream = watched(read_jsonl, progress, least=1000)("f.jsonl", io.BytesIO(data))
    assert list(stream) == list(read_jsonl("f.jsonl", io.BytesIO(data)))
    assert stream.file.bytes == len(data)
    assert progress.tasks == [("reading, 1 MB", len(data))]
    assert progress.done == [len(data)]


def test_a_small_file_and_a_pipe_are_not() -> None:
    progress = FakeProgress()
    reader = watched(read_jsonl, progress, least=1000)
    assert len(list(reader("f.jsonl", io.BytesIO(GOOD)))) == 1
    readable, writable = os.pipe()
    with os.fdopen(readable, "rb") as stream:
        os.write(writable, GOOD * 50)
        os.close(writable)
        assert len(list(reader("f.jsonl", stream))) == 50
    assert progress.tasks == []
