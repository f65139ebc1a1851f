"""Mends what is mechanical in a JSONL file: byte order marks, CRLF, the final newline. Examples keep their bytes."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO

from ftgate.edges.lines import BOM
from ftgate.values.fix import Change, Fix, Mend

_CHUNK = 1 << 20
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class LeftAlone(Exception):
    """Why a file is not touched; the text is said to the person who named it."""


def fix_file(root: Path, path: str, *, dry_run: bool) -> Fix:
    """Mends one plain file below `root`, all of it or nothing; under `dry_run` only says what it would do."""
    file = root / path
    try:
        before = file.lstat()
        if not stat.S_ISREG(before.st_mode):
            raise LeftAlone("it is no plain file")
        if ".git" in file.resolve().parts:
            raise LeftAlone("it belongs to git")
        with file.open("rb") as source:
            if dry_run:
                return mended(path, source, None)
            return _replaced(path, file, before, source)
    except LeftAlone as reason:
        return Fix(path=path, left=str(reason))


def _replaced(path: str, file: Path, before: os.stat_result, source: BinaryIO) -> Fix:
    """Writes beside the file and renames, so that there is never half a file."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name[:100]}.", suffix=".fixed")
    try:
        with os.fdopen(handle, "wb") as target:
            fix = mended(path, source, target)
            target.flush()
            os.fchmod(target.fileno(), stat.S_IMODE(before.st_mode))
            os.fsync(target.fileno())
        now = file.lstat()
        if (now.st_ino, now.st_size, now.st_mtime_ns) != (before.st_ino, before.st_size, before.st_mtime_ns):
            raise LeftAlone("it was changed meanwhile")
        if fix.changes:
            Path(name).replace(file)
        return fix
    finally:
        Path(name).unlink(missing_ok=True)


def mended(path: str, source: BinaryIO, target: BinaryIO | None) -> Fix:
    """Copies what is read, mended. Raises LeftAlone for what is no JSONL at all."""
    mending = _Mending(target)
    while chunk := source.readline(_CHUNK):
        mending.take(chunk)
    mending.end()
    return Fix(
        path=path,
        sha256_before=mending.before.hexdigest(),
        sha256_after=mending.after.hexdigest(),
        bytes_before=mending.bytes_before,
        bytes_after=mending.bytes_after,
        changes=tuple(
            Change(what=what, lines=tuple((a, b) for a, b in ranges))
            for what, ranges in mending.ranges.items()
            if ranges
        ),
    )


class _Mending:
    """One pass. Carriage returns are held back until it is known whether the line ends behind them."""

    def __init__(self, target: BinaryIO | None) -> None:
        self._target = target
        self.before, self.after = hashlib.sha256(), hashlib.sha256()
        self.bytes_before = self.bytes_after = 0
        self.ranges: dict[Mend, list[list[int]]] = {what: [] for what in Mend}
        self._line = 0
        self._new_line = True
        self._at_start = True  # nothing of this line but byte order marks was seen
        self._has_text = False
        self._held = 0
        self._split = False  # a carriage return stands inside this line

    def take(self, chunk: bytes) -> None:
        """A line, or a part of a long one."""
        self.before.update(chunk)
        self.bytes_before += len(chunk)
        if b"\0" in chunk:
            raise LeftAlone("it holds NUL bytes, so it is no JSONL")
        if self._new_line:
            self._line += 1
            self._new_line, self._at_start, self._has_text = False, True, False
            self._held, self._split = 0, False
        ends = chunk.endswith(b"\n")
        body = chunk.removesuffix(b"\n")
        while self._at_start and body.startswith(BOM):
            body = body.removeprefix(BOM)
            if body.startswith(_UTF16_MARKS):
                raise LeftAlone("without its byte order mark it would pass for UTF-16")
            self._note(Mend.BYTE_ORDER_MARK)
        text = body.rstrip(b"\r")
        if text:
            self._split = self._split or self._held > 0 or b"\r" in text
            self._write(b"\r" * self._held + text)
            self._held, self._has_text = 0, True
        self._held += len(body) - len(text)
        self._at_start = self._at_start and not body
        if ends:
            if self._held:
                self._note(Mend.LINE_END)
            self._write(b"\n")
            self._new_line = True

    def end(self) -> None:
        """The end of the file. A last line with carriage returns inside may be a whole file of them: it stays."""
        if self._new_line:
            return
        if self._split:
            self._write(b"\r" * self._held)
            return
        if self._held:
            self._note(Mend.LINE_END)
        if self._has_text:
            self._note(Mend.FINAL_NEWLINE)
            self._write(b"\n")

    def _note(self, what: Mend) -> None:
        ranges = self.ranges[what]
        if ranges and ranges[-1][1] >= self._line - 1:
            ranges[-1][1] = self._line
        else:
            ranges.append([self._line, self._line])

    def _write(self, text: bytes) -> None:
        self.after.update(text)
        self.bytes_after += len(text)
        if self._target is not None:
            self._target.write(text)
