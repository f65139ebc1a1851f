"""Says everything that is wrong with one line: bytes, JSON and format, each at its character."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from msgspec.structs import replace

from ftgate.checks.secrets import hide_secrets
from ftgate.edges.json_scan import MAX_DEPTH, Problem, Scan, scan_json
from ftgate.edges.misfit import Misfit

MAX_PROBLEMS = 100
"""Problems of one line that are listed one by one; a hostile line may hold millions."""

_NOT_UTF8 = re.compile("[\udc80-\udcff]+")


def explain(
    text: str, misfits: Callable[[dict[str, Any]], Iterable[Misfit]], deepest: int = MAX_DEPTH
) -> tuple[Any, list[Problem]]:
    """The value of a line and its problems by place. The value is None where no structure could be made out.

    `text` holds bytes that are no UTF-8 as surrogates (surrogateescape); `misfits` judges a value's format.
    """
    scan = scan_json(text, deepest)
    problems = [*_not_utf8(text, scan), *scan.problems]
    if scan.whole:
        problems.extend(islice(_format(scan, misfits), MAX_PROBLEMS + 1))
    problems = [replace(problem, pointer=hide_secrets(problem.pointer)) for problem in problems]
    problems.sort(key=lambda problem: problem.at)
    if (more := len(problems) - MAX_PROBLEMS) > 0:
        problems[MAX_PROBLEMS:] = [
            Problem("json", problems[MAX_PROBLEMS].at, "", f"{more} or more further problems in this line")
        ]
    return scan.value, problems


def _format(scan: Scan, misfits: Callable[[dict[str, Any]], Iterable[Misfit]]) -> Iterator[Problem]:
    if not isinstance(scan.value, dict):
        kind = "an array" if isinstance(scan.value, list) else "a single value"
        advice = "Write every example as one object on a line of its own."
        yield Problem("format", 0, "", f"The line is {kind}, expected an object", advice)
        return
    for misfit in misfits(scan.value):
        at = scan.starts.get(misfit.pointer, 0)
        yield Problem("format", at, misfit.pointer, misfit.message.removesuffix("."), misfit.advice)


def _not_utf8(text: str, scan: Scan) -> Iterator[Problem]:
    runs = _NOT_UTF8.finditer(text)
    for run in islice(runs, 1):
        more = sum(1 for _ in runs)
        bad = run.group()[:4].encode("utf-8", "surrogateescape").hex(" ").upper()
        within = ((start, name) for name, start in scan.starts.items() if start <= run.start())
        pointer = max(within, default=(0, ""))[1]
        message = f"Bytes that are no UTF-8: {bad}" + (
            f", and at {more} more place(s) in this line" if more else ""
        )
        yield Problem("encoding", run.start(), pointer, message, "Save the file as UTF-8.")
