"""Reads JSONL: bytes in, examples and findings out in line order. Bad input is a finding, never an exception."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from ftgate.edges.explain import explain
from ftgate.edges.formats import (
    PARTS,
    STRINGS,
    detect_format,
    is_sound,
    messages_of,
    provenance,
    shapes,
    simple_messages,
)
from ftgate.edges.lines import BOM, SPACE, Line, Lines, Stretch
from ftgate.edges.misfit import Misfit
from ftgate.edges.misfits import FileSoFar, line_misfits
from ftgate.edges.not_jsonl import other_kind, too_long
from ftgate.edges.plain_rows import FORMS, take_plain
from ftgate.edges.spread import parse_json, skip_array, spread_to
from ftgate.values.batch import Batch
from ftgate.values.dataset import DataFile, Example, Format, Message
from ftgate.values.finding import Finding, Place, Severity, found
from ftgate.values.settings import Level, Limits

if TYPE_CHECKING:
    from ftgate.ports import ExampleSchema

DEEPEST = 3  # objects and arrays of a plain line, one in the other
_ONE_A_LINE = "Write every example as one object on a line of its own."


def read_jsonl(
    path: str,
    stream: BinaryIO,
    format: str = "auto",
    limits: Limits = Limits(),  # noqa: B008 - frozen
    blank_lines: Level = "warning",
    schema: "ExampleSchema | None" = None,
) -> "JsonlStream":
    """Opens a JSONL file. `format` is a Format value, or "auto": the first readable line decides.

    `blank_lines` is the severity of a blank line, "off" for none. `schema` is asked of every line, beside its format.
    """
    return JsonlStream(path, stream, format, limits, blank_lines, schema)


class Reading(Struct, frozen=True):
    """What the lines above decide about a line: format and shape, its number and its offset."""

    format: Format | None
    shape: str | None
    line: int
    start: int


class JsonlStream:
    """One pass over one file. Memory is bounded by the longest line that is read, not by the file."""

    def __init__(
        self,
        path: str,
        stream: BinaryIO,
        format: str,
        limits: Limits,
        blank_lines: Level,
        schema: "ExampleSchema | None",
    ) -> None:
        self._path = path
        self._limits = limits
        self._has_plain = limits.depth >= DEEPEST
        self._blank_lines = blank_lines
        self._lines = Lines(path, stream, limits.line_bytes)
        self._declared = format != "auto"
        self._format = Format(format) if self._declared else None
        self._shape: str | None = None
        self._run: Stretch | None = None
        self._saw_crlf = False
        self._saw_text = False
        self._saw_example = False
        self._examples = 0
        self._schema = schema

    def unhashed(self) -> "JsonlStream":
        """The same without a digest of the file, which takes time; before anything is read."""
        self._lines.leave_digest_out()
        return self

    def resume(self, after: Reading) -> None:
        """Goes on in the middle of a file whose beginning is known; `file` then counts from here only."""
        self._format = after.format
        self._shaped(after.shape)
        self._saw_text = self._saw_example = True
        self._lines.count, self._lines.start = after.line, after.start

    @property
    def reading(self) -> Reading:
        """Where the stream is, and what it takes the lines to be."""
        return Reading(self._format, self._shape, self._lines.count, self._lines.start)

    @property
    def saw_crlf(self) -> bool:
        """Whether a line ended in CRLF; that is told once a file."""
        return self._saw_crlf

    @property
    def file(self) -> DataFile:
        """The proof of completeness; `skipped` counts the lines, blank ones too, that gave no example."""
        lines = self._lines
        return DataFile(
            path=self._path,
            sha256=lines.sha256,
            bytes=lines.bytes,
            lines=lines.count,
            examples=self._examples,
            skipped=lines.count - self._examples,
        )

    def __iter__(self) -> Iterator[Example | Finding]:
        for line in self._lines:
            yield from self._line(line)
        yield from self._end_run()
        yield from self._end()

    def batches(self) -> Iterator[Batch | Finding]:
        """The same for many examples at a time: a batch comes after the findings about the lines between its own."""
        while self._lines.refill():
            batch = Batch(self._path)
            yield from self._rows(batch)
            if batch:
                yield batch
        yield from self._end_run()
        yield from self._end()

    def _rows(self, batch: Batch) -> Iterator[Finding]:
        """Every line of a block, and those after it that one of them was spread over."""
        lines = self._lines
        while lines.waiting():
            form = FORMS.get(self._format) if self._format and self._has_plain else None
            count = take_plain(form, lines, batch, self._schema) if form and not lines.has_return else 0
            if count:
                batch.format = self._format
                self._shaped(STRINGS)
                self._saw_text = True
                self._examples += count
                yield from self._end_run()
            else:
                yield from self._collect(next(lines), batch)

    def _collect(self, line: Line, batch: Batch) -> Iterator[Finding]:
        for thing in self._line(line):
            if isinstance(thing, Example):
                batch.add(thing)
            else:
                yield thing

    def _line(self, line: Line) -> Iterator[Example | Finding]:
        raw = line.raw
        value = None if b"\r" in raw or b"\\u0000" in raw or line.cut else parse_json(raw)
        if (
            type(value) is dict
            and self._format
            and self._has_plain
            and (messages := simple_messages(value, self._format))
            and (self._schema is None or self._schema.accepts(value))
        ):
            if self._run:
                yield from self._end_run()
            self._shaped(STRINGS)
            yield self._example(line, messages)
        else:
            yield from self._careful(line, value)

    def _example(self, line: Line, messages: tuple[Message, ...], tools: tuple[Any, ...] = ()) -> Example:
        self._saw_text = True
        self._examples += 1
        place = Place(path=self._path, line=line.number, byte_offset=line.start)
        assert self._format is not None
        return Example(place=place, format=self._format, messages=messages, tools=tools)

    def _careful(self, line: Line, value: Any) -> Iterator[Example | Finding]:
        """Any line but a plain example; `value` is None unless it parsed."""
        if line.raw.endswith(b"\r\n"):
            yield from self._crlf(line)
        if line.is_blank:
            yield from self._extend_run("blank", line, line.number)
            return
        is_first, self._saw_text = not self._saw_text, True
        if value is None and is_first and (whole := self._whole_file(line)):
            yield from self._end_run()
            yield whole
        elif value is None and (last := spread_to(self._lines, line)) is not None:
            yield from self._extend_run("spread", line, last)
        else:
            yield from self._end_run()
            yield from self._text_line(line, value)

    def _crlf(self, line: Line) -> Iterator[Finding]:
        if not self._saw_crlf:
            self._saw_crlf = True
            yield from self._end_run()
            advice = "Convert the file, and put '*.jsonl text eol=lf' into .gitattributes."
            text = line.raw[:-2].decode("utf-8", "surrogateescape")
            place = self._place(line, text, len(text))
            yield found("encoding", Severity.WARNING, place, "Lines end in CRLF, from this line on.", advice)

    def _whole_file(self, line: Line) -> Finding | None:
        """What makes the file as a whole something else than JSONL; reads past it."""
        raw = line.raw
        if other := other_kind(raw, line.number):
            message, advice = other
        elif raw.removeprefix(BOM).lstrip(SPACE).startswith(b"[") and skip_array(self._lines, line):
            message = "The file is one JSON array over several lines."
            return self._found("json", line, message, _ONE_A_LINE)
        else:
            return None
        self._lines.drain()
        return self._found("encoding", line, message, advice)

    def _extend_run(self, kind: str, first: Line, last: int) -> Iterator[Finding]:
        run = self._run
        if run and run.kind == kind and run.last + 1 == first.number:
            run.last, run.count = last, run.count + 1
            return
        yield from self._end_run()
        self._run = Stretch(kind, first, last)

    def _end_run(self) -> Iterator[Finding]:
        run, self._run = self._run, None
        if run is None:
            return
        lines = f"lines {run.first.number} to {run.last}"
        if run.kind == "blank":
            if self._blank_lines == "off":
                return
            message = "The line is blank." if run.count == 1 else f"{lines.capitalize()} are blank."
            advice, severity = "Remove it: some loaders stop there.", Severity(self._blank_lines)
            yield self._found("encoding", run.first, message, advice, severity)
        elif run.count == 1:
            yield self._found("json", run.first, f"One record is spread over {lines}.", _ONE_A_LINE)
        else:
            yield self._found("json", run.first, f"{run.count} records are spread over {lines}.", _ONE_A_LINE)

    def _text_line(self, line: Line, value: Any) -> Iterator[Example | Finding]:
        if line.cut:
            message, advice = too_long(line.raw, self._limits.line_bytes)
            yield self._found("encoding", line, message, advice)
            return
        body = line.raw.removesuffix(b"\n").removesuffix(b"\r")
        if body.startswith(BOM):
            yield self._found(
                "encoding", line, "A byte order mark (BOM) stands here.", "Save as UTF-8 without BOM."
            )
            line = Line(line.number, line.start + len(BOM), body.removeprefix(BOM))
            body = line.raw
            if line.is_blank:
                return
        if (at := body.find(b"\r")) >= 0:
            yield self._carriage_return(line, body, at)
            return
        if value is None and b"\\u0000" not in body:
            value = parse_json(body)
        if (
            isinstance(value, dict)
            and is_sound(value, self._limits.depth)
            and next(self._misfits(value), None) is None
        ):
            yield self._settle(line, value)
        else:
            yield from self._explain(line, body)

    def _carriage_return(self, line: Line, body: bytes, at: int) -> Finding:
        count = body.count(b"\r")
        message = (
            f"{count} carriage return(s) inside the line: some programs end lines there. It was not read."
        )
        text = body.decode("utf-8", "surrogateescape")
        place = self._place(line, text, len(body[:at].decode("utf-8", "surrogateescape")))
        return found("encoding", Severity.ERROR, place, message, "End lines with LF only.")

    def _explain(self, line: Line, body: bytes) -> Iterator[Example | Finding]:
        """Every problem of a line, or its example when the suspicion was wrong."""
        text = body.decode("utf-8", "surrogateescape")
        value, problems = explain(text, self._misfits, self._limits.depth)
        if not problems and isinstance(value, dict):
            yield self._settle(line, value)
        elif not problems:
            yield self._found("json", line, "Not valid JSON.", _ONE_A_LINE)
        for problem in problems:
            prefix = "Not valid JSON: " if problem.check == "json" else ""
            place = self._place(line, text, problem.at, problem.pointer)
            yield found(problem.check, Severity.ERROR, place, f"{prefix}{problem.message}.", problem.advice)

    def _settle(self, line: Line, value: dict[str, Any]) -> Example:
        """The example of a line without flaws; the first one decides the format of the file."""
        self._format = self._format or detect_format(value)
        assert self._format is not None
        self._shaped(next((shape for _, shape in shapes(value, self._format)), None))
        example = self._example(line, messages_of(value, self._format), tuple(value.get("tools", ())))
        extras = provenance(value)
        if self._shape and self._shape != STRINGS:
            extras["shape"] = self._shape
        return replace(example, **extras) if extras else example

    def _shaped(self, shape: str | None) -> None:
        """The first example decides how turns are written in this file; only turns of strings are plain."""
        self._shape = self._shape or shape
        self._has_plain = self._has_plain and self._shape != PARTS

    def _misfits(self, value: dict[str, Any]) -> Iterator[Misfit]:
        """What does not fit the format, then what does not fit the repository's own schema."""
        closed = self._schema is None
        yield from line_misfits(value, FileSoFar(self._format, self._shape, self._declared, closed))
        if self._schema and not self._schema.accepts(value):
            yield from self._schema.misfits(value)

    def _end(self) -> Iterator[Finding]:
        place = Place(path=self._path, line=self._lines.count, byte_offset=self._lines.start)
        if not self._saw_text:
            advice = "Add examples, or remove the file."
            yield found("encoding", Severity.ERROR, place, "The file holds no examples: it is empty.", advice)
        elif (self._examples or self._saw_example) and not self._lines.ends_with_newline:
            advice = "Add one, so that the next line is not appended to this one."
            yield found(
                "encoding", Severity.NOTICE, place, "The last line does not end with a newline.", advice
            )

    def _place(self, line: Line, text: str, at: int, pointer: str = "") -> Place:
        ahead = at if text.isascii() else len(text[:at].encode("utf-8", "surrogateescape"))
        offset = line.start + ahead
        return Place(path=self._path, line=line.number, column=at + 1, byte_offset=offset, pointer=pointer)

    def _found(
        self, check: str, line: Line, message: str, advice: str, severity: Severity = Severity.ERROR
    ) -> Finding:
        place = Place(path=self._path, line=line.number, column=1, byte_offset=line.start)
        return found(check, severity, place, message, advice)
