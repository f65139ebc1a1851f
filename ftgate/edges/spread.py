"""Recognises JSON that is not one object per line: a record over several lines, a file that is one array."""

from typing import Any

import jiter

from ftgate.edges.formats import detect_format
from ftgate.edges.lines import BOM, MAX_LINE, SPACE, Line, Lines, brackets


def parse_json(raw: bytes) -> Any:
    """The parsed value; None for null, and when the text is no strict JSON and needs an explanation."""
    try:
        return jiter.from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
    except ValueError:
        return None


def spread_to(lines: Lines, line: Line) -> int | None:
    """The number of the last line of a record that begins on `line`; None, and nothing read, when it ends there."""
    opened = _opened(line, b"{[")
    if line.again or not opened:
        return None
    gathered: list[Line] = []
    size = len(line.raw)
    for after in lines:
        gathered.append(after)
        size += len(after.raw)
        more = brackets(after.raw)
        if more is None or size > MAX_LINE or _stands_alone(after):
            break
        opened += more
        if opened <= 0:
            return after.number
    lines.put_back(gathered)
    return None


def skip_array(lines: Lines, line: Line) -> bool:
    """Whether an array begins on `line`; then reads to its end, or to the first examples that are outside of it."""
    if not _opened(line, b"["):
        return False
    held: Line | None = None
    for after in lines:
        if after.is_blank:
            continue
        if held and not after.raw.lstrip(SPACE).startswith(b"]"):
            lines.put_back([held, after])
            return True
        held = after if _stands_alone(after) else None
    if held:
        lines.put_back([held])
    return True


def _opened(line: Line, begin: bytes) -> int:
    """How many objects and arrays a line leaves open, when it begins with one of these; else 0."""
    text = line.raw.removeprefix(BOM).lstrip(SPACE)
    if line.cut or text[:1] not in (begin[i : i + 1] for i in range(len(begin))):
        return 0
    return max(brackets(text) or 0, 0)


def _stands_alone(line: Line) -> bool:
    """Whether a line is by itself an object of a known format, so that nothing that began above it goes on."""
    value = parse_json(line.raw) if line.raw.lstrip(SPACE).startswith(b"{") else None
    return isinstance(value, dict) and detect_format(value) is not None
