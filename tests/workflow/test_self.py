"""This repository gates itself: settings, data and prompts are valid, and a change to them is the gate's business."""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ftgate.cli.main import main
from ftgate.cli.workflows import caller
from tests.edges.repositories import GitRepository
from tests.workflow.stage import ROOT

OURS = ("ftgate.yaml", "data", "regression")


@pytest.fixture
def ours(tmp_path: Path) -> GitRepository:
    made = GitRepository(tmp_path / "ours")
    for name in OURS:
        for file in [ROOT / name] if (ROOT / name).is_file() else sorted((ROOT / name).rglob("*")):
            if file.is_file():
                made.write(str(file.relative_to(ROOT)), file.read_bytes())
    made.commit("main")
    return made


def test_our_data_is_clean(ours: GitRepository, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--repo", str(ours.root), "--output-format", "json", "--quiet"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["findings"] == []
    assert 60 <= sum(file["examples"] for file in report["files"]) <= 120


def test_a_change_to_our_data_trains(ours: GitRepository, tmp_path: Path) -> None:
    ours.git("checkout", "-q", "-b", "topic")
    first = (ours.root / "data/train/messages.jsonl").read_text().splitlines(keepends=True)
    ours.write("data/train/messages.jsonl", "".join(first[:-3]))
    ours.commit("fewer")
    said = tmp_path / "said"
    common = ["--repo", str(ours.root), "--out", str(tmp_path / "out"), "--outputs", str(said), "--quiet"]
    assert main(["plan", "--base", "main", "--head", "topic", *common]) == 0
    assert main(["validate", *common]) == 0
    assert {"applicable=true", "trains=true"} <= set(said.read_text().splitlines())


def test_our_workflow_is_the_one_that_others_get() -> None:
    """But for what names the commit, and the secrets that this repository does not need."""
    load = YAML(typ="safe").load
    ours, theirs = load((ROOT / ".github/workflows/ftgate.yml").read_text()), load(caller("0" * 40))
    (call,), (other) = ours["jobs"].values(), theirs["jobs"]["gate"]
    assert call.pop("uses").startswith("./.github/workflows/gate.yml")
    assert other.pop("uses").startswith("./.github/workflows/gate.yml")
    for name in ("ftgate-repository", "ftgate-commit"):
        del other["with"][name]
    del other["secrets"]
    assert ours == theirs
