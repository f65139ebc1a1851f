"""--format schema: lines of no known format, judged by a schema of the repository's own alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ftgate.cli.validate import validate

SCHEMA = {
    "type": "object",
    "required": ["question", "sql"],
    "additionalProperties": False,
    "properties": {"question": {"type": "string", "minLength": 1}, "sql": {"type": "string"}},
}
GOOD = b'{"question": "how many", "sql": "select count(*)"}\n'


def findings(tmp_path: Path, data: bytes, *options: str) -> tuple[int, dict[str, Any]]:
    (tmp_path / "line.schema.json").write_text(json.dumps(SCHEMA))
    (tmp_path / "data.jsonl").write_bytes(data)
    named = ["--schema", str(tmp_path / "line.schema.json"), "--output-format", "json", *options]
    done = CliRunner().invoke(validate, [*named, str(tmp_path / "data.jsonl")], standalone_mode=False)
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.exception is None
    return done.return_value, told


def test_lines_that_fit_are_counted_and_nothing_is_said_of_them(tmp_path: Path) -> None:
    code, told = findings(tmp_path, GOOD * 3, "--format", "schema")
    assert (code, told["findings"]) == (0, [])
    assert (told["files"][0]["examples"], told["files"][0]["skipped"]) == (3, 0)


def test_the_formats_know_no_such_line(tmp_path: Path) -> None:
    code, told = findings(tmp_path, GOOD * 3)
    assert code == 1 and {finding["check"] for finding in told["findings"]} >= {"format"}


@pytest.mark.parametrize(
    ("line", "check", "pointer"),
    [
        (b'{"question": "", "sql": "x"}\n', "format", "/question"),
        (b'{"question": "q", "sql": 5}\n', "format", "/sql"),
        (b'{"question": "q"}\n', "format", ""),
        (b'{"question": "q", "sql": "x", "sql": "y"}\n', "json", "/sql"),
        (b'{"question": "q", "sql": NaN}\n', "json", "/sql"),
        (b'{"question": "q", "sql": "\xff"}\n', "encoding", "/sql"),
        (b'["question"]\n', "format", ""),
        (b'{"messages": [{"role": "user", "content": "q"}]}\n', "format", ""),
        (b'{"question": \n', "json", "/question"),
    ],
)
def test_every_other_line_is_found_at_its_place(
    tmp_path: Path, line: bytes, check: str, pointer: str
) -> None:
    code, told = findings(tmp_path, GOOD + line + GOOD, "--format", "schema")
    assert code == 1
    assert {finding["line"] for finding in told["findings"]} == {2}
    assert (check, pointer) in {(finding["check"], finding["pointer"]) for finding in told["findings"]}
    assert (told["files"][0]["examples"], told["files"][0]["skipped"]) == (2, 1)


def test_it_needs_a_schema(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_bytes(GOOD)
    done = CliRunner().invoke(validate, ["--format", "schema", str(tmp_path / "data.jsonl")])
    assert done.exit_code == 2 and "--schema" in done.output


def test_an_empty_file_is_no_pass(tmp_path: Path) -> None:
    assert findings(tmp_path, b"", "--format", "schema")[0] == 1
