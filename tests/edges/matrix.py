"""The malformed-input matrix: files of ten lines whose fifth is bad, unless the whole file is.

A place is told by the text that stands there: line and column, byte offset and pointer are derived from it.
"""

import json
from typing import NamedTuple

from tests.edges.reading import GOOD, PRETTY, TURN, fifth, turns


class Told(NamedTuple):
    """One finding: `at` is the text that it stands on, None for a whole line, "" for the end of the line."""

    check: str
    severity: str
    line: int
    at: bytes | None = None
    pointer: str = ""


class Case(NamedTuple):
    data: bytes
    told: tuple[Told, ...]
    examples: int
    target: str = "trl"


def _error(line: bytes, at: bytes | None, pointer: str = "", check: str = "json", examples: int = 9) -> Case:
    return Case(fifth(line), (Told(check, "error", 5, at, pointer),), examples)


def _whole(data: bytes, at: bytes | None, check: str, examples: int = 0, line: int = 1) -> Case:
    return Case(data, (Told(check, "error", line, at),), examples)


def _meta(value: bytes) -> bytes:
    return b'{"messages": [' + TURN + b', "metadata": {"x": ' + value + b"}}\n"


_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
_CALLED = {"role": "assistant", "tool_calls": [_CALL]}
_ANSWERED = {"role": "tool", "tool_call_id": "c1", "content": "42"}


def _tools(*messages: object) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": "q"}, *messages]}).encode() + b"\n"


