"""Workflow commands, which GitHub shows at the lines they name: ten of each level, as many as it keeps."""

from collections.abc import Iterator

from ftgate.report.findings.base import FindingsReport
from ftgate.report.quote import command_message, command_property, cut
from ftgate.report.wording import severities
from ftgate.values.finding import Finding, Severity

_PER_LEVEL = 10
_MESSAGE = 1000


def render(report: FindingsReport) -> str:
    """The annotations of every level, what is new here first, then one line that counts those not shown."""
    ordered = [finding for found in report.by_file().values() for finding in found]
    ordered.sort(key=lambda finding: finding.existing)
    by_level = {level: [f for f in ordered if f.severity is level] for level in Severity}
    lines = [_annotation(finding) for found in by_level.values() for finding in found[:_PER_LEVEL]]
    rest = [finding.severity for found in by_level.values() for finding in found[_PER_LEVEL:]]
    if rest:
        lines.append(f"Not annotated, because GitHub keeps {_PER_LEVEL} of each level: {severities(rest)}")
    return "".join(f"{line}\n" for line in lines)


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
