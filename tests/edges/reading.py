"""Lines to read, and reading them."""

import io
import json

from ftgate.edges.jsonl import read_jsonl
from ftgate.values.dataset import DataFile, Example
from ftgate.values.finding import Finding


def turns(*pairs: tuple[str, object], **more: object) -> bytes:
    messages = [{"role": role, "content": content} for role, content in pairs]
    return json.dumps({"messages": messages, **more}, ensure_ascii=False).encode() + b"\n"


GOOD = turns(("user", "q"), ("assistant", "a"))
TURN = b'{"role": "assistant", "content": "b"}]'
PRETTY = json.dumps(json.loads(GOOD), indent=2).encode() + b"\n"


def read(data: bytes, format: str = "auto") -> tuple[list[Example], list[Finding], DataFile]:
    stream = read_jsonl("f.jsonl", io.BytesIO(data), format)
    things = list(stream)
    examples = [thing for thing in things if isinstance(thing, Example)]
    return examples, [thing for thing in things if isinstance(thing, Finding)], stream.file


def brief(findings: list[Finding]) -> list[str]:
    return [f"{f.check} {f.severity} {f.line}" for f in findings]


def fifth(line: bytes) -> bytes:
    return GOOD * 4 + line + GOOD * 5
