"""Bytes in, examples and findings out: the malformed matrix, places, and what must hold for any bytes."""

import io
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftgate.edges.jsonl import read_jsonl
from ftgate.errors import OutsideError
from ftgate.values.dataset import DataFile, Example
from ftgate.values.digest import digest_bytes
from ftgate.values.finding import Finding
from ftgate.values.settings import Limits
from tests.edges.reading import GOOD, PRETTY, TURN, brief, fifth, read, turns

MATRIX: dict[str, tuple[bytes, list[str], int]] = {  # bytes, findings, examples
    "good": (GOOD * 10, [], 10),
    "BOM": (b"\xef\xbb\xbf" + GOOD * 10, ["encoding error 1"], 10),
    "BOM of a file appended": (fifth(b"\xef\xbb\xbf" + GOOD), ["encoding error 5"], 10),
    "CRLF": (GOOD.replace(b"\n", b"\r\n") * 10, ["encoding warning 1"], 10),
    "CR only": (GOOD.replace(b"\n", b"\r") * 10, ["encoding error 1"], 0),
    "CR inside": (fifth(GOOD.strip() + b"\r" + GOOD), ["encoding error 5"], 9),
    "blank line in the middle": (fifth(b"\n"), ["encoding warning 5"], 9),
    "blank lines at the end": (GOOD * 10 + b"\n \t\n", ["encoding warning 11"], 10),
    "invalid UTF-8": (
        fifth(turns(("user", "é"), ("assistant", "a")).replace(b"\xc3", b"")),
        ["encoding error 5"],
        9,
    ),
    "raw surrogate": (
        fifth(b'{"messages": [{"role": "user", "content": "\xed\xa0\x80"}]}\n'),
        ["encoding error 5"],
        9,
    ),
    "lone surrogate escape": (fifth(GOOD.replace(b'"q"', b'"\\ud83d"')), ["encoding error 5"], 9),
    "swapped surrogates": (fifth(GOOD.replace(b'"q"', b'"\\ude00\\ud83d"')), ["encoding error 5"] * 2, 9),
    "surrogate pair": (fifth(GOOD.replace(b'"q"', b'"\\ud83d\\ude00"')), [], 10),
    "NUL": (fifth(GOOD.replace(b'"q"', b'"\0"')), ["encoding error 5"], 9),
    "NUL escape": (fifth(GOOD.replace(b'"q"', b'"\\u0000"')), ["encoding error 5"], 9),
    "NUL escape escaped": (fifth(GOOD.replace(b'"q"', b'"\\\\u0000"')), [], 10),
    "NaN": (fifth(b'{"messages": [' + TURN + b', "metadata": {"x": NaN}}\n'), ["json error 5"], 9),
    "Infinity": (fifth(b'{"messages": [' + TURN + b', "metadata": {"x": -Infinity}}\n'), ["json error 5"], 9),
    "overflow": (fifth(b'{"messages": [' + TURN + b', "metadata": {"x": 1e999}}\n'), ["json error 5"], 9),
    "duplicate key": (
        fifth(b'{"messages": [{"role": "user", "role": "user", "content": "q"}]}\n'),
        ["json error 5"],
        9,
    ),
    "duplicate escaped key": (
        fifth(b'{"messages": [' + TURN + b', "id": "", "\\u0069d": ""}\n'),
        ["json error 5"],
        9,
    ),
    "U+2028 raw": (fifth(turns(("user", "a\u2028b\x85c\u2029"), ("assistant", "a"))), [], 10),
    "two objects": (fifth(GOOD.strip() + GOOD), ["json error 5"], 9),
    "trailing text": (fifth(GOOD.strip() + b" x\n"), ["json error 5"], 9),
    "comma at the end": (fifth(GOOD.strip() + b",\n"), ["json error 5"], 9),
    "trailing commas": (fifth(b'{"messages": [' + TURN[:-1] + b",],}\n"), ["json error 5"] * 2, 9),
    "truncated": (fifth(GOOD[:30] + b"\n"), ["json error 5"], 9),
    "truncated between strings": (
        fifth(b'{"messages": [{"role": "user", "content": "q"},\n'),
        ["json error 5"],
        9,
    ),
    "truncated last line": (GOOD * 4 + GOOD[:30], ["json error 5", "encoding notice 5"], 4),
    "pretty-printed record": (fifth(PRETTY), ["json error 5"], 9),
    "pretty-printed records": (fifth(PRETTY * 3), ["json error 5"], 9),
    "pretty-printed file": (PRETTY * 50, ["json error 1"], 0),
    "array on one line": (b"[" + GOOD.strip() + b"," + GOOD.strip() + b"]\n", ["format error 1"], 0),
    "array, one element a line": (b"[\n" + GOOD.strip() + b",\n" + GOOD + b"]\n", ["json error 1"], 0),
    "array, pretty-printed": (
        json.dumps([json.loads(GOOD)] * 9, indent=1).encode() + b"\n",
        ["json error 1"],
        0,
    ),
    "array never closed": (b"[\n" + GOOD * 4, ["json error 1"], 4),
    "empty assistant": (fifth(turns(("user", "q"), ("assistant", ""))), [], 10),  # the check roles says it
    "content null": (fifth(turns(("user", "q"), ("assistant", None))), ["format error 5"], 9),
    "content object": (fifth(turns(("user", "q"), ("assistant", {"a": 1}))), ["format error 5"], 9),
    "content list": (fifth(turns(("user", [{"type": "text", "text": "q"}]))), ["format error 5"], 9),
    "role User": (fifth(turns(("User", "q"), ("assistant", "a"))), ["format error 5"], 9),
    "no messages": (fifth(b'{"messages": []}\n'), ["format error 5"], 9),
    "extra key": (fifth(turns(("user", "q"), ("assistant", "a"), weight=1)), ["format error 5"], 9),
    "Alpaca among messages": (fifth(b'{"instruction": "a", "output": "b"}\n'), ["format error 5"], 9),
    "preference pair": (fifth(b'{"prompt": "a", "chosen": "b", "rejected": "c"}\n'), ["format error 5"], 9),
    "not an object": (fifth(b'[1]\nnull\n"a"\n5\n'), [f"format error {n}" for n in (5, 6, 7, 8)], 9),
    "5,000-deep nesting": (fifth(b'{"messages": ' + b"[" * 5000 + b"]" * 5000 + b"}\n"), ["json error 5"], 9),
    "30-digit integer": (fifth(turns(("user", "q"), metadata={"n": 10**30})), [], 10),
    "5,000-digit integer": (
        fifth(b'{"messages": [' + TURN + b', "metadata": {"n": ' + b"9" * 5000 + b"}}\n"),
        ["json error 5"],
        9,
    ),
    "single quotes": (fifth(b"{'messages': []}\n"), ["json error 5"], 9),
    "Python literals": (
        fifth(b'{"messages": [' + TURN + b', "metadata": {"a": True}}\n'),
        ["json error 5"],
        9,
    ),
    "raw tab in a string": (fifth(GOOD.replace(b'"q"', b'"a\tb"')), ["json error 5"], 9),
    "unknown escape": (fifth(GOOD.replace(b'"q"', b'"\\q"')), ["json error 5"], 9),
    "UTF-16": ((GOOD * 10).decode().encode("utf-16"), ["encoding error 1"], 0),
    "UTF-16 without BOM": ((GOOD * 10).decode().encode("utf-16-le"), ["encoding error 1"], 0),
    "empty file": (b"", ["encoding error 0"], 0),
    "blank file": (b"\n\n", ["encoding warning 1", "encoding error 2"], 0),
    "12 MB line": (fifth(turns(("user", "q" * 12_000_000))), ["encoding error 5"], 9),
    "9 MB line": (fifth(turns(("user", "q" * 9_000_000))), [], 10),
    "git-LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 1\n",
        ["encoding error 1"],
        0,
    ),
    "no final newline": ((GOOD * 10).strip(), ["encoding notice 10"], 10),
}


