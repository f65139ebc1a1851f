"""Examples as the trainer sees them, for a terminal and as JSON: which tokens carry loss, and how long a file's are."""

import json
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any, Literal, NamedTuple

import msgspec

from ftgate.report.quote import log_safe, terminal, visible
from ftgate.report.wording import count, ranges, share
from ftgate.values.tokens import Seen, SeenRow, Stretch, TokenSurvey

SCHEMA = "ftgate.tokens/1"
OPEN, CLOSE, STOP, CUT = "⟦", "⟧", "■", "✂"
_MARKS = str.maketrans({mark: f"<U+{ord(mark):04X}>" for mark in (OPEN, CLOSE, STOP, CUT)} | {"\t": "⇥"})
_BINS = 10
_BAR = 40
_LONGEST = 5
_REASONS = 20

Style = Literal["plain", "heading", "dim", "loss", "stop", "beyond", "error", "warning"]


class Span(NamedTuple):
    """Part of a line, safe to print as it is, and how it is meant."""

    style: Style
    text: str


Spans = tuple[Span, ...]


class Surveyed(NamedTuple):
    """A file that was surveyed: the line of every example, and how many lines could not be read."""

    path: str
    base_model: str
    limit: int
    lines: Sequence[int]
    unread: int
    survey: TokenSurvey

    def picked(self, wanted: Sequence[bool]) -> list[int]:
        """Lines of the examples for which something holds."""
        return [line for line, holds in zip(self.lines, wanted, strict=True) if holds]

    @property
    def refused(self) -> dict[int, str]:
        """Reasons by line."""
        return {self.lines[at]: reason for at, reason in self.survey.refused}

    @property
    def over(self) -> list[int]:
        """Lines with a row of more tokens than the limit."""
        return self.picked([width > self.limit for width in self.survey.widths])

    @property
    def silent(self) -> list[int]:
        """Lines that are rendered and in which nothing carries loss."""
        return [
            line for line in self.picked([not n for n in self.survey.trained]) if line not in self.refused
        ]

    @property
    def unstopped(self) -> list[int]:
        """Lines in which a trained turn does not end in a token at which a generation ends."""
        return [self.lines[at] for at in self.survey.unstopped]

    @property
    def is_clean(self) -> bool:
        """Whether every line is trained as it stands."""
        return not (self.unread or self.refused or self.over or self.silent or self.unstopped)


def example_lines(seen: Seen, base_model: str, limit: int, *, marks: bool) -> list[Spans]:
    """One example. With `marks` brackets stand around what carries loss; without, its style alone tells it."""
    made: list[Spans] = [(Span("heading", terminal(f"{seen.path}:{seen.line}")), _dim(f" · {base_model}"))]
    if seen.refused:
        return [*made, (Span("error", "not trained: "), Span("plain", terminal(seen.refused)))]
    for number, row in enumerate(seen.rows, start=1):
        made += [(), _row_head(number, row, len(seen.rows), limit), *_body(row, marks)]
    if seen.rows and not any(row.trained for row in seen.rows):
        made += [(), (Span("error", "nothing carries loss: ftgate drops this line"),)]
    if not seen.stopped:
        said = "no token at which a generation ends stands at the end of a trained turn: the model would not stop"
        made += [(), (Span("warning", said),)]
    return [*made, (), _legend(marks)]


def summary_lines(done: Surveyed) -> list[Spans]:
    """What a file is for the trainer."""
    survey = done.survey
    total, trained = sum(survey.tokens), sum(survey.trained)
    head = f" · {done.base_model} · limit {count(done.limit, 'token')}"
    made: list[Spans] = [(Span("heading", terminal(done.path)), _dim(terminal(head)))]
    rows = sum(survey.row_counts)
    made.append(_plain(f"{count(len(done.lines), 'example')}, {count(rows, 'row')}, {count(total, 'token')}"))
    made.append(_plain(f"carry loss: {share(trained, total)}"))
    widths = _widths(done)
    if widths:
        made += [(), *_histogram(widths), ()]
        longest = sorted(widths.items(), key=lambda each: (-each[1], each[0]))[:_LONGEST]
        made.append(_plain("longest: " + ", ".join(f"line {line} ({tokens:,})" for line, tokens in longest)))
    return [*made, *_problems(done)]


def example_json(seen: Seen, base_model: str, limit: int) -> str:
    """The same as JSON."""
    return _json({"schema": SCHEMA, "base_model": base_model, "limit": limit, **msgspec.to_builtins(seen)})


def summary_json(done: Surveyed) -> str:
    """The same as JSON."""
    survey, widths = done.survey, _widths(done)
    return _json(
        {
            "schema": SCHEMA,
            "path": done.path,
            "base_model": done.base_model,
            "limit": done.limit,
            "examples": len(done.lines),
            "rows": sum(survey.row_counts),
            "tokens": sum(survey.tokens),
            "trained": sum(survey.trained),
            "median": median(widths.values()) if widths else 0,
            "longest": max(widths.values(), default=0),
            "histogram": [{"from": a, "to": b, "examples": n} for a, b, n in _bins(list(widths.values()))],
            "over": done.over,
            "without_loss": done.silent,
            "unstopped": done.unstopped,
            "refused": [{"line": line, "reason": reason} for line, reason in done.refused.items()],
            "unread": done.unread,
            "sha256": survey.sha256,
            "template_sha256": survey.template_sha256,
        }
    )


