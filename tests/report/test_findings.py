import json
import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from ftgate.report.findings import FORMATS, FindingsReport
from ftgate.report.findings.text import lines
from ftgate.report.quote import columns, visible
from ftgate.values.finding import Excerpt, Finding, Severity
from tests.report.foreign import texts
from tests.report.golden import compared_report, findings_report
from tests.report.parts import file

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/findings.schema.json").read_text("utf-8"))


def report(
    number: int = 1, text: str = "message", severity: Severity = Severity.ERROR, alike: bool = True
) -> FindingsReport:
    findings = tuple(
        Finding(
            check="output",
            severity=severity,
            path="a.jsonl",
            line=n + 1,
            column=3,
            message=text if alike else f"{text} {n}",
            advice="fix",
        )
        for n in range(number)
    )
    return FindingsReport(files=(file("a.jsonl", 40), file("b.jsonl", 2)), findings=findings)


def hostile_report(text: str) -> FindingsReport:
    finding = Finding(
        check="c" + text, severity=Severity.ERROR, path="p" + text, line=1, message="m" + text, advice=text
    )
    return FindingsReport(findings=(finding,))


@pytest.mark.parametrize("given_report", [FindingsReport(), findings_report(), report(3)])
def test_json_keeps_the_contract(given_report: FindingsReport) -> None:
    content = json.loads(FORMATS["json"](given_report))
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(content)
    assert content["schema"] == "ftgate.findings/1"
    assert len(content["findings"]) == len(given_report.findings)


@pytest.mark.parametrize("render", FORMATS.values(), ids=FORMATS)
def test_nothing_found_is_said_in_every_format(render: object) -> None:
    assert callable(render)
    assert isinstance(render(FindingsReport()), str)


def test_text_caps_each_check_and_advises_once() -> None:
    text = FORMATS["text"](report(25, alike=False))
    assert text.count("  error    output") == 10
    assert "  and 15 more of output\n" in text
    assert text.count("→ fix") == 1
    assert text.endswith("2 files, 42 examples: 25 errors\n")


def test_text_says_the_same_once_and_names_the_lines() -> None:
    text = FORMATS["text"](report(25))
    assert text.count("  error    output") == 1
    assert "also on lines 2‑25\n" in text


def test_text_proves_what_was_read() -> None:
    text = FORMATS["text"](report())
    sha256 = file("a.jsonl", 40).sha256[:12]
    assert f"  a.jsonl  9,600 bytes, 40 lines, 40 examples, skipped = 0, sha256 {sha256}\n" in text


def excerpted(line: str, at: int | None, width: int = 100) -> list[str]:
    finding = Finding(check="json", severity=Severity.ERROR, path="a.jsonl", line=1, column=1, message="m")
    excerpt = Excerpt(text=line, at=at, column=(at or 0) + 1, begins=True, ends=True)
    given_report = FindingsReport(findings=(finding,), excerpts={finding: excerpt})
    shown = ["".join(span.text for span in spans) for spans in lines(given_report, width)]
    return [each for each in shown if "│" in each]


@pytest.mark.parametrize("before", ["", "abc", "日本語" * 30, "é" * 200, "\x1b[31m" * 9, "a\u0301" * 70])
def test_the_caret_stands_below_its_character_and_nothing_is_too_wide(before: str) -> None:
    shown, caret = excerpted(f"{before}X{'tail' * 50}", len(before))
    assert columns(shown) <= 100 and "\x1b" not in shown
    assert columns(shown[: shown.index("X")]) == columns(caret) - 1


def test_a_whole_line_has_no_caret() -> None:
    assert len(excerpted("the line", None)) == 1


@settings(deadline=None)
@given(texts, texts)
def test_excerpts_do_not_act(before: str, after: str) -> None:
    for shown in excerpted(f"{before}X{after}", len(before)):
        assert "\x1b" not in shown and "\n" not in shown and "##[" not in shown
        assert columns(shown) <= 100


def test_github_annotates_ten_of_each_level_and_counts_the_rest() -> None:
    lines = FORMATS["github"](report(25)).splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert lines[0] == "::error file=a.jsonl,line=1,col=3,title=ftgate output::message%0Afix"
    assert lines[-1] == "Not annotated, because GitHub keeps 10 of each level: 15 errors"


