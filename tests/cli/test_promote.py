"""`ftgate promote` as the default branch's job runs it: real git, a run directory, and an origin."""

import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from ftgate.edges.data_branch import BRANCH, DataBranch
from ftgate.edges.git_objects import GitObjects
from ftgate.edges.run_files import RunDirectory
from ftgate.stages.pipeline import gate
from ftgate.values.run import Request, Run
from ftgate.wire import run_json
from tests.builders import base_files, lines, pairs
from tests.cli.test_commands import Command, ftgate
from tests.edges.repositories import GitRepository
from tests.fakes import FakeRepository, FakeWorld

__all__ = ["ftgate"]


class Merged:
    """A repository whose last push merged a pull request that was tested, and the run that tested it."""

    def __init__(self, root: Path) -> None:
        self.repository = GitRepository(root / "repository")
        for path, content in base_files().items():
            self.repository.write(path, content)
        self.before = self.repository.commit("main")
        self.repository.git("checkout", "-q", "-b", "pull")
        self.repository.write("data/train/b.jsonl", lines(pairs(3, start=100)))
        self.repository.commit("more")
        self.repository.git("checkout", "-q", "main")
        self.repository.git("merge", "-q", "--squash", "pull")
        self.after = self.repository.commit("more (#7)")
        self.out = root / "out"
        ports = FakeWorld(FakeRepository(), root / "fake").ports
        real = GitObjects(self.repository.root, os.environ["PATH"])
        run_files = RunDirectory(self.out)
        gate(Request(base=self.before, head="pull"), replace(ports, repository=real, runs=run_files))
        self.store = root / "no-store"

    def arguments(self, *more: str | Path, base: str | None = None) -> list[str | Path]:
        named: list[str | Path] = [
            "--repo",
            self.repository.root,
            "--base",
            base if base is not None else self.before,
        ]
        return ["promote", *named, "--head", "main", "--store", self.store, "--quiet", *more]


@pytest.fixture
def merged(tmp_path: Path) -> Merged:
    return Merged(tmp_path)


def branch(repository: GitRepository) -> DataBranch:
    return DataBranch(repository.root, {"PATH": os.environ["PATH"]})


def test_the_tested_run_becomes_the_baseline_once(ftgate: Command, merged: Merged) -> None:
    said = ftgate(*merged.arguments("--run", merged.out, "--pull-request", "7"))
    assert said.code == 0, said.err
    assert "Promoted: baseline" in said.out and "tested exactly what was merged" in said.out
    (line,) = branch(merged.repository).ledger().promotions
    assert (line.commit, line.pull_request, line.examples) == (merged.after, 7, 132)
    assert merged.repository.git("status", "--porcelain") == ""
    again = ftgate(*merged.arguments("--run", merged.out, "--pull-request", "7"))
    assert again.code == 0 and "On record already" in again.out
    assert not merged.store.exists()


def test_the_first_push_of_a_branch_has_no_commit_before_it(ftgate: Command, merged: Merged) -> None:
    assert "Promoted" in ftgate(*merged.arguments("--out", merged.out, base="0" * 40)).out


def test_a_commit_before_that_is_not_here_is_said(ftgate: Command, merged: Merged) -> None:
    said = ftgate(*merged.arguments("--run", merged.out, base="1" * 40))
    assert said.code == 0 and "is not here" in said.out and "Promoted" in said.out


def test_the_right_one_of_several_directories_is_found(
    ftgate: Command, merged: Merged, tmp_path: Path
) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text('{"schema": "ftgate.run/1"')
    folders: list[str | Path] = [
        "--run",
        tmp_path / "none",
        "--run",
        tmp_path / "damaged",
        "--run",
        merged.out,
    ]
    said = ftgate(*merged.arguments(*folders))
    assert said.code == 0 and "Promoted" in said.out
    assert "it has no run.json" in said.err and "not a readable run" in said.err


def test_without_a_run_the_next_gate_run_trains(ftgate: Command, merged: Merged) -> None:
    said = ftgate(*merged.arguments())
    assert said.code == 0 and "the next gate run trains the baseline" in said.out
    assert BRANCH not in merged.repository.git("branch", "--list")


def test_a_forged_run_is_not_promoted(ftgate: Command, merged: Merged) -> None:
    file = merged.out / "run.json"
    forged = file.read_bytes().replace(b'"lora_b_norm": 1.5', b'"lora_b_norm": 0.0')
    file.write_bytes(forged)
    said = ftgate(*merged.arguments("--run", merged.out))
    assert said.code == 0 and "the seal does not match" in said.err
    # A seal is no secret: whoever forges with care makes it anew.
    file.write_bytes(run_json(msgspec.json.decode(forged, type=Run)))
    said = ftgate(*merged.arguments("--run", merged.out))
    assert said.code == 0 and "does not act on the base model" in said.out
    assert BRANCH not in merged.repository.git("branch", "--list")


def test_it_is_pushed_where_asked_to_and_a_remote_that_is_gone_is_the_outside_s_failure(
    ftgate: Command, merged: Merged, tmp_path: Path
) -> None:
    origin = GitRepository(tmp_path / "origin")
    merged.repository.git("remote", "add", "origin", str(origin.root))
    said = ftgate(*merged.arguments("--run", merged.out, "--push", "origin"))
    assert said.code == 0, said.err
    assert len(branch(origin).ledger().promotions) == 1
    assert BRANCH not in merged.repository.git("branch", "--list")
    gone = ftgate(*merged.arguments("--run", merged.out, "--push", str(tmp_path / "gone")))
    assert gone.code == 4 and "contents: write" in gone.err


def test_a_push_without_data_says_so(ftgate: Command, merged: Merged) -> None:
    merged.repository.write("README.md", "# other\n")
    merged.repository.commit("words")
    said = ftgate(*merged.arguments(base=merged.after))
    assert said.code == 0 and said.out.startswith("Nothing to promote")
