"""Plain files in several processes: each sees parts of the data, this one puts together what they say."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from msgspec import Struct
from msgspec.structs import replace

from ftgate.checks import Checks
from ftgate.checks.base import Context, Unmergeable
from ftgate.edges.jsonl import JsonlStream, read_jsonl
from ftgate.edges.parts import Part, cut, digest_of, open_part, recall
from ftgate.edges.plain_files import files_below, open_streams
from ftgate.edges.watched import LARGE as SHOWN
from ftgate.edges.watched import watched
from ftgate.stages.sift import homed, in_order, sift
from ftgate.values.batch import Batch
from ftgate.values.dataset import DataFile
from ftgate.values.finding import Finding
from ftgate.values.settings import Level

if TYPE_CHECKING:
    from concurrent.futures import Future

    from ftgate.ports import ExampleSchema, Progress

LARGE = 64_000_000
"""Bytes of input from which several processes are worth their start."""

BY_SCHEMA = "schema"
"""The format of lines that only a schema describes."""
_LOOK = 0.25  # seconds

Outcome = tuple[tuple[DataFile, ...], tuple[Finding, ...]]


class Question(Struct, frozen=True, kw_only=True):
    """What is asked of plain files."""

    paths: tuple[Path, ...]
    format: str = "auto"
    context: Context
    levels: Mapping[str, Level] = {}
    schema: "ExampleSchema | None" = None
    digest: bool = True


class _Answer(Struct):
    file: DataFile
    findings: list[Finding]
    checks: Checks
    saw_crlf: bool


def validate(question: Question, jobs: int | None, progress: "Progress | None" = None) -> Outcome:
    """Files and findings: the same, however many processes are used. By default the cores, when there is much to do."""
    if jobs is None:
        large = sum(path.stat().st_size for path in files_below(question.paths)) >= LARGE
        jobs = len(os.sched_getaffinity(0)) if large else 1
    if jobs > 1 and Checks(question.context, question.levels).can_merge:
        try:
            return _in_parts(question, jobs, progress)
        except (Unmergeable, OSError):
            pass  # one process sees it all, and says what cannot be read
    reader = watched(partial(_read, question), progress) if progress else partial(_read, question)
    streams = open_streams(question.paths, reader, question.format, question.context.data)
    return sift(streams, Checks(question.context, question.levels))


def _read(question: Question, path: str, stream: BinaryIO, *_declared: object) -> JsonlStream:
    data = question.context.data
    if question.format == BY_SCHEMA:
        from ftgate.edges.schema_lines import SchemaStream

        opened: JsonlStream = SchemaStream(
            path, stream, "auto", data.limits, data.blank_lines, question.schema
        )
    else:
        opened = read_jsonl(path, stream, question.format, data.limits, data.blank_lines, question.schema)
    return opened if question.digest else opened.unhashed()


def _in_parts(question: Question, jobs: int, progress: "Progress | None" = None) -> Outcome:
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from multiprocessing import get_context

    files = files_below(question.paths)
    total = sum(path.stat().st_size for path in files)
    parts = [
        part
        for path in files
        for part in cut(
            path, max(1, round(jobs * path.stat().st_size / max(total, 1))), partial(_read, question)
        )
    ]
    spawn = get_context("spawn")
    read = spawn.Value("Q", 0)
    with (
        ProcessPoolExecutor(min(jobs, len(parts)), spawn, initializer=_share, initargs=(read,)) as pool,
        ThreadPoolExecutor(1) as beside,
    ):
        asked = [pool.submit(_part, question, part) for part in parts]
        digests = beside.submit(lambda: {path: digest_of(path) if question.digest else "" for path in files})
        if progress and total >= SHOWN:
            _watch(asked, read, total, progress)
        return _together(question, parts, asked, digests.result())


def _watch(asked: Sequence["Future[_Answer]"], read: Any, total: int, progress: "Progress") -> None:
    """Shows what all processes have read, until they are done."""
    from concurrent.futures import wait

    said = 0
    with progress.task(f"reading, {total / 1e6:,.0f} MB", total) as task:
        while wait(asked, timeout=_LOOK).not_done:
            said, before = read.value, said
            task.advance(said - before)
        task.advance(total - said)


_read_by_all: Any = None
"""In a process of the pool: how many bytes all of them have read."""


def _share(read: Any) -> None:
    global _read_by_all
    _read_by_all = read


class _Counted:
    """Passes on what a part is read by, and counts."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek = file.seek

    def read(self, size: int) -> bytes:
        raw = self._file.read(size)
        if _read_by_all is not None:
            with _read_by_all.get_lock():
                _read_by_all.value += len(raw)
        return raw


def _part(question: Question, part: Part) -> _Answer:
    checks = Checks(question.context, question.levels)
    checks.remember_only()
    findings: list[Finding] = []
    with part.path.open("rb") as file:
        stream = open_part(part, cast(BinaryIO, _Counted(file)), partial(_read, question))
        for thing in stream.batches():
            findings.extend(checks.see_all(thing) if isinstance(thing, Batch) else [thing])
        return _Answer(stream.file, findings, checks, stream.saw_crlf)


def _together(
    question: Question, parts: Sequence[Part], asked: Sequence["Future[_Answer]"], digests: Mapping[Path, str]
) -> Outcome:
    checks = Checks(question.context, question.levels)
    files: list[DataFile] = []
    findings: list[Finding] = []
    for path, group in groupby(zip(parts, asked, strict=True), key=lambda pair: pair[0].path):
        for part, future in group:
            answer = future.result()
            if part.above and answer.saw_crlf:
                raise Unmergeable  # told once a file, where it begins
            findings.extend(answer.findings)
            findings.extend(checks.merge(answer.checks, recall))
            files.append(
                _add(files.pop(), answer.file) if part.above else replace(answer.file, sha256=digests[path])
            )
    findings.extend(homed(checks.finish(), files, "."))
    return tuple(files), in_order(findings)


def _add(one: DataFile, more: DataFile) -> DataFile:
    return replace(
        one,
        bytes=one.bytes + more.bytes,
        lines=more.lines,
        examples=one.examples + more.examples,
        skipped=more.lines - one.examples - more.examples,
    )
