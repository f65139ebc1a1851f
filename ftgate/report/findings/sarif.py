"""SARIF 2.1.0 for code scanning. Columns count characters, paths are relative to the repository."""

import json
from itertools import islice
from typing import Any
from urllib.parse import quote

from ftgate.report.findings.base import FindingsReport
from ftgate.report.quote import log_safe, visible
from ftgate.values.dataset import DataFile
from ftgate.values.finding import Finding, Severity

_ADVICES = 20
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "note"}


def render(report: FindingsReport) -> str:
    """One run with one rule per check that found something."""
    findings = [finding for found in report.by_file().values() for finding in found]
    rules = sorted({finding.check for finding in findings})
    content = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(rules, findings)},
                "columnKind": "unicodeCodePoints",
                "artifacts": [_artifact(file) for file in report.files],
                "results": [
                    _result(finding, rules.index(finding.check), report.compared) for finding in findings
                ],
            }
        ],
    }
    return log_safe(json.dumps(content, indent=2, ensure_ascii=True)) + "\n"


def _driver(rules: list[str], findings: list[Finding]) -> dict[str, Any]:
    return {
        "name": "ftgate",
        "rules": [_rule(check, findings) for check in rules],
    }


def _rule(check: str, findings: list[Finding]) -> dict[str, Any]:
    """Help is shown beside every finding of the rule, so it holds what helps with any of them."""
    rule: dict[str, Any] = {"id": visible(check), "name": visible(check)}
    advices = dict.fromkeys(f.advice for f in findings if f.check == check and f.advice)
    if advices:
        rule["help"] = {"text": "\n".join(map(_text, islice(advices, _ADVICES)))}
    return rule


def _artifact(file: DataFile) -> dict[str, Any]:
    """Proof of completeness, in the words of SARIF."""
    return {
        "location": {"uri": _uri(file.path)},
        "length": file.bytes,
        "hashes": {"sha-256": file.sha256},
        "properties": {"lines": file.lines, "examples": file.examples, "skipped": file.skipped},
    }


def _result(finding: Finding, rule: int, compared: bool) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": max(finding.line, 1)}
    if finding.line and finding.column:
        region["startColumn"] = finding.column
    baseline = {"baselineState": "unchanged" if finding.existing else "new"} if compared else {}
    return {
        "ruleId": visible(finding.check),
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": _text(f"{finding.message}\n{finding.advice}".rstrip())},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": _uri(finding.path)}, "region": region}}
        ],
        "properties": {"pointer": finding.pointer, "byteOffset": finding.byte_offset},
        **baseline,
    }


def _text(text: str) -> str:
    """SARIF reads [text](target) as a link, even in plain text."""
    return visible(text).replace("](", "] (")


def _uri(path: str) -> str:
    """Relative for ever: a path that looks absolute or like a scheme stays a path."""
    return quote(path.lstrip("/"), safe="/", errors="replace")
