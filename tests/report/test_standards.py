"""SARIF and JUnit as their readers expect them.

`sarif-2.1.0-rtm.5.json.gz` is the official schema of SARIF 2.1.0 without its descriptions, as @microsoft/jest-sarif
1.0.0-beta.0 ships it (copyright Microsoft Corporation, MIT License, https://github.com/microsoft/sarif-js-sdk).
"""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft4Validator

from ftgate.report.findings import FORMATS, FindingsReport
from ftgate.values.finding import Finding, Severity
from tests.report.golden import compared_report, findings_report
from tests.report.hostile import ATTACKS

HOSTILE = FindingsReport(
    findings=tuple(
        Finding(
            check=f"c{text}",
            severity=level,
            path=f"p{text}",
            line=n,
            column=n,
            message=f"m{text}",
            advice=text,
        )
        for n, text in enumerate(ATTACKS)
        for level in Severity
    )
)
REPORTS = [FindingsReport(), findings_report(), compared_report(), HOSTILE]
SCHEMA = Draft4Validator(
    json.loads(gzip.decompress((Path(__file__).parent / "sarif-2.1.0-rtm.5.json.gz").read_bytes())),
)
FREE = ("properties", "hashes")
URI = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=@/-]|%[0-9A-F]{2})*")


def objects(value: Any, name: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every object with the property that it stands under."""
    if isinstance(value, list):
        return [found for item in value for found in objects(item, name)]
    if not isinstance(value, dict):
        return []
    inner = [found for key, item in value.items() if key not in FREE for found in objects(item, key)]
    return [(name, value), *inner]


@pytest.mark.parametrize("report", REPORTS)
def test_sarif_fits_the_official_schema(report: FindingsReport) -> None:
    log = json.loads(FORMATS["sarif"](report))
    assert [error.message for error in SCHEMA.iter_errors(log)] == []


def test_the_official_schema_refuses_what_it_should() -> None:
    log = json.loads(FORMATS["sarif"](findings_report()))
    ways: tuple[Callable[[dict[str, Any]], object], ...] = (
        lambda result: result.pop("message"),
        lambda result: result.update(level="fatal"),
        lambda result: result["locations"][0]["physicalLocation"]["region"].update(startLine=0),
        lambda result: result.update(severity="error"),
    )
    for break_it in ways:
        broken = json.loads(json.dumps(log))
        break_it(broken["runs"][0]["results"][0])
        assert list(SCHEMA.iter_errors(broken))


@pytest.mark.parametrize("report", REPORTS)
def test_sarif_holds_the_values_that_the_standard_allows(report: FindingsReport) -> None:
    log = json.loads(FORMATS["sarif"](report))
    assert log["version"] == "2.1.0"
    for name, value in objects(log):
        if name == "results":
            rules = log["runs"][0]["tool"]["driver"]["rules"]
            assert rules[value["ruleIndex"]]["id"] == value["ruleId"]
            assert value["level"] in ("error", "warning", "note")
            assert value.get("baselineState", "new") in ("new", "unchanged")
        elif name == "region":
            assert value["startLine"] >= 1 and value.get("startColumn", 1) >= 1
        elif name in ("artifactLocation", "location"):
            assert URI.fullmatch(value["uri"]) and not value["uri"].startswith("/")
    rules = [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))


@pytest.mark.parametrize("report", REPORTS)
def test_junit_has_the_shape_that_its_readers_share(report: FindingsReport) -> None:
    """testsuites > testsuite > testcase > failure or system-out; the counts are those of the children."""
    root = ElementTree.fromstring(FORMATS["junit"](report))
    assert root.tag == "testsuites"
    for suite in root:
        assert suite.tag == "testsuite"
        assert {"name", "tests", "failures", "errors", "skipped", "time"} <= set(suite.keys())
        assert int(suite.get("tests", "")) == len(suite) > 0
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        for case in suite:
            assert case.tag == "testcase" and {"name", "classname", "time"} == set(case.keys())
            assert [child.tag for child in case] in ([], ["failure"], ["system-out"])
            assert all({"message", "type"} == set(failure.keys()) for failure in case.iter("failure"))
    assert int(root.get("tests", "")) == len(root.findall("testsuite/testcase"))
    assert int(root.get("failures", "")) == len(root.findall("testsuite/testcase/failure"))
    assert root.get("errors") == "0"


@pytest.mark.parametrize("report", REPORTS)
def test_github_gets_one_command_a_finding_and_no_other(report: FindingsReport) -> None:
    shown = FORMATS["github"](report).splitlines()
    commands = [line for line in shown if line.startswith("::")]
    assert len(commands) == sum(
        min(10, sum(finding.severity is level for finding in report.findings)) for level in Severity
    )
    for line in commands:
        assert re.match(
            r"::(error|warning|notice) file=[^,:\s][^,:]*(,line=\d+)?(,col=\d+)?,title=[^,:]*::", line
        )
    assert all(line.startswith(("::", "Not annotated")) for line in shown)
