"""Findings of streams of examples that are read once, in the order in which people read them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ftgate.checks import CHECKS, Checks
from ftgate.values.dataset import DataFile
from ftgate.values.finding import Finding

if TYPE_CHECKING:  # all other ports are no business of who validates a file
    from ftgate.ports import DataStream

_RANKS = {name: rank for rank, name in enumerate(CHECKS, start=1)}


def sift(streams: Iterable["DataStream"], checks: Checks) -> tuple[tuple[DataFile, ...], tuple[Finding, ...]]:
    """Files and findings of streams that are read once and not kept: memory does not grow with their size."""
    files: list[DataFile] = []
    findings: list[Finding] = []
    for stream in streams:
        for thing in stream.batches():
            findings.extend([thing] if isinstance(thing, Finding) else checks.see_all(thing))
        files.append(stream.file)
    findings.extend(homed(checks.finish(), files, "."))
    return tuple(files), in_order(findings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By place, worst first within a line, then in the order of the checks."""
    return tuple(sorted(findings, key=_order))


def homed(findings: Iterable[Finding], files: Sequence[DataFile], home: str) -> Iterator[Finding]:
    """A check that has seen no example knows no path: what it says stands at the first file."""
    for finding in findings:
        yield finding if finding.path else replace(finding, path=files[0].path if files else home)


def _order(finding: Finding) -> tuple[str, int, int, int, int]:
    return finding.path, finding.line, finding.severity.rank, finding.column, _RANKS.get(finding.check, 0)
