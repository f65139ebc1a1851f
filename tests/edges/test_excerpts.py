"""The part of a line that a finding means: found again by its offset, its line or its pointer; secrets masked."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftgate.cli.excerpts import masked, with_excerpts, with_places
from ftgate.cli.main import main
from ftgate.edges.excerpts import PLACED, REACH, excerpts, places
from ftgate.edges.plain_files import open_again
from ftgate.report.findings import FORMATS, FindingsReport
from ftgate.values.finding import Excerpt, Finding, Severity
from tests.edges.reading import GOOD, read, turns


def finding(line: int, *, column: int = 0, offset: int = 0, pointer: str = "", check: str = "c") -> Finding:
    return Finding(
        check=check,
        severity=Severity.ERROR,
        path="f.jsonl",
        line=line,
        column=column,
        byte_offset=offset,
        pointer=pointer,
        message="m",
    )


def one(data: bytes, given_finding: Finding) -> Excerpt:
    (excerpt,) = excerpts(io.BytesIO(data), [given_finding]).values()
    return excerpt


def test_a_column_is_found_by_its_offset_in_bytes() -> None:
    data = GOOD + "ééX tail\n".encode() + GOOD
    excerpt = one(data, finding(2, column=3, offset=len(GOOD) + 4))
    assert (excerpt.text, excerpt.at, excerpt.begins, excerpt.ends) == ("ééX tail", 2, True, True)


def test_a_pointer_is_looked_up_in_its_line() -> None:
    data = GOOD * 3 + turns(("user", "é"), ("assistant", "reply"))
    excerpt = one(data, finding(4, pointer="/messages/1/content"))
    assert excerpt.at is not None and excerpt.text[excerpt.at :].startswith('"reply"')
    assert excerpt.column == excerpt.at + 1


def test_a_whole_line_is_known_by_its_first_question() -> None:
    excerpt = one(GOOD + turns(("system", "s" * 500), ("user", "why?")), finding(2))
    assert excerpt.text.startswith('"why?"') and excerpt.at is None


def test_a_long_line_is_read_in_part() -> None:
    data = b"x" * 50_000 + "é".encode() * 20_000 + b"!" + b"y" * 50_000
    excerpt = one(data, finding(1, column=70_001, offset=90_000))
    assert excerpt.at is not None and excerpt.text[excerpt.at] == "!"
    assert len(excerpt.text) <= 2 * REACH and not excerpt.begins and not excerpt.ends
    assert "\udc00" not in excerpt.text and excerpt.text[0] == "é"


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(1, 5), st.sampled_from(["", "/a", "/0/b"]))
def test_no_place_in_no_file_is_too_odd(data: bytes, offset: int, line: int, pointer: str) -> None:
    for column in (0, 1):
        for excerpt in excerpts(
            io.BytesIO(data), [finding(line, column=column, offset=offset, pointer=pointer)]
        ).values():
            assert "\n" not in excerpt.text
            assert excerpt.at is None or excerpt.at <= len(excerpt.text)


@given(st.binary(max_size=300))
def test_every_finding_of_the_reader_has_its_character(data: bytes) -> None:
    for given_finding, excerpt in excerpts(io.BytesIO(data), read(data)[1]).items():
        if given_finding.column and excerpt.begins:
            assert excerpt.at == given_finding.column - 1


KEY = "AKIA" + "IOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    "line",
    [
        turns(("user", f"my key {KEY} is"), ("assistant", "a")),
        turns(("user", f"my key\n{KEY}\nis"), ("assistant", "a")),
        turns(("User", f"my key\n{KEY}"), ("assistant", "a")),
        f'{{"messages": [{{"role": "user", "content": "{KEY}'.encode() + b"\n",
        b"\xff" + f" mail joe.doe@mail.io or ghp_{'a1' * 18}".encode() + b"\n",
        turns(("user", "-----BEGIN RSA PRIVATE KEY-----\nMIIEsecret123\n"), ("assistant", None)),
    ],
)
def test_no_excerpt_shows_a_secret(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "f.jsonl").write_bytes(GOOD + line)
    found = [*read(GOOD + line)[1], finding(2), finding(2, pointer="/messages/0/content", check="secrets")]
    report = with_excerpts(FindingsReport(findings=tuple(found)), lambda path: open_again(tmp_path, path))
    text = FORMATS["text"](report)
    assert "│" in text and "•" in text
    for secret in (KEY, KEY[:12], "joe", "mail.io", "a1a1a1", "MIIE", "secret123"):
        assert secret not in text


def test_masking_keeps_the_words_of_the_format_and_the_length() -> None:
    excerpt = Excerpt(text='{"content": "über s3cret"}', at=3, column=4, begins=True, ends=True)
    assert masked(excerpt).text == '{"content": "•••• ••••••"}'


def test_what_cannot_be_read_twice_has_no_excerpt(tmp_path: Path) -> None:
    assert open_again(tmp_path, "absent") is None
    assert open_again(tmp_path, ".") is None
    report = FindingsReport(findings=(finding(1),))
    assert with_excerpts(report, lambda path: None).excerpts == {}


def test_machines_are_told_where_in_the_line_a_value_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "é 😀"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    rows = [
        b"\xef\xbb\xbf"
        + turns(("user", "é"), ("user", "again"), ("assistant", '{"a": 1} and mail joe@mail.shop.org')),
        GOOD,
        turns(("user", "é😀"), ("user", "again"), ("assistant", "a joe@mail.shop.org")),
        json.dumps({"messages": messages}, ensure_ascii=False).encode() + b"\n",
    ]
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"".join(rows))
    assert main(["validate", "--output-format", "json", str(file)]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    pointed = [f for f in findings if f["pointer"]]
    assert {f["line"] for f in pointed} >= {1, 3} and "secrets" in {f["check"] for f in pointed}
    lines = file.read_bytes().split(b"\n")
    for f in pointed:
        assert f["column"] > 0
        line = lines[f["line"] - 1]
        value = json.loads(line.decode("utf-8-sig"))
        for part in f["pointer"][1:].split("/"):
            value = value[int(part)] if isinstance(value, list) else value[part]
        written = json.dumps(value, ensure_ascii=False)
        assert line.decode("utf-8-sig")[f["column"] - 1 :].startswith(written[:5])
        assert file.read_bytes()[f["byte_offset"] :].startswith(written[:5].encode())
    for kind, column in (("sarif", '"startColumn"'), ("github", ",col=")):
        main(["validate", "--output-format", kind, str(file)])
        assert capsys.readouterr().out.count(column) >= min(len(pointed), 4)


def test_places_are_looked_up_by_line_where_the_offset_is_not_known_and_in_so_many_lines_only() -> None:
    data = GOOD * (PLACED + 50)
    wanted = [finding(line, pointer="/messages/0/role") for line in range(1, PLACED + 51)]
    found = places(io.BytesIO(data), wanted)
    assert len(found) == PLACED
    for each, (column, offset) in found.items():
        assert offset == (each.line - 1) * len(GOOD) + column - 1
    assert places(io.BytesIO(b"[1]"), [finding(1, pointer="/messages"), finding(9, pointer="/a")]) == {}
    report = FindingsReport(findings=tuple(wanted[:2]))
    assert with_places(report, lambda path: None) == report