@pytest.mark.parametrize("case", MATRIX)
def test_malformed_matrix(case: str) -> None:
    data, expected, count = MATRIX[case]
    examples, findings, file = read(data)
    assert brief(findings) == expected
    assert len(examples) == count
    assert file == DataFile(
        path="f.jsonl",
        sha256=digest_bytes(data),
        bytes=len(data),
        lines=data.count(b"\n") + (not data.endswith(b"\n") and bool(data)),
        examples=count,
        skipped=file.lines - count,
    )


def test_every_problem_of_a_line_has_its_own_place() -> None:
    line = (
        '{"messages": [{"role": "é", "content": null, "weight": 2}, 5, {"content": "\\ud800", "content": NaN}],'
        ' "tools": {}, "message": 1}\n'
    ).encode()
    _, findings, _ = read(GOOD + line)
    text = line.decode()
    told = {(f.check, f.pointer): f for f in findings}
    assert set(told) == {
        ("format", "/messages/0/role"),
        ("format", "/messages/0/content"),
        ("format", "/messages/0/weight"),
        ("format", "/messages/1"),
        ("format", "/messages/2"),
        ("encoding", "/messages/2/content"),
        ("json", "/messages/2/content"),
        ("format", "/tools"),
        ("format", "/message"),
        ("format", "/messages/2/content"),
    }
    weight = told["format", "/messages/0/weight"]
    assert text[weight.column - 1] == "2"
    assert (GOOD + line)[weight.byte_offset : weight.byte_offset + 1] == b"2"
    assert weight.byte_offset == len(GOOD) + weight.column  # one character of two bytes stands before it
    assert {f.line for f in findings} == {2}