def _row_head(number: int, row: SeenRow, rows: int, limit: int) -> Spans:
    name = f"row {number} of {rows}: " if rows > 1 else ""
    head = f"{name}{count(row.tokens, 'token')}, {share(row.trained, row.tokens)} carry loss"
    if row.tokens <= limit:
        return (Span("plain", head),)
    return (
        Span("plain", f"{head} "),
        Span(
            "error",
            f"{CUT} more than {limit:,}: ftgate drops this line{' and all its rows' if rows > 1 else ''}",
        ),
    )


def _body(row: SeenRow, marks: bool) -> Iterator[Spans]:
    """The text in lines as it has them, behind a rule, so that no line of it begins as a command of a job log."""
    line: list[Span] = []
    for span in _spans(row.stretches, marks):
        *whole, rest = span.text.split("\n")
        for part in whole:
            yield _ruled([*line, Span(span.style, part), _dim("⏎")])
            line = []
        if rest:
            line.append(Span(span.style, rest))
    if line:
        yield _ruled(line)


def _spans(stretches: Sequence[Stretch], marks: bool) -> Iterator[Span]:
    was = Stretch(text="", tokens=0)
    for each in [*stretches, Stretch(text="", tokens=0)]:
        if marks and was.trained and (not each.trained or was.stop):
            yield Span("dim", CLOSE)
        if was.stop:
            yield Span("dim", STOP)
        if each.beyond and not was.beyond:
            yield Span("error", CUT)
        if marks and each.trained and (not was.trained or was.stop):
            yield Span("dim", OPEN)
        style: Style = (
            "beyond" if each.beyond else "stop" if each.stop else "loss" if each.trained else "plain"
        )
        if each.text:
            yield Span(style, visible(each.text).translate(_MARKS))
        was = each


def _ruled(line: list[Span]) -> Spans:
    """A job log takes ##[ for a command wherever it stands, also where two spans meet."""
    made, before = [Span("dim", "│ ")], ""
    for span in line:
        joined = (before + span.text).replace("##[", "## [")
        made.append(Span(span.style, joined[len(before) :]))
        before = joined[-2:]
    return tuple(made)


def _legend(marks: bool) -> Spans:
    if marks:
        loss: tuple[Span, ...] = (_dim(f"{OPEN} {CLOSE} carries loss"),)
    else:
        loss = (Span("loss", "this"), _dim(" carries loss"))
    return (*loss, _dim(f" · {STOP} a generation ends here · {CUT} the limit · ⏎ line end"))


def _widths(done: Surveyed) -> dict[int, int]:
    """Tokens of the longest row by line, of what is rendered."""
    return {line: width for line, width in zip(done.lines, done.survey.widths, strict=True) if width}


def _histogram(widths: dict[int, int]) -> Iterator[Spans]:
    bins = _bins(list(widths.values()))
    most = max(n for *_, n in bins)
    label = max(len(f"{to:,}") for _, to, _ in bins)
    yield (_dim(f"{'tokens':>{2 * label + 1}}  {'examples':>8}"),)
    for start, end, number in bins:
        bar = "█" * round(_BAR * number / most) or ("▏" if number else "")
        yield (Span("plain", f"{start:>{label},}-{end:>{label},}  {number:>8,}  "), Span("loss", bar))


def _bins(widths: list[int]) -> list[tuple[int, int, int]]:
    """First and last number of tokens of each bin, and how many examples have as many. Bins are 1, 2 or 5 wide, times
    a power of ten, and there are at most ten."""
    if not widths:
        return []
    least, most = min(widths), max(widths)
    wide = next(
        size
        for power in range(20)
        for size in (10**power, 2 * 10**power, 5 * 10**power)
        if most // size - least // size < _BINS
    )
    first = least // wide
    numbers = [0] * (most // wide - first + 1)
    for width in widths:
        numbers[width // wide - first] += 1
    return [((first + at) * wide, (first + at + 1) * wide - 1, number) for at, number in enumerate(numbers)]


def _problems(done: Surveyed) -> Iterator[Spans]:
    told: list[tuple[Style, str, str]] = []
    if done.unread:
        told.append(("error", f"{count(done.unread, 'line')} cannot be read", "ftgate validate names them"))
    if done.over:
        told.append(("error", f"more than {done.limit:,} tokens, dropped", f"lines {ranges(done.over)}"))
    if done.silent:
        told.append(("error", "nothing carries loss, dropped", f"lines {ranges(done.silent)}"))
    by_reason: dict[str, list[int]] = {}
    for line, reason in done.refused.items():
        by_reason.setdefault(reason, []).append(line)
    for reason, lines in list(by_reason.items())[:_REASONS]:
        told.append(("error", f"not trained: lines {ranges(lines)}", terminal(reason)))
    if len(by_reason) > _REASONS:
        told.append(("error", "not trained", f"{len(by_reason) - _REASONS} more reasons"))
    if done.unstopped:
        text = f"lines {ranges(done.unstopped)}"
        told.append(("warning", "no stop token at the end of a trained turn: the model would not stop", text))
    if told:
        yield ()
    for style, what, more in told:
        yield (Span(style, what), Span("plain", f": {more}"))


def _plain(text: str) -> Spans:
    return (Span("plain", text),)


def _dim(text: str) -> Span:
    return Span("dim", text)


def _json(plain: dict[str, Any]) -> str:
    return log_safe(json.dumps(plain, ensure_ascii=False, indent=2)) + "\n"
