"""Any bytes through everything that reads them: reader, checks, formats, excerpts, --fix; what must hold, holds."""

import io
import json
import re
from xml.etree import ElementTree

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.cli.excerpts import with_excerpts
from ftgate.edges.fixing import LeftAlone, mended
from ftgate.edges.jsonl import read_jsonl
from ftgate.report.findings import FORMATS, FindingsReport
from ftgate.report.fixes import fix_lines, manifest
from ftgate.stages.sift import sift
from ftgate.values.digest import digest_bytes
from ftgate.values.fix import Fix
from ftgate.values.settings import DataSettings

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CONTEXTS = (
    Context(),
    Context(
        data=DataSettings(
            train=("*.jsonl",), key_style="snake_case", system_prompt="s", target="together", task="style"
        ),
        behavior="Reply with one JSON object with the key 'a'.",
        declared=True,
        output_schema=SCHEMA,
    ),
)


def through_everything(data: bytes, path: str = "f.jsonl") -> None:
    """Raises when anything does not hold."""
    for context in CONTEXTS:
        report = _read(data, path, context)
        for name, render in FORMATS.items():
            _inert(name, render(report))
        _inert("text", FORMATS["text"](with_excerpts(report, lambda _: io.BytesIO(data))))


def through_fixing(data: bytes) -> None:
    """What is mended is mended once, and every example is still there."""
    try:
        once, fix = _mended(data)
    except LeftAlone:
        assert b"\0" in data
        return
    assert "\x1b" not in "".join(fix_lines([fix], dry_run=False))
    json.loads(manifest([fix], dry_run=False))
    assert _mended(once)[0] == once
    before = _read(data, "f.jsonl", CONTEXTS[0]).files[0].examples
    assert _read(once, "f.jsonl", CONTEXTS[0]).files[0].examples >= before


def _mended(data: bytes) -> tuple[bytes, Fix]:
    target = io.BytesIO()
    fix = mended("f.jsonl", io.BytesIO(data), target)
    return target.getvalue(), fix


def _read(data: bytes, path: str, context: Context) -> FindingsReport:
    stream = read_jsonl(path, io.BytesIO(data))
    files, findings = sift([stream], Checks(context))
    (file,) = files
    assert (file.bytes, file.sha256) == (len(data), digest_bytes(data))
    assert file.lines == len(data.split(b"\n")) - (data.endswith(b"\n") or not data)
    assert file.examples + file.skipped == file.lines
    assert not file.skipped or findings
    assert all(f.path and f.check and f.message for f in findings)
    assert all(0 <= f.line <= file.lines and 0 <= f.byte_offset <= len(data) for f in findings)
    return FindingsReport(files=files, findings=findings)


def _inert(name: str, shown: str) -> None:
    assert shown.endswith("\n") or not shown
    shown.encode()  # no half of a pair is left
    assert "##[" not in shown
    if name != "github":
        assert not any(line.lstrip().startswith("::") for line in shown.splitlines())
    if name in ("json", "sarif"):
        assert shown.isascii()
        json.loads(shown)
        return
    assert "\x1b" not in shown and "\x00" not in shown
    if name == "junit":
        ElementTree.fromstring(shown)
        return
    if name == "github":
        for line in shown.splitlines():
            assert re.match(r"::(error|warning|notice) file=[^,:]+[,:]|Not annotated", line), line