def test_what_is_said_about_pretty_printed_records() -> None:
    lines = len(PRETTY.splitlines())
    assert [f.message for f in read(PRETTY)[1]] == [f"One record is spread over lines 1 to {lines}."]
    assert [f.message for f in read(PRETTY * 3)[1]] == [f"3 records are spread over lines 1 to {3 * lines}."]


def test_a_line_with_very_many_problems_is_cut_short() -> None:
    _, findings, _ = read(b'{"messages": [' + b"1," * 5000 + b"1]}\n")
    assert len(findings) == 101
    assert "further problems" in findings[-1].message


def test_a_disk_that_fails_is_the_outside() -> None:
    class Broken(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            raise OSError("input/output error")

    with pytest.raises(OutsideError, match=r"f\.jsonl"):
        list(read_jsonl("f.jsonl", Broken()))


def test_memory_does_not_grow_with_the_file() -> None:
    class Endless(io.BytesIO):
        def __init__(self) -> None:
            self.left = 3000

        def readline(self, size: int | None = -1, /) -> bytes:
            self.left -= 1
            return GOOD if self.left >= 0 else b""

    stream = read_jsonl("f.jsonl", Endless())
    tracemalloc.start()
    try:
        assert sum(1 for _ in stream) == 3000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * len(GOOD)
    assert stream.file.lines == 3000


WHOLE = (
    GOOD,
    PRETTY,
    GOOD[:40],
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"NaN",
    b"null\n",
    b'{"messages": [',
    b'"\\ud800"',
)
SIGNS = (b"\n", b"\r\n", b"\r", b"{", b"[", b"]", b"}", b'"', b"\\", b"\0", b"\xff", b",")
PIECES = st.one_of(st.sampled_from(WHOLE), st.sampled_from(SIGNS), st.binary(max_size=4))
BYTES = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=30).map(b"".join))


@given(BYTES)
@settings(max_examples=400, deadline=None)
def test_any_bytes_give_findings_and_never_an_exception(data: bytes) -> None:
    examples, findings, file = read(data)
    assert file.lines == len(data.split(b"\n")) - (data.endswith(b"\n") or not data)
    assert file.bytes == len(data)
    assert file.sha256 == digest_bytes(data)
    assert file.examples == len(examples)
    assert all(0 <= f.line <= file.lines and 0 <= f.byte_offset <= len(data) for f in findings)
    assert all(f.column >= 0 and f.message for f in findings)
    if file.skipped:
        assert findings


@given(BYTES)
@settings(max_examples=200, deadline=None)
def test_findings_and_examples_come_in_line_order(data: bytes) -> None:
    placed = [t.place.line if isinstance(t, Example) else t.line for t in read_jsonl("f", io.BytesIO(data))]
    assert placed == sorted(placed)


@pytest.mark.parametrize("batched", [False, True])
def test_a_file_of_a_declared_format_that_begins_plain_is_not_empty(batched: bool) -> None:
    stream = read_jsonl("f", io.BytesIO(GOOD * 3), "conversation")
    things = list(stream.batches() if batched else stream)
    assert not [thing for thing in things if isinstance(thing, Finding)]
    assert stream.file.examples == 3


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_small_limit_of_depth_holds_for_plain_lines_too(depth: int) -> None:
    prompt = b'{"prompt": "q", "completion": "a"}\n'
    for data, nested in ((GOOD * 3, 3), (prompt * 3, 1)):
        for batched in (False, True):
            stream = read_jsonl("f", io.BytesIO(data), limits=Limits(depth=depth))
            things = list(stream.batches() if batched else stream)
            refused = [thing for thing in things if isinstance(thing, Finding)]
            assert len(refused) == (0 if depth >= nested else 3), (data, batched)
            assert stream.file.examples == 3 - len(refused)
