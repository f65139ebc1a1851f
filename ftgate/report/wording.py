"""Numbers in words. Nothing is ever rounded to look better than it is."""

import math
import re
from collections.abc import Sequence

from ftgate.values.finding import Severity


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 error`, `2 errors`, `1,000 errors`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def join(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def share(passed: int, total: int) -> str:
    """`73/100 · 73.0%`, truncated: 999 of 1,000 is not 100 %."""
    if total == 0:
        return "none"
    tenths = passed * 1000 // total
    return f"{passed:,}/{total:,} · {tenths // 10}.{tenths % 10}%"


def points(difference: float | None) -> str:
    """A change of a rate in percentage points with its sign, never rounded up."""
    if difference is None or not math.isfinite(difference):
        return "unknown"
    tenths = math.floor(round(difference * 1000, 6))
    sign = "−" if tenths < 0 else "+" if tenths > 0 else "±"
    return f"{sign}{abs(tenths) / 10:.1f}"


def duration(seconds: float) -> str:
    """`0.4 s`, `14 min 3 s`, `2 h 5 min`."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def short(digest: str) -> str:
    """The first 12 characters of a SHA; what is not hexadecimal is not shown as one."""
    return digest[:12] if is_hex(digest) else "unknown"


def is_hex(text: str) -> bool:
    """Whether a text is a plausible commit or digest."""
    return re.fullmatch(r"[0-9a-f]{7,64}", text) is not None


def severities(found: Sequence[Severity]) -> str:
    """`2 errors, 1 warning`; levels without findings are left out."""
    parts = [count(found.count(level), level.value) for level in Severity if level in found]
    return ", ".join(parts) or "no findings"


def ranges(numbers: Sequence[int]) -> str:
    """`3, 5‑7, 9`: the lines on which the same is said."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}\N{NON-BREAKING HYPHEN}{b}" for a, b in spans)
