"""Excerpts for the findings that a terminal shows. What may hold a secret is masked before anyone prints it."""

import re
from collections.abc import Callable
from typing import BinaryIO

from msgspec.structs import replace

from ftgate.checks.secrets import find_secrets
from ftgate.edges.excerpts import excerpts, places
from ftgate.report.findings import FindingsReport
from ftgate.report.findings.text import shown
from ftgate.values.finding import Excerpt, Finding

Opener = Callable[[str], BinaryIO | None]
"""Opens a file by the path that findings name; None where it cannot be read a second time."""

_WORD = re.compile(r"\w+")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")
# Words of the formats themselves, which no secret is made of.
_TELLING = frozenset(
    {
        "messages",
        "role",
        "content",
        "system",
        "user",
        "assistant",
        "tool",
        "tools",
        "tool_calls",
        "name",
        "weight",
    }
    | {
        "conversations",
        "from",
        "value",
        "human",
        "gpt",
        "instruction",
        "input",
        "output",
        "prompt",
        "completion",
    }
    | {"metadata", "id", "function", "arguments"}
)


def with_excerpts(report: FindingsReport, open_file: Opener) -> FindingsReport:
    """The report with excerpts of what its text shows."""
    by_path: dict[str, list[Finding]] = {}
    for finding in shown(report):
        if finding.line:
            by_path.setdefault(finding.path, []).append(finding)
    secret = {(finding.path, finding.line) for finding in report.findings if finding.check == "secrets"}
    kept: dict[Finding, Excerpt] = {}
    for path, findings in by_path.items():
        if (opened := open_file(path)) is None:
            continue
        with opened as stream:
            for finding, excerpt in excerpts(stream, findings).items():
                hidden = (path, finding.line) in secret or _has_secret(excerpt.text)
                kept[finding] = masked(excerpt) if hidden else excerpt
    return replace(report, excerpts=kept)


def with_places(report: FindingsReport, open_file: Opener) -> FindingsReport:
    """The report with columns and byte offsets of the values that checks point at; the reader gives its own."""
    placed: dict[Finding, tuple[int, int]] = {}
    for path, findings in report.by_file().items():
        if any(finding.pointer and not finding.column for finding in findings):
            opened = open_file(path)
            if opened is not None:
                with opened as stream:
                    placed |= places(stream, findings)
    told = tuple(
        replace(finding, column=placed[finding][0], byte_offset=placed[finding][1])
        if finding in placed
        else finding
        for finding in report.findings
    )
    return replace(report, findings=told)


def masked(excerpt: Excerpt) -> Excerpt:
    """Every word as dots of the same length, but for those of the formats."""
    return replace(excerpt, text=_WORD.sub(_dots, excerpt.text))


def _dots(word: re.Match[str]) -> str:
    return word[0] if word[0] in _TELLING else "•" * len(word[0])


def _has_secret(text: str) -> bool:
    """Also when an escape stands right before it, whose letter would pass for a part of the word."""
    return bool(find_secrets(text) or find_secrets(_ESCAPE.sub(" ", text)))
