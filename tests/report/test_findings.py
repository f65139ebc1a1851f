import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from ftgate.report.findings import FORMATS, FindingsReport
from ftgate.values.finding import Finding, Severity
from tests.report.foreign import texts
from tests.report.golden import findings_report
from tests.report.parts import file

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/findings.schema.json").read_text("utf-8"))


def report(number: int = 1, text: str = "message", severity: Severity = Severity.ERROR) -> FindingsReport:
    findings = tuple(
        Finding(
            check="output",
            severity=severity,
            path="a.jsonl",
            line=n + 1,
            column=3,
            message=text,
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
    text = FORMATS["text"](report(25))
    assert text.count("  error    output") == 10
    assert "  and 15 more of output\n" in text
    assert text.count("output: fix") == 1
    assert text.endswith("2 files, 42 examples: 25 errors\n")


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
    assert place == {"artifactLocation": {"uri": "a.jsonl"}, "region": {"startLine": 2, "startColumn": 3}}


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
