"""The corpus: what every check says about whole files. `name.L4-L5.jsonl` says on which lines, L0 is the file."""

from pathlib import Path

import msgspec

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.edges.jsonl import read_jsonl
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding

ROOT = Path(__file__).parent.parent / "corpus"


def corpus(verdict: str) -> list[Path]:
    """All files that must pass, or must fail, the check that their folder names."""
    return sorted((ROOT / verdict).rglob("*.jsonl"))


def check_of(path: Path) -> str:
    """The check that a file is about."""
    return path.relative_to(ROOT).parts[1]


def lines_of(path: Path) -> set[int] | None:
    """Lines on which findings are expected; None where the name does not say."""
    suffixes = [suffix for suffix in path.suffixes if suffix.startswith(".L")]
    return {int(part[1:]) for part in suffixes[0][1:].split("-")} if suffixes else None


def findings_in(path: Path) -> list[Finding]:
    """What reader and checks say about a file, with the context beside it."""
    declared = path.parent / "_context.json"
    context = msgspec.json.decode(declared.read_bytes(), type=Context) if declared.exists() else Context()
    checks = Checks(context)
    findings: list[Finding] = []
    with path.open("rb") as stream:
        for thing in read_jsonl(path.name, stream, context.data.format):
            findings.extend(checks.see(thing) if isinstance(thing, Example) else [thing])
    return [*findings, *checks.finish()]
