"""Workflow commands, which GitHub shows at the lines they name: ten of each level, as many as it keeps."""

from collections import Counter
from collections.abc import Iterator

from ftgate.report.findings.base import FindingsReport
from ftgate.report.quote import command_message, command_property, cut
from ftgate.report.wording import severities
from ftgate.values.finding import Finding, Severity

_PER_LEVEL = 10
_MESSAGE = 1000


def render(report: FindingsReport) -> str:
    """The annotations of every level, then one line that counts the findings without one."""
    found = [finding for each in report.by_file().values() for finding in each]
    by_level = [[finding for finding in found if finding.severity is level] for level in Severity]
    lines = [_annotation(finding) for level in by_level for finding in _chosen(level)]
    rest = [finding.severity for level in by_level for finding in level[_PER_LEVEL:]]
    if rest:
        lines.append(f"Not annotated, because GitHub keeps {_PER_LEVEL} of each level: {severities(rest)}")
    return "".join(f"{line}\n" for line in lines)


def _chosen(found: list[Finding]) -> list[Finding]:
    """What is new first, and every check in turn: one that finds much does not crowd out the others."""
    seen: Counter[tuple[bool, str]] = Counter()
    ranked = []
    for index, finding in enumerate(found):
        key = (finding.existing, finding.check)
        ranked.append((finding.existing, seen[key], index))
        seen[key] += 1
    chosen = sorted(ranked)[:_PER_LEVEL]
    return [found[index] for _, index in sorted((existing, index) for existing, _, index in chosen)]


def _annotation(finding: Finding) -> str:
    properties = ",".join(f"{name}={command_property(value)}" for name, value in _properties(finding))
    said = f"{cut(finding.message, _MESSAGE).kept}\n{cut(finding.advice, _MESSAGE).kept}".rstrip()
    return f"::{finding.severity.value} {properties}::{command_message(said)}"


def _properties(finding: Finding) -> Iterator[tuple[str, str]]:
    yield "file", finding.path
    if finding.line:
        yield "line", str(finding.line)
    if finding.line and finding.column:
        yield "col", str(finding.column)
    yield "title", f"ftgate {finding.check}" + (", on the base branch already" if finding.existing else "")
