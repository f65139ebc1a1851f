"""Plain text for a terminal: one block per file, the same check at most ten times, advice once."""

from collections import Counter
from collections.abc import Iterator, Sequence

from ftgate.report.findings.base import FindingsReport
from ftgate.report.quote import terminal
from ftgate.report.wording import count, severities
from ftgate.values.finding import Finding

_PER_CHECK = 10
_MESSAGE = 300


def render(report: FindingsReport) -> str:
    """Files with findings, advice, and a last line that counts what was read and found."""
    lines = [line for path, found in report.by_file().items() if found for line in (*_file(path, found), "")]
    lines += _advice(report.findings)
    return "".join(f"{terminal(line)}\n" for line in [*lines, _total(report)])


def _file(path: str, found: Sequence[Finding]) -> Iterator[str]:
    yield path
    shown: Counter[str] = Counter()
    for finding in found:
        shown[finding.check] += 1
        if shown[finding.check] <= _PER_CHECK:
            yield _finding(finding)
    for check, number in shown.items():
        if number > _PER_CHECK:
            yield f"  and {number - _PER_CHECK:,} more of {terminal(check, 40)}"


def _finding(finding: Finding) -> str:
    place = (
        f"{finding.line}:{finding.column}"
        if finding.column
        else f"{finding.line}"
        if finding.line
        else "file"
    )
    return (
        f"  {place:>8}  {finding.severity.value:<7}  {terminal(finding.check, 40):<13}  "
        f"{terminal(finding.message, _MESSAGE)}"
    )


def _advice(findings: Sequence[Finding]) -> list[str]:
    said: dict[str, str] = {}
    for finding in findings:
        if finding.advice:
            said.setdefault(finding.check, finding.advice)
    lines = [f"  {terminal(check, 40)}: {terminal(text, _MESSAGE)}" for check, text in said.items()]
    return ["What to do", *lines, ""] if lines else []


def _total(report: FindingsReport) -> str:
    examples = sum(file.examples for file in report.files)
    read = f"{count(len(report.files), 'file')}, {count(examples, 'example')}"
    return f"{read}: {severities([finding.severity for finding in report.findings])}"