def test_sarif_names_rules_places_and_levels() -> None:
    run = json.loads(FORMATS["sarif"](report(2, severity=Severity.NOTICE)))["runs"][0]
    assert run["columnKind"] == "unicodeCodePoints"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["output"]
    result = run["results"][1]
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == ("output", 0, "note")
    place = result["locations"][0]["physicalLocation"]
    assert "baselineState" not in result
    assert place == {"artifactLocation": {"uri": "a.jsonl"}, "region": {"startLine": 2, "startColumn": 3}}


def test_formats_tell_old_findings_from_new_ones() -> None:
    given_report = compared_report()
    results = json.loads(FORMATS["sarif"](given_report))["runs"][0]["results"]
    assert Counter(each["baselineState"] for each in results) == {"unchanged": 6, "new": 1}
    annotations = FORMATS["github"](given_report).splitlines()
    assert [("base branch" in line) for line in annotations] == [False] + [True] * 6
    assert json.loads(FORMATS["json"](given_report))["findings"][0]["existing"] is True
    assert FORMATS["junit"](given_report).count("on the base branch already") == 6
    text = FORMATS["text"](given_report)
    assert text.index("  new here\n") < text.index("contradiction") < text.rindex("already\n")
    assert text.endswith(": 1 error, 6 warnings (6 on the base branch already)\n")


@pytest.mark.parametrize(
    ("path", "uri"),
    [("a b/ü%.jsonl", "a%20b/%C3%BC%25.jsonl"), ("/etc/passwd", "etc/passwd"), ("file:///x", "file%3A///x")],
)
def test_sarif_paths_stay_relative(path: str, uri: str) -> None:
    finding = Finding(check="c", severity=Severity.ERROR, path=path, message="m")
    run = json.loads(FORMATS["sarif"](FindingsReport(findings=(finding,))))["runs"][0]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_junit_counts_files_and_cases() -> None:
    root = ElementTree.fromstring(FORMATS["junit"](report(2)))
    assert [(s.get("name"), s.get("tests"), s.get("failures")) for s in root] == [
        ("a.jsonl", "2", "2"),
        ("b.jsonl", "1", "0"),
    ]


def test_junit_warnings_do_not_fail() -> None:
    root = ElementTree.fromstring(FORMATS["junit"](report(2, severity=Severity.WARNING)))
    assert root.get("failures") == "0"
    assert root.findtext(".//system-out") == "warning: message\nfix"


@settings(deadline=None)
@given(texts)
def test_no_format_lets_foreign_text_act(text: str) -> None:
    shown = {name: render(hostile_report(text)) for name, render in FORMATS.items()}
    ElementTree.fromstring(shown["junit"])
    Draft202012Validator(SCHEMA).validate(json.loads(shown["json"]))
    assert json.loads(shown["json"])["findings"][0]["message"] == "m" + text
    assert "](" not in json.loads(shown["sarif"])["runs"][0]["results"][0]["message"]["text"]
    assert len(shown["github"].splitlines()) == 1
    assert all(content.isascii() for content in (shown["json"], shown["sarif"]))
    for line in shown["text"].split("\n"):
        assert not re.match(r"\s*::", line) and "##[" not in line and "\x1b" not in line


def test_a_check_that_finds_much_leaves_annotations_to_the_others() -> None:
    many = report(40, alike=False).findings
    other = tuple(
        Finding(check=check, severity=Severity.ERROR, path="a.jsonl", line=90, message=check)
        for check in ("secrets", "roles")
    )
    text = FORMATS["github"](FindingsReport(findings=many + other))
    assert re.findall(r",line=(\d+),.*title=ftgate (\w+)", text) == [
        *((str(n), "output") for n in range(1, 9)),
        ("90", "secrets"),
        ("90", "roles"),
    ]
    assert "32 errors" in text


def test_every_result_of_sarif_has_its_own_advice() -> None:
    """Code scanning shows the help of a rule beside all its findings."""
    findings = tuple(
        Finding(
            check="encoding", severity=Severity.ERROR, path="a", line=n, message=f"m{n}", advice=f"do {n}"
        )
        for n in (1, 2)
    )
    (run,) = json.loads(FORMATS["sarif"](FindingsReport(findings=findings)))["runs"]
    assert [result["message"]["text"] for result in run["results"]] == ["m1\ndo 1", "m2\ndo 2"]
    assert run["tool"]["driver"]["rules"][0]["help"]["text"] == "do 1\ndo 2"


def test_bytes_that_are_no_utf8_are_shown_as_bytes() -> None:
    assert visible(b"a\xff\xed\xa0".decode("utf-8", "surrogateescape")) == "a<0xFF><0xED><0xA0>"
    assert visible("\ud800") == "<U+D800>"
