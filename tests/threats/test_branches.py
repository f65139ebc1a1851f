"""What an attacker chooses about a pull request: where it branches off, and how its files are called."""

import subprocess
from pathlib import Path

import pytest

from ftgate.wire import run_of
from tests.builders import SETTINGS, base_files, lines, pairs
from tests.commands import Command, commanding
from tests.edges.repositories import GitRepository

BAD = '{"messages": [\n'


@pytest.fixture
def ftgate(capfd: pytest.CaptureFixture[str]) -> Command:
    return commanding(capfd)


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    """main: a commit without the gate, one with a gate that asks for little, and today's."""
    made = GitRepository(tmp_path / "repository")
    made.write("README.md", "a bank\n")
    made.commit("before the gate")
    made.git("tag", "before")
    lax = SETTINGS.replace("data/train", "data/elsewhere").replace("max_broken: 2", "max_broken: 1000")
    files = {path.replace("data/train", "data/elsewhere"): text for path, text in base_files().items()}
    for path, content in {**files, "ftgate.yaml": lax}.items():
        made.write(path, content)
    made.commit("a lax gate")
    made.git("tag", "lax")
    for path, content in base_files().items():
        made.write(path, content)
    made.commit("the gate")
    return made


def outcome(ftgate: Command, repository: GitRepository, out: Path) -> tuple[int, str]:
    """Exit code of the verdict on `evil` into main, and its first reason."""
    where = ["--repo", repository.root, "--base", "main", "--head", "evil", "--out", out]
    code = ftgate("decide", *where, "--jobs", '{"validate": {"result": "success"}}').code
    if not (out / "run.json").is_file():
        return code, ""
    stored = run_of((out / "run.json").read_bytes(), "run.json")
    assert stored.verdict is not None
    return code, stored.verdict.reasons[0].id


@pytest.mark.parametrize("old", ["before", "lax"])
def test_an_old_place_to_branch_off_brings_no_old_rules(
    ftgate: Command, repository: GitRepository, tmp_path: Path, old: str
) -> None:
    """From before the gate, with the settings that main has by now: it would merge without a conflict."""
    repository.git("checkout", "-q", "-b", "evil", old)
    repository.write("ftgate.yaml", SETTINGS)
    repository.write("data/train/evil.jsonl", BAD)
    repository.commit("evil")
    code, reason = outcome(ftgate, repository, tmp_path / "out")
    assert (code, reason.partition(".")[0]) == (1, "findings")
    stored = run_of((tmp_path / "out" / "run.json").read_bytes(), "run.json")
    assert stored.plan.policy.max_broken == 2


@pytest.mark.parametrize("name", [b"data/train/x\xff.jsonl", b"data/train/\xff\\xff.jsonl"])
def test_a_name_that_is_no_text_hides_no_data(
    ftgate: Command, repository: GitRepository, tmp_path: Path, name: bytes
) -> None:
    repository.git("checkout", "-q", "-b", "evil")
    file = repository.root.joinpath("data/train").parent / "x"
    file.write_text(BAD)
    oid = repository.git("hash-object", "-w", str(file))
    file.unlink()
    repository.commit("same")
    tree = _with_file(repository, name, oid)
    repository.git("update-ref", "refs/heads/evil", tree)
    code, reason = outcome(ftgate, repository, tmp_path / "out")
    assert (code, reason.partition(".")[0]) == (1, "findings")


def test_two_names_that_read_alike_are_refused(
    ftgate: Command, repository: GitRepository, tmp_path: Path
) -> None:
    repository.git("checkout", "-q", "-b", "evil")
    repository.write("data/train/x\\xff.jsonl", lines(pairs(3, start=100)))
    repository.commit("the decoy")
    bad = repository.root / "bad"
    bad.write_text(BAD)
    oid = repository.git("hash-object", "-w", str(bad))
    repository.git("update-ref", "refs/heads/evil", _with_file(repository, b"data/train/x\xff.jsonl", oid))
    assert outcome(ftgate, repository, tmp_path / "out") == (2, "")


def _with_file(repository: GitRepository, name: bytes, oid: str) -> str:
    """A commit on top of HEAD with one more file, whose name may be any bytes."""
    subprocess.run(
        ["git", "-C", str(repository.root), "update-index", "-z", "--index-info"],
        input=b"100644 " + oid.encode() + b"\t" + name + b"\0",
        check=True,
    )
    return repository.git("commit-tree", repository.git("write-tree"), "-p", "HEAD", "-m", "evil")
