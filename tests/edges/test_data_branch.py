"""Baselines on a branch: real git, a real bare origin, and writers that race."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ftgate.edges.data_branch import BRANCH, FETCHED, DataBranch
from ftgate.errors import InputError, OutsideError
from tests.baselines import kept, key, promotion, record
from tests.edges.repositories import GitRepository

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def clone(origin: GitRepository, root: Path) -> GitRepository:
    made = GitRepository(root)
    made.git("remote", "add", "origin", str(origin.root))
    return made


@pytest.fixture
def origin(tmp_path: Path) -> GitRepository:
    made = GitRepository(tmp_path / "origin.git")
    made.git("config", "core.bare", "true")
    return made


@pytest.fixture
def work(tmp_path: Path, origin: GitRepository) -> GitRepository:
    made = clone(origin, tmp_path / "work")
    made.write("README.md", "# data\n")
    made.commit("main")
    return made


def pushing(repository: GitRepository) -> DataBranch:
    return DataBranch(repository.root, ENVIRONMENT, "origin")


def local(repository: GitRepository) -> DataBranch:
    return DataBranch(repository.root, ENVIRONMENT)


def files(repository: GitRepository, ref: str = BRANCH) -> list[str]:
    return repository.git("ls-tree", "-r", "--name-only", ref).splitlines()


def rewritten(repository: GitRepository, path: str, content: str) -> None:
    """What somebody with push access may do: another content of one file, committed on top."""
    repository.git("checkout", "-q", BRANCH)
    repository.write(path, content)
    repository.commit("edited")
    repository.git("checkout", "-q", "main")


def test_what_is_kept_is_found_with_its_ledger(work: GitRepository) -> None:
    assert local(work).find(key("a")).record is None
    assert local(work).ledger().promotions == ()
    assert local(work).keep(record("a"), promotion("a"))
    assert local(work).keep(record("b"), promotion("b"))
    assert local(work).find(key("a")).record == record("a")
    assert local(work).ledger().promotions == (promotion("a"), promotion("b"))
    assert files(work) == ["README.md", *sorted(f"baselines/{key(n)}.json" for n in "ab"), "ledger.jsonl"]


def test_the_work_tree_the_index_and_head_are_not_touched(work: GitRepository) -> None:
    work.write("README.md", "changed and not committed\n")
    before = work.git("rev-parse", "HEAD"), work.git("status", "--porcelain=v2", "--branch")
    assert local(work).keep(record("a"), promotion("a"))
    assert pushing(work).keep(record("a"), promotion("a"))
    assert (work.git("rev-parse", "HEAD"), work.git("status", "--porcelain=v2", "--branch")) == before
    assert work.git("merge-base", "--all", "main", "main") != ""
    assert subprocess.run(["git", "-C", work.root, "merge-base", "main", BRANCH]).returncode == 1


def test_the_same_again_makes_no_commit(work: GitRepository, origin: GitRepository) -> None:
    assert pushing(work).keep(record("a"), promotion("a"))
    tip = origin.git("rev-parse", BRANCH)
    assert not pushing(work).keep(record("a"), promotion("a"))
    assert origin.git("rev-parse", BRANCH) == tip


def test_arms_of_one_adapter_add_up_and_another_adapter_replaces(work: GitRepository) -> None:
    first, second = kept("a", judge="one"), kept("a", judge="two")
    local(work).keep(record("a", first), promotion("a"))
    local(work).keep(record("a", second), promotion("a"))
    found = local(work).find(key("a")).record
    assert found is not None and found.arms == (second, first)


def test_another_machine_reads_what_was_pushed(
    tmp_path: Path, work: GitRepository, origin: GitRepository
) -> None:
    pushing(work).keep(record("a"), promotion("a"))
    other = clone(origin, tmp_path / "other")
    assert local(other).find(key("a")).record is None
    other.git("fetch", "-q", "origin", f"+refs/heads/{BRANCH}:{FETCHED}")
    assert local(other).find(key("a")).record == record("a")
    assert pushing(other).keep(record("b"), promotion("b"))
    assert [p.key for p in pushing(other).ledger().promotions] == [key("a"), key("b")]


def test_threads_that_push_at_once_lose_nothing(
    tmp_path: Path, work: GitRepository, origin: GitRepository
) -> None:
    names = [f"n{number}" for number in range(4)]
    clones = [clone(origin, tmp_path / name) for name in names]
    failed: list[BaseException] = []

    def push(name: str, repository: GitRepository) -> None:
        try:
            assert pushing(repository).keep(record(name), promotion(name))
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            failed.append(error)

    threads = [threading.Thread(target=push, args=each) for each in zip(names, clones, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    work.git("fetch", "-q", "origin", f"+refs/heads/{BRANCH}:{FETCHED}")
    assert {p.key for p in local(work).ledger().promotions} == {key(name) for name in names}
    assert all(local(work).find(key(name)).record == record(name) for name in names)
    assert len(work.git("rev-list", "--first-parent", FETCHED).splitlines()) == len(names)


def test_processes_that_write_one_repository_lose_nothing(work: GitRepository) -> None:
    code = (
        "import os,sys;from pathlib import Path;from tests.baselines import *;"
        "from ftgate.edges.data_branch import DataBranch;"
        "DataBranch(Path(sys.argv[1]),{'PATH':os.environ['PATH']}).keep(record(sys.argv[2]),promotion(sys.argv[2]))"
    )
    names = ("p", "q", "r")
    running = [subprocess.Popen([sys.executable, "-c", code, work.root, name]) for name in names]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert {p.key for p in local(work).ledger().promotions} == {key(name) for name in names}


def test_a_branch_that_never_holds_still_is_given_up_after_a_bounded_number_of_tries(
    work: GitRepository, origin: GitRepository
) -> None:
    pushing(work).keep(record("a"), promotion("a"))
    (origin.root / ".git" / "refs" / "heads" / f"{BRANCH}.lock").touch()
    waited: list[float] = []
    with pytest.raises(OutsideError, match="moved 16 times"):
        DataBranch(work.root, ENVIRONMENT, "origin", waited.append).keep(record("b"), promotion("b"))
    assert len(waited) == 16 and sum(waited) < 70


def test_a_push_that_is_forbidden_says_what_to_allow_at_once(
    work: GitRepository, origin: GitRepository
) -> None:
    hook = origin.root / ".git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho protected >&2\nexit 1\n")
    hook.chmod(0o755)
    waited: list[float] = []
    with pytest.raises(OutsideError, match="cannot be written") as caught:
        DataBranch(work.root, ENVIRONMENT, "origin", waited.append).keep(record("a"), promotion("a"))
    assert "contents: write" in caught.value.advice and waited == []
    assert work.git("for-each-ref", FETCHED) == ""


def test_no_remote_is_one_clear_failure(work: GitRepository, tmp_path: Path) -> None:
    work.git("remote", "set-url", "origin", str(tmp_path / "gone"))
    with pytest.raises(OutsideError, match="cannot be written"):
        pushing(work).keep(record("a"), promotion("a"))


def sealed(work: GitRepository, name: str) -> str:
    return work.git("show", f"{BRANCH}:baselines/{key(name)}.json")


def test_an_edited_record_is_said_and_not_used(work: GitRepository) -> None:
    local(work).keep(record("a"), promotion("a"))
    forged = sealed(work, "a").replace('"lora_b_norm": 1.0', '"lora_b_norm": 9.0')
    rewritten(work, f"baselines/{key('a')}.json", forged)
    found = local(work).find(key("a"))
    assert found.record is None and "does not match its digest" in found.problem


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"sha256": 1, "content": {}}', "\x00\xff"])
def test_a_damaged_record_is_said_and_not_used(work: GitRepository, content: str) -> None:
    local(work).keep(record("a"), promotion("a"))
    rewritten(work, f"baselines/{key('a')}.json", content)
    found = local(work).find(key("a"))
    assert found.record is None and "damaged" in found.problem


def test_the_record_of_another_key_is_said_and_not_used(work: GitRepository) -> None:
    local(work).keep(record("a"), promotion("a"))
    local(work).keep(record("b"), promotion("b"))
    rewritten(work, f"baselines/{key('a')}.json", sealed(work, "b"))
    assert "belongs to the key" in local(work).find(key("a")).problem


def test_an_arm_of_another_adapter_is_said_and_not_used(work: GitRepository) -> None:
    local(work).keep(record("a", kept("b")), promotion("a"))
    assert "of another adapter" in local(work).find(key("a")).problem


def test_a_link_in_place_of_a_record_is_not_followed(work: GitRepository) -> None:
    local(work).keep(record("a"), promotion("a"))
    work.git("checkout", "-q", BRANCH)
    file = work.root / "baselines" / f"{key('a')}.json"
    file.unlink()
    file.symlink_to("../README.md")
    work.commit("link")
    work.git("checkout", "-q", "main")
    assert "plain file" in local(work).find(key("a")).problem


def test_a_damaged_record_is_mended_by_the_next_promotion(work: GitRepository) -> None:
    local(work).keep(record("a"), promotion("a"))
    rewritten(work, f"baselines/{key('a')}.json", "{")
    assert local(work).keep(record("a"), promotion("a"))
    assert local(work).find(key("a")).record == record("a")
    assert len(local(work).ledger().promotions) == 1


def test_an_edited_line_of_the_ledger_is_left_out_and_said_and_kept_as_it_is(work: GitRepository) -> None:
    local(work).keep(record("a"), promotion("a"))
    local(work).keep(record("b"), promotion("b"))
    lines = work.git("show", f"{BRANCH}:ledger.jsonl").splitlines()
    assert all(set(json.loads(line)) == {"sha256", "content"} for line in lines)
    rewritten(work, "ledger.jsonl", lines[0].replace('"passed":20', '"passed":19') + "\n" + lines[1])
    history = local(work).ledger()
    assert history.promotions == (promotion("b"),) and "line 1" in history.problem
    local(work).keep(record("c"), promotion("c"))
    assert len(work.git("show", f"{BRANCH}:ledger.jsonl").splitlines()) == 3
    assert local(work).ledger().promotions == (promotion("b"), promotion("c"))


def test_a_branch_whose_objects_are_gone_is_said(work: GitRepository) -> None:
    local(work).keep(record("a"), promotion("a"))
    oid = work.git("rev-parse", f"{BRANCH}:baselines/{key('a')}.json")
    (work.root / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    assert "damaged" in local(work).find(key("a")).problem


@pytest.mark.parametrize("bad", ["../x", "", "k" * 64, "A" * 64])
def test_a_key_is_never_a_path(work: GitRepository, bad: str) -> None:
    with pytest.raises(InputError, match="no training key"):
        local(work).find(bad)
