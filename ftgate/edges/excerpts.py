"""The part of a line that a finding means, read from the file again: only for findings that are shown."""

import re
from collections.abc import Iterable
from typing import BinaryIO

from ftgate.edges.json_scan import scan_json
from ftgate.values.finding import Excerpt, Finding

REACH = 16_384
"""Bytes on either side of the place: more than is shown, so that a secret is seen whole before it is cut."""
_SCANNED = 1_000_000  # bytes of a line in which a JSON Pointer is looked up
PLACED = 2_000
"""Lines of a file in which places are looked up."""
_CHUNK = 1 << 20
_ASKED = re.compile(rb'"(?:user|human)",\s*"(?:content|value)":\s*(?=")')


def excerpts(stream: BinaryIO, findings: Iterable[Finding]) -> dict[Finding, Excerpt]:
    """Excerpts of a seekable file. A place that the file no longer has gets none."""
    wanted = [finding for finding in findings if finding.line]
    starts = _starts(stream, {finding.line for finding in wanted if not finding.column})
    found: dict[Finding, Excerpt] = {}
    for finding in wanted:
        if finding.column:
            found[finding] = _around(stream, finding.byte_offset, finding.column)
        elif finding.line in starts:
            found[finding] = _pointed(stream, starts[finding.line], finding.pointer)
    return found


def places(stream: BinaryIO, findings: Iterable[Finding]) -> dict[Finding, tuple[int, int]]:
    """Column and byte offset of what the pointers of findings name, where these have no column yet.

    The first lines only, as many as `PLACED`: a line is scanned slowly.
    """
    by_line: dict[int, list[Finding]] = {}
    for finding in findings:
        if finding.line and finding.pointer and not finding.column:
            by_line.setdefault(finding.line, []).append(finding)
    wanted = sorted(by_line)[:PLACED]
    starts = {
        line: by_line[line][0].byte_offset for line in wanted if by_line[line][0].byte_offset or line == 1
    }
    starts |= _starts(stream, set(wanted) - starts.keys())
    found: dict[Finding, tuple[int, int]] = {}
    for line, start in sorted(starts.items()):
        text, values = _scanned(stream, start)
        for finding in by_line[line]:
            if (at := values.get(finding.pointer)) is not None:
                found[finding] = at + 1, start + len(text[:at].encode("utf-8", "surrogateescape"))
    return found


def _scanned(stream: BinaryIO, start: int) -> tuple[str, dict[str, int]]:
    """A line, and the character at which each value of it begins."""
    stream.seek(start)
    text = stream.readline(_SCANNED).decode("utf-8", "surrogateescape")
    bare = text.rstrip("\r\n").removeprefix("\ufeff")
    ahead = text.startswith("\ufeff")
    return text, {pointer: at + ahead for pointer, at in scan_json(bare).starts.items()}


def _starts(stream: BinaryIO, numbers: set[int]) -> dict[int, int]:
    """Byte offsets at which lines begin, in one pass that ends at the last of them."""
    starts: dict[int, int] = {}
    number, offset, last = 1, 0, max(numbers, default=0)
    stream.seek(0)
    begins = True
    while number <= last and (raw := stream.readline(_CHUNK)):
        if begins and number in numbers:
            starts[number] = offset
        offset += len(raw)
        begins = raw.endswith(b"\n")
        number += begins
    return starts


def _pointed(stream: BinaryIO, start: int, pointer: str) -> Excerpt:
    if pointer:
        text, values = _scanned(stream, start)
        if (at := values.get(pointer)) is not None:
            return _around(stream, start + len(text[:at].encode("utf-8", "surrogateescape")), at + 1)
    return _around(stream, start + _asked(stream, start), 0)


def _asked(stream: BinaryIO, start: int) -> int:
    """How far into a line the first question stands: a whole line is known by it, not by the system prompt."""
    stream.seek(start)
    question = _ASKED.search(stream.readline(REACH))
    return question.end() if question else 0


def _around(stream: BinaryIO, offset: int, column: int) -> Excerpt:
    first = max(0, offset - REACH)
    stream.seek(first)
    before = stream.read(offset - first)
    begins = first == 0 or b"\n" in before
    before = before[before.rfind(b"\n") + 1 :]
    if not begins:
        before = before.lstrip(bytes(range(0x80, 0xC0)))  # the rest of a character that was cut
    after, newline, _ = stream.read(REACH).partition(b"\n")
    shown = before.decode("utf-8", "surrogateescape") if column else ""
    return Excerpt(
        text=shown + after.removesuffix(b"\r").decode("utf-8", "surrogateescape"),
        at=len(shown) if column else None,
        column=column,
        begins=begins and (bool(column) or not before),
        ends=bool(newline) or len(after) < REACH,
    )
