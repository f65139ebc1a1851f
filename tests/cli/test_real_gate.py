"""The whole gate with nothing faked: real git, real NF4 QLoRA on the bundled model, real completions and verdicts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ftgate.demo.sample import Sizes, make_sample

pytestmark = pytest.mark.slow


class Gate:
    """Runs `ftgate run` on the sample repository and reads what it left."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.repository = make_sample(root / "repository", Sizes(train=40, more=5, held_out=8, prompts=4))

    def __call__(self, head: str, *options: str) -> tuple[int, dict[str, Any], str]:
        out = self._root / "out" / head
        command = [sys.executable, "-m", "ftgate.cli.main", "run", "--repo", str(self.repository)]
        command += ["--base", "main", "--head", head, "--out", str(out), "--store", str(self._root / "store")]
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads((out / "run.json").read_text()), (out / "comment.md").read_text()


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return Gate(tmp_path_factory.mktemp("gate"))


def passed(run: dict[str, Any], arm: str) -> int:
    items = run["evaluation"]["arms"][arm]["items"]
    return sum(all(grade["outcome"] == "passed" for grade in item["grades"]) for item in items)


def deciding(run: dict[str, Any]) -> list[dict[str, Any]]:
    """Reasons but for what says what was reused."""
    return [reason for reason in run["verdict"]["reasons"] if reason["id"] != "reused"]


def test_correct_examples_pass_and_swapped_labels_are_blocked(gate: Gate) -> None:
    code, good, comment = gate("more-examples")
    assert (code, good["verdict"]["outcome"]) == (0, "pass"), good["verdict"]
    assert len(good["comparison"]["broken"]) <= 2
    assert passed(good, "candidate") > passed(good, "base") + 20
    assert not good["baseline"]["reused"]
    assert "Pass" in comment.splitlines()[1]

    code, bad, comment = gate("relabel")
    assert (code, bad["verdict"]["outcome"]) == (1, "fail"), bad["verdict"]
    assert bad["verdict"]["decided_by"] == "decide"
    broken = bad["comparison"]["broken"]
    assert len(broken) >= 3
    assert {id.rpartition("-")[0] for id in broken} <= {"parcel_late", "parcel_damaged"}
    assert bad["baseline"]["reused"] and bad["baseline"]["key"] == good["baseline"]["key"]
    assert bad["evaluation"]["arms"]["baseline"]["reused"]
    for id in broken:
        assert id in comment
    assert "reused" in comment or "not done again" in comment

    code, again, _ = gate("relabel")
    assert (code, again["candidate"]["reused"]) == (1, True)
    assert deciding(again) == deciding(bad)


def test_the_work_tree_is_not_touched(gate: Gate) -> None:
    status = ["git", "-C", str(gate.repository), "status", "--porcelain"]
    assert subprocess.run(status, capture_output=True, text=True, check=True).stdout == ""
