"""JSON for programs: the contract `ftgate.findings/1`, held by schemas/findings.schema.json."""

import json

import msgspec

from ftgate.report.findings.base import FindingsReport
from ftgate.report.quote import log_safe

FINDINGS_SCHEMA = "ftgate.findings/1"


def render(report: FindingsReport) -> str:
    """ASCII only: half a surrogate pair or a direction mark in a path cannot disturb whoever prints it."""
    parts = {"files": report.files, "findings": report.findings}
    content = {"schema": FINDINGS_SCHEMA, **msgspec.to_builtins(parts)}
    return log_safe(json.dumps(content, indent=2, ensure_ascii=True)) + "\n"
