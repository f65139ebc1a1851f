"""Data behind git-LFS pointers: fetched if the base branch wants it, from where it says, else a finding."""

import hashlib
from pathlib import Path

from ftgate.stages.pipeline import gate
from ftgate.values.run import Request, Run, VerdictOutcome
from tests.builders import SETTINGS, base_files, lines, pairs
from tests.fakes import FakeLargeFiles, FakeRepository, FakeWorld

CONTENT = lines(pairs(3, start=100)).encode()
ON = SETTINGS.replace("  task: format\n", "  task: format\n  lfs: true\n")
CONFIG = "[lfs]\n\turl = https://lfs.example/base\n"


def pointer(content: bytes) -> str:
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"


def judged(tmp_path: Path, settings: str, *objects: bytes) -> tuple[FakeWorld, Run]:
    main = {**base_files(), "ftgate.yaml": settings, ".lfsconfig": CONFIG}
    head = {
        **main,
        "data/train/b.jsonl": pointer(CONTENT),
        ".lfsconfig": "[lfs]\n\turl = https://evil.example\n",
    }
    made = FakeWorld(FakeRepository(main=main, head=head), tmp_path)
    made.large_files = FakeLargeFiles(*objects)
    return made, gate(Request(base="main", head="head"), made.ports)


def test_a_pointer_is_read_as_what_it_names(tmp_path: Path) -> None:
    _, run = judged(tmp_path, ON, CONTENT)
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.PASS
    assert run.candidate is not None and run.candidate.examples == 132
    file = next(file for file in run.files if file.path == "data/train/b.jsonl")
    assert (file.sha256, file.examples) == (hashlib.sha256(CONTENT).hexdigest(), 12)


def test_where_from_is_never_said_by_the_head(tmp_path: Path) -> None:
    made, _ = judged(tmp_path, ON, CONTENT)
    assert set(made.large_files.configurations) == {CONFIG.encode()}


def test_without_the_setting_the_network_is_not_touched_and_the_pointer_is_a_finding(tmp_path: Path) -> None:
    made, run = judged(tmp_path, SETTINGS, CONTENT)
    assert made.large_files.configurations == []
    assert run.verdict is not None and run.verdict.decided_by == "validate"
    assert any("git-LFS pointer" in finding.message for finding in run.findings)


def test_the_head_cannot_turn_it_on(tmp_path: Path) -> None:
    main = base_files()
    head = {**main, "ftgate.yaml": ON, "data/train/b.jsonl": pointer(CONTENT)}
    made = FakeWorld(FakeRepository(main=main, head=head), tmp_path)
    gate(Request(base="main", head="head"), made.ports)
    assert made.large_files.configurations == []


def test_without_access_the_pointer_is_a_finding_that_says_why(tmp_path: Path) -> None:
    made, run = judged(tmp_path, ON)
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.FAIL
    assert made.trainer.jobs == []
    said = [finding.message for finding in run.findings if finding.path == "data/train/b.jsonl"]
    assert any("could not be fetched: the LFS server says 404" in message for message in said)


def test_the_same_content_with_and_without_a_pointer_is_the_same_training(tmp_path: Path) -> None:
    made, run = judged(tmp_path, ON, CONTENT)
    made.repository.commits["plain"] = {
        **made.repository.commits["main"],
        "data/train/b.jsonl": CONTENT.decode(),
    }
    again = gate(Request(base="main", head="plain"), made.ports)
    assert run.candidate is not None and again.candidate is not None
    assert again.candidate.key == run.candidate.key and again.candidate.reused
