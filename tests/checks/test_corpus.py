"""Every file of the corpus, and that every check has both kinds."""

from pathlib import Path

import pytest

from ftgate.checks import CHECKS, READER_CHECKS
from tests.checks.corpus import check_of, corpus, findings_in, lines_of


def name(path: Path) -> str:
    return "/".join(path.parts[-3:])


def test_every_check_has_files_that_pass_and_files_that_fail() -> None:
    every = {*CHECKS, *READER_CHECKS}
    assert {check_of(path) for path in corpus("pass")} == every
    assert {check_of(path) for path in corpus("fail")} == every


@pytest.mark.parametrize("path", corpus("pass"), ids=name)
def test_passes(path: Path) -> None:
    assert [f for f in findings_in(path) if f.check == check_of(path)] == []


@pytest.mark.parametrize("path", corpus("fail"), ids=name)
def test_fails(path: Path) -> None:
    findings = [f for f in findings_in(path) if f.check == check_of(path)]
    assert findings
    if (lines := lines_of(path)) is not None:
        assert {finding.line for finding in findings} == lines
    assert all(finding.message.endswith(".") and len(finding.message) < 600 for finding in findings)
