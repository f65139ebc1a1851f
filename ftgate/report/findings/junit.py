"""JUnit XML: a file is a suite, a finding a case, and a file without findings one case that passed."""

from collections.abc import Sequence
from xml.etree import ElementTree

from ftgate.report.findings.base import FindingsReport
from ftgate.report.quote import one_line, terminal
from ftgate.values.finding import Finding, Severity


def render(report: FindingsReport) -> str:
    """Errors are failures. Warnings and notices are cases that pass, as they do not fail the command."""
    errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
    by_file = report.by_file()
    cases = sum(max(1, len(found)) for found in by_file.values())
    root = ElementTree.Element(
        "testsuites", name="ftgate", tests=str(cases), failures=str(errors), errors="0", time="0"
    )
    for path, found in by_file.items():
        _suite(root, path, found)
    ElementTree.indent(root)
    shown = ElementTree.tostring(root, encoding="unicode").replace("##[", "##&#91;")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{shown}\n'


def _suite(root: ElementTree.Element, path: str, found: Sequence[Finding]) -> None:
    errors = sum(finding.severity is Severity.ERROR for finding in found)
    counted = {"tests": str(max(1, len(found))), "failures": str(errors), "errors": "0", "skipped": "0"}
    suite = ElementTree.SubElement(root, "testsuite", {"name": one_line(path), **counted, "time": "0"})
    if not found:
        ElementTree.SubElement(suite, "testcase", classname=one_line(path), name="no findings", time="0")
    for finding in found:
        _case(suite, finding)


def _case(suite: ElementTree.Element, finding: Finding) -> None:
    place = f"line {finding.line}" if finding.line else "file"
    name = f"{finding.check} at {place}" + (f", column {finding.column}" if finding.column else "")
    name += ", on the base branch already" if finding.existing else ""
    case = ElementTree.SubElement(
        suite, "testcase", classname=one_line(finding.path), name=one_line(name), time="0"
    )
    text = f"{terminal(finding.message)}\n{terminal(finding.advice)}".rstrip()
    if finding.severity is Severity.ERROR:
        message = one_line(finding.message)
        ElementTree.SubElement(case, "failure", message=message, type=one_line(finding.check)).text = text
    else:
        ElementTree.SubElement(case, "system-out").text = f"{finding.severity.value}: {text}"
