"""Findings in five formats: for people, programs, code scanning, the Actions log and test reports."""

from collections.abc import Callable

from ftgate.report.findings.base import FindingsReport
from ftgate.report.findings.contract import render as _json
from ftgate.report.findings.github import render as _github
from ftgate.report.findings.junit import render as _junit
from ftgate.report.findings.sarif import render as _sarif
from ftgate.report.findings.text import render as _text

__all__ = ["FORMATS", "FindingsReport"]

FORMATS: dict[str, Callable[[FindingsReport], str]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "junit": _junit,
}
"""Every format by the name that --output-format takes; each text ends with a newline."""
