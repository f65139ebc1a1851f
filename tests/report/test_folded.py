"""The comment in a terminal: folded, aligned, nothing that only GitHub understands."""

import re

import pytest

from ftgate.report.comment import comment
from ftgate.report.folded import WIDTH, folded
from ftgate.report.quote import columns
from tests.report.kinds import KINDS


@pytest.mark.parametrize("kind", list(KINDS))
def test_nothing_is_left_that_only_github_understands(kind: str) -> None:
    text = folded(comment(KINDS[kind]()))
    for mark in ("<details>", "<summary>", "```mermaid", "<!--", "&nbsp;", "<br>"):
        assert mark not in text
    assert "## " in text


@pytest.mark.parametrize("kind", list(KINDS))
def test_table_lines_fit_the_terminal(kind: str) -> None:
    lines = folded(comment(KINDS[kind]())).splitlines()
    assert all(columns(line) <= WIDTH for line in lines if line.startswith("  "))


def test_folded_parts_show_their_summary() -> None:
    text = folded(
        "## x\n\n<details>\n<summary>outer</summary>\n\n<details>\n<summary>in</summary>\n\n"
        "</details>\n</details>\n"
    )
    assert "▸ outer" in text
    assert not re.search("▸ in", text)


def test_columns_line_up() -> None:
    text = folded("| a | b |\n| :-- | :-- |\n| long | x |\n| ü | `y` |\n")
    assert text.splitlines() == ["a     b", "  long  x", "  ü     `y`"]
