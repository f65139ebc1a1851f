"""The benchmark runs and prints a table; its data is the same every time."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import data
from tests.edges.reading import read

ROOT = Path(__file__).parent.parent


def test_the_data_is_seeded_and_its_bad_lines_are_bad() -> None:
    good = b"".join(data.lines(300_000))
    assert good == b"".join(data.lines(300_000))
    examples, findings, _ = read(good)
    assert len(examples) > 100 and not findings
    assert {finding.check for finding in read(b"".join(data.lines(300_000, bad=0.3)))[1]} == {
        "json",
        "format",
    }


@pytest.mark.skipif(importlib.util.find_spec("orjson") is None, reason="orjson is not installed")
def test_the_command_prints_a_table(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "benchmarks.validate",
        "--size",
        "1",
        "--rounds",
        "1",
        "--only",
        "core",
        "--data",
    ]
    done = subprocess.run([*command, tmp_path], cwd=ROOT, capture_output=True, text=True, check=True)
    rows = done.stdout.splitlines()
    assert "of orjson" in rows[0] and "orjson.loads" in rows[2]
    assert any("strict core" in row for row in rows)
