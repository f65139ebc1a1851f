"""Every malformed input has the right verdict at the right place, early in a file and late, and never a traceback."""

import io

import pytest

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.edges.jsonl import read_jsonl
from ftgate.stages.sift import sift
from ftgate.values.finding import Finding
from ftgate.values.settings import DataSettings, Level, Limits
from tests.edges.matrix import CASES, LATE, LATE_CASES, Told
from tests.edges.reading import GOOD, PRETTY, brief, fifth, turns

ABOUT_LINES = ("encoding", "json", "format", "roles")


def read(data: bytes, target: str) -> tuple[list[Finding], int]:
    context = Context(data=DataSettings(train=(), target=target))
    files, findings = sift([read_jsonl("f.jsonl", io.BytesIO(data))], Checks(context))
    assert files[0].bytes == len(data)
    return [finding for finding in findings if finding.check in ABOUT_LINES], files[0].examples


def place(data: bytes, told: Told) -> tuple[int, int, int]:
    """Line, column and byte offset of what is told, from the bytes alone."""
    starts = [0, *(n + 1 for n, byte in enumerate(data) if byte == 10)]
    if told.at is None:
        start = starts[max(told.line - 1, 0)]
        return told.line, 0, start if told.check == "roles" else len(data)
    offset = data.index(told.at, starts[told.line - 1]) if told.at else len(data)
    prefix = data[starts[told.line - 1] : offset].decode("utf-8", "surrogateescape")
    return told.line, len(prefix) + 1, offset


@pytest.mark.parametrize("name", CASES)
def test_every_case_has_its_verdict_and_place(name: str) -> None:
    case = CASES[name]
    findings, count = read(case.data, case.target)
    got = [(f.check, f.severity.value, f.line, f.column, f.byte_offset, f.pointer) for f in findings]
    wanted = [(t.check, t.severity, *place(case.data, t), t.pointer) for t in case.told]
    assert sorted(got) == sorted(wanted)
    assert count == case.examples


@pytest.mark.parametrize("name", LATE_CASES)
def test_late_in_a_file_the_verdict_and_the_place_are_the_same(name: str) -> None:
    case = CASES[name]
    line = case.data[4 * len(GOOD) :].removesuffix(GOOD * 5)
    data = GOOD * LATE + line + GOOD * 200
    findings, _ = read(data, case.target)
    ahead = (LATE - 4) * len(GOOD)
    early, _ = read(case.data, case.target)
    assert [(f.line, f.column, f.byte_offset) for f in findings] == [
        (f.line + LATE - 4, f.column, f.byte_offset + ahead) for f in early
    ]
    assert [(f.check, f.pointer, f.message) for f in findings] == [
        (f.check, f.pointer, f.message) for f in early
    ]


def limited(data: bytes, limits: Limits, blank_lines: Level = "warning") -> tuple[list[str], int]:
    things = list(read_jsonl("f.jsonl", io.BytesIO(data), "auto", limits, blank_lines))
    findings = [thing for thing in things if isinstance(thing, Finding)]
    return brief(findings), len(things) - len(findings)


def test_line_and_depth_limits_come_from_the_settings() -> None:
    long = fifth(turns(("user", "q" * 2000), ("assistant", "a")))
    assert limited(long, Limits(line_bytes=1000)) == (["encoding error 5"], 9)
    assert limited(long, Limits(line_bytes=3000)) == ([], 10)
    assert limited(CASES["12 MB line"].data, Limits(line_bytes=20_000_000)) == ([], 10)
    deep = (
        b'{"messages": [{"role": "user", "content": "q"}], "metadata": {"x": '
        + b"[" * 98
        + b"]" * 98
        + b"}}\n"
    )
    assert limited(fifth(deep), Limits(depth=99)) == (["json error 5"], 9)
    assert limited(fifth(deep), Limits(depth=100)) == ([], 10)
    assert limited(PRETTY, Limits(line_bytes=1000, depth=8)) == (["json error 1"], 0)


@pytest.mark.parametrize(
    ("level", "told"),
    [("error", ["encoding error 5"]), ("notice", ["encoding notice 5"]), ("off", [])],
)
def test_blank_lines_are_a_policy(level: Level, told: list[str]) -> None:
    assert limited(fifth(b" \t\n\n"), Limits(), level) == (told, 9)