_END = {"role": "assistant", "content": "a"}
CASES: dict[str, Case] = {
    "BOM": _whole(b"\xef\xbb\xbf" + GOOD * 10, b"\xef\xbb\xbf", "encoding", 10),
    "BOM of a file that was appended": _error(b"\xef\xbb\xbf" + GOOD, b"\xef\xbb\xbf", "", "encoding", 10),
    "CRLF": Case(GOOD.replace(b"\n", b"\r\n") * 10, (Told("encoding", "warning", 1, b"\r"),), 10),
    "CR only": _whole(GOOD.replace(b"\n", b"\r") * 10, b"\r", "encoding"),
    "CR inside": _error(GOOD.strip() + b"\r" + GOOD, b"\r", "", "encoding"),
    "blank line in the middle": Case(fifth(b"\n"), (Told("encoding", "warning", 5, b"\n"),), 9),
    "blank lines at the end": Case(GOOD * 10 + b"\n\n", (Told("encoding", "warning", 11, b"\n"),), 10),
    "invalid UTF-8": _error(GOOD.replace(b'"q"', b'"\xff"'), b"\xff", "/messages/0/content", "encoding"),
    "a surrogate as bytes": _error(
        GOOD.replace(b'"q"', b'"\xed\xa0\x80"'), b"\xed\xa0\x80", "/messages/0/content", "encoding"
    ),
    "lone surrogate escape": _error(
        GOOD.replace(b'"q"', b'"\\ud83d"'), b"\\ud83d", "/messages/0/content", "encoding"
    ),
    "NUL": _error(GOOD.replace(b'"q"', b'"a\0"'), b"\0", "/messages/0/content", "encoding"),
    "NUL escape": _error(GOOD.replace(b'"q"', b'"\\u0000"'), b"\\u0000", "/messages/0/content", "encoding"),
    "NaN": _error(_meta(b"NaN"), b"NaN", "/metadata/x"),
    "Infinity": _error(_meta(b"-Infinity"), b"-Infinity", "/metadata/x"),
    "duplicate key in a message": _error(
        b'{"messages": [{"role": "user", "content": "q", "role": "user"}, ' + TURN + b"}\n",
        b'"role": "user"}',
        "/messages/0/role",
    ),
    "duplicate key at the top": _error(
        b'{"messages": [], "messages": [' + TURN + b"}\n", b'"messages": [{', "/messages"
    ),
    "U+2028 raw": Case(fifth(turns(("user", "a\u2028b\u2029c\x85d"), ("assistant", "a"))), (), 10),
    "two objects on one line": _error(GOOD.strip() + GOOD, GOOD),
    "pretty-printed record": _error(PRETTY, b"{\n"),
    "whole file is an array on one line": _whole(b"[" + GOOD.strip() + b"]\n", b"[", "format"),
    "whole file is an array": _whole(b"[\n" + GOOD.strip() + b",\n" + GOOD + b"]\n", b"[\n", "json"),
    "empty assistant": _error(
        turns(("user", "q"), ("assistant", "")), None, "/messages/1/content", "roles", 10
    ),
    "content null": _error(
        turns(("user", "q"), ("assistant", None)), b"null", "/messages/1/content", "format"
    ),
    "content object": _error(
        turns(("user", "q"), ("assistant", {"a": 1})), b'{"a": 1}', "/messages/1/content", "format"
    ),
    "content list": _error(
        turns(("user", [{"type": "text", "text": "q"}]), ("assistant", "a")),
        b'[{"type"',
        "/messages/0/content",
        "format",
    ),
    'role "User"': _error(turns(("User", "q"), ("assistant", "a")), b'"User"', "/messages/0/role", "format"),
    "assistant first": Case(
        fifth(turns(("assistant", "a"), ("user", "q"))),
        (
            Told("roles", "warning", 5, None, "/messages/0/content"),
            Told("roles", "error", 5, None, "/messages/1/content"),
        ),
        10,
    ),
    "two assistants": Case(
        fifth(turns(("user", "q"), ("assistant", "a"), ("assistant", "b"))),
        (Told("roles", "error", 5, None, "/messages/2/content"),),
        10,
        "together",
    ),
    "no assistant": _error(turns(("user", "q")), None, "", "roles", 10),
    "extra top-level column": _error(
        turns(("user", "q"), ("assistant", "a"), score=1), b"1}", "/score", "format"
    ),
    "Alpaca among messages": _error(b'{"instruction": "a", "output": "b"}\n', b"{", "", "format"),
    "preference pair": _error(b'{"prompt": "a", "chosen": "b", "rejected": "c"}\n', b"{", "", "format"),
    "comma after the object": _error(GOOD.strip() + b",\n", b",\n"),
    "trailing comma in an array": _error(
        b'{"messages": [{"role": "user", "content": "q"}, ' + TURN[:-1] + b",]}\n", b",]", "/messages"
    ),
    "5,000-deep nesting": _error(
        b'{"messages": [' + TURN + b', "metadata": ' + b"[" * 5000 + b"]" * 5000 + b"}\n",
        b"[" * (5000 - 63) + b"]",
        "/metadata" + "/0" * 63,
    ),
    "30-digit integer": Case(fifth(turns(("user", "q"), ("assistant", "a"), metadata={"n": 10**30})), (), 10),
    "UTF-16": _whole((GOOD * 10).decode().encode("utf-16"), b"\xff\xfe", "encoding"),
    "empty file": Case(b"", (Told("encoding", "error", 0),), 0),
    "12 MB line": _error(turns(("user", "q" * 12_000_000), ("assistant", "a")), b"{", "", "encoding"),
    "truncated line": _error(GOOD[:45] + b"\n", b"\n", "/messages/0"),
    "truncated last line": Case(
        GOOD * 9 + GOOD[:45],
        (Told("encoding", "notice", 10), Told("json", "error", 10, b"", "/messages/0")),
        9,
    ),
    "tool calls": Case(fifth(_tools(_CALLED, _ANSWERED, _END)), (), 10),
    "tool arguments that are no JSON": _error(
        _tools(
            {**_CALLED, "tool_calls": [{**_CALL, "function": {"name": "f", "arguments": "{a"}}]},
            _ANSWERED,
            _END,
        ),
        b'"{a"',
        "/messages/1/tool_calls/0/function/arguments",
        "format",
    ),
    "tool answer without a call": _error(
        _tools({**_ANSWERED, "tool_call_id": "c9"}, _END), b'"c9"', "/messages/1/tool_call_id", "format"
    ),
    "git-LFS pointer": _whole(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 1\n", b"version", "encoding"
    ),
    "no final newline": Case((GOOD * 10)[:-1], (Told("encoding", "notice", 10),), 10),
}
LATE = 40_000
"""Good lines before the bad one, in the variants that come late in a file."""
LATE_CASES = (
    "extra top-level column",
    "Alpaca among messages",
    "tool calls",
    "tool answer without a call",
    "truncated line",
    "content list",
    "NaN",
    "invalid UTF-8",
    "two objects on one line",
    "BOM of a file that was appended",
)
