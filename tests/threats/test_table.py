"""No defence is lost unseen: every threat names tests that exist, or an assumption that SECURITY.md states."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.threats.table import ROWS

ROOT = Path(__file__).parent.parent.parent
SECURITY = (ROOT / ".github" / "SECURITY.md").read_text()


@cache
def names(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_all_threats_are_there() -> None:
    assert list(ROWS) == list(range(1, 31))


@pytest.mark.parametrize("number", ROWS)
def test_the_tests_of_a_threat_exist(number: int) -> None:
    row = ROWS[number]
    assert bool(row.tests) != bool(row.assumed)
    assert row.assumed in SECURITY
    for test in row.tests:
        path, name = test.split("::")
        found = names(path)
        assert found if name == "*" else name in found, test


def test_security_says_what_the_gate_assumes_and_what_it_does_not_defend() -> None:
    for word in (
        "Not defended",
        "ephemeral",
        "docker socket",
        "egress",
        "runner group",
        "/ftgate run",
        "waive",
    ):
        assert word in SECURITY, word
