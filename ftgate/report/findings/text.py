"""Text for a terminal: by file, the same once, with the place in the line; then proof of what was read."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from ftgate.report.findings.base import FindingsReport
from ftgate.report.quote import columns, fit, one_line, terminal
from ftgate.report.wording import count, ranges, severities, short
from ftgate.values.dataset import DataFile
from ftgate.values.finding import Excerpt, Finding, Severity

Style = Literal["plain", "heading", "dim", "error", "warning", "notice", "check", "caret"]

WIDTH = 100
_PER_CHECK = 10
_FILES = 100
_READ = 20
_MESSAGE = 300
_SPANS = 40
_INDENT = 12
_STYLES: dict[Severity, Style] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTICE: "notice",
}


class Span(NamedTuple):
    """Part of a line, safe to print as it is, and how it is meant."""

    style: Style
    text: str


Spans = tuple[Span, ...]


def render(report: FindingsReport) -> str:
    """The lines without styles."""
    return "".join(f"{''.join(span.text for span in line)}\n" for line in lines(report))


def shown(report: FindingsReport) -> list[Finding]:
    """The findings that stand for themselves or for others that say the same: only these need an excerpt."""
    found = list(report.by_file().values())[:_FILES]
    return [alike[0] for each in found for part in _parts(each) for alike in _capped(part)]


def lines(report: FindingsReport, width: int = WIDTH) -> list[Spans]:
    """Files with findings, what was read, and a last line that counts both."""
    by_file = {path: found for path, found in report.by_file().items() if found}
    said: set[str] = set()
    made: list[Spans] = []
    for path, found in list(by_file.items())[:_FILES]:
        made += [(Span("heading", terminal(path)),), *_file(report, found, said, width), ()]
    if len(by_file) > _FILES:
        made += [(Span("dim", f"and {count(len(by_file) - _FILES, 'more file')} with findings"),), ()]
    return [*made, *_read(report.files), *_total(report)]


def _parts(found: Sequence[Finding]) -> Iterator[list[Finding]]:
    """What is new here, then what stands on the base branch already."""
    yield [finding for finding in found if not finding.existing]
    yield [finding for finding in found if finding.existing]


def _file(report: FindingsReport, found: Sequence[Finding], said: set[str], width: int) -> Iterator[Spans]:
    new, old = _parts(found)
    told_apart = any(finding.existing for finding in report.findings)
    for part, title in ((new, "  new here"), (old, "  on the base branch already")):
        if part and told_apart:
            yield (Span("check", title),)
        for alike in _capped(part):
            yield from _finding(report, alike, said, width)
        yield from _left(part)


def _alike(found: Sequence[Finding]) -> list[list[Finding]]:
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in found:
        groups.setdefault((finding.severity, finding.check, finding.message), []).append(finding)
    return list(groups.values())


def _capped(found: Sequence[Finding]) -> Iterator[list[Finding]]:
    seen: Counter[str] = Counter()
    for alike in _alike(found):
        seen[alike[0].check] += 1
        if seen[alike[0].check] <= _PER_CHECK:
            yield alike


def _left(found: Sequence[Finding]) -> Iterator[Spans]:
    told = Counter(finding.check for alike in _capped(found) for finding in alike)
    for check, number in Counter(finding.check for finding in found).items():
        if number > told[check]:
            yield (Span("dim", f"  and {number - told[check]:,} more of {terminal(check, 40)}"),)


def _finding(report: FindingsReport, alike: Sequence[Finding], said: set[str], width: int) -> Iterator[Spans]:
    first = alike[0]
    excerpt = report.excerpts.get(first)
    column = first.column or (excerpt.column if excerpt else 0)
    place = f"{first.line}:{column}" if column else f"{first.line}" if first.line else "file"
    yield (
        Span("plain", f"  {place:>8}  "),
        Span(_STYLES[first.severity], f"{first.severity.value:<7}"),
        Span("check", f"  {terminal(first.check, 40):<13}  "),
        Span("plain", terminal(first.message, _MESSAGE)),
    )
    if excerpt is not None and excerpt.text.strip():
        yield from _excerpt(excerpt, width - _INDENT - 2)
    if len(alike) > 1:
        yield (Span("dim", f"{'':{_INDENT}}{_also(alike)}"),)
    if first.advice and first.advice not in said:
        said.add(first.advice)
        yield (Span("dim", f"{'':{_INDENT}}→ {terminal(first.advice, _MESSAGE)}"),)


def _also(alike: Sequence[Finding]) -> str:
    numbers = sorted({finding.line for finding in alike[1:]} - {alike[0].line})
    if not numbers:
        return f"{len(alike) - 1:,} more on this line"
    spans = ranges(numbers)
    if len(spans) > _SPANS:
        spans = f"{numbers[0]} to {numbers[-1]} ({len(numbers):,} lines)"
    return f"also on line{'s' if len(numbers) > 1 else ''} {spans}"


def _excerpt(excerpt: Excerpt, room: int) -> Iterator[Spans]:
    """The part of the line around the place, and a caret below the character that is meant."""
    at = excerpt.at or 0
    # One terminal column is at least one character, or a combining mark on one: four of them are enough.
    before = one_line(excerpt.text[max(0, at - 4 * room) : at])
    after = one_line(excerpt.text[at : at + 4 * room])
    left = _end(before, room // 2, whole=excerpt.begins and at <= 4 * room)
    tail = "" if excerpt.ends or after.endswith("…") else "…"
    bar = Span("dim", f"{'':{_INDENT}}│ ")
    yield bar, Span("plain", fit(terminal(left + after + tail), room))
    if excerpt.at is not None:
        yield bar, Span("caret", " " * columns(terminal(left)) + "^")


def _end(text: str, width: int, *, whole: bool) -> str:
    """The last `width` columns of a text, with … where something was cut."""
    if whole and columns(text) <= width:
        return text
    kept, room = [], width - 1
    for character in reversed(text):
        room -= columns(character)
        if room < 0:
            break
        kept.append(character)
    return "…" + "".join(reversed(kept))


def _read(files: Sequence[DataFile]) -> Iterator[Spans]:
    """Proof of completeness: what was read of each file, to its last byte, and the digest of exactly that."""
    if not files:
        return
    yield (Span("check", "Read to the end"),)
    for file in files[:_READ]:
        parts = (
            count(file.bytes, "byte"),
            count(file.lines, "line"),
            count(file.examples, "example"),
            f"skipped = {file.skipped:,}",
            f"sha256 {short(file.sha256)}",
        )
        yield (Span("plain", f"  {terminal(file.path)}"), Span("dim", f"  {', '.join(parts)}"))
    if len(files) > _READ:
        yield (Span("dim", f"  and {count(len(files) - _READ, 'more file')}; --output-format json has all"),)
    yield ()


def _total(report: FindingsReport) -> Iterator[Spans]:
    examples = sum(file.examples for file in report.files)
    size, number = sum(file.bytes for file in report.files), sum(file.lines for file in report.files)
    skipped = sum(file.skipped for file in report.files)
    if len(report.files) > 1:
        yield (
            Span("dim", f"{count(size, 'byte')}, {count(number, 'line')}, skipped = {skipped:,} altogether"),
        )
    worst = min((finding.severity for finding in report.findings), key=lambda s: s.rank, default=None)
    said = severities([finding.severity for finding in report.findings])
    old = sum(finding.existing for finding in report.findings)
    note = f" ({old:,} on the base branch already)" if old else ""
    yield (
        Span("plain", f"{count(len(report.files), 'file')}, {count(examples, 'example')}: "),
        Span(_STYLES[worst] if worst else "check", f"{said}{note}"),
    )
