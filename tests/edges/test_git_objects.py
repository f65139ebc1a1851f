"""Commits are read as objects: whatever the repository's configuration or work tree says."""

import os
from pathlib import Path

import pytest

from ftgate.edges.git_objects import GitObjects
from ftgate.errors import InputError, OutsideError
from ftgate.ports import TreeEntry
from tests.edges.repositories import GitRepository


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    made = GitRepository(tmp_path / "r")
    made.write("data/a.jsonl", b"one\r\ntwo\n")
    made.commit()
    return made


def opened(repository: GitRepository) -> GitObjects:
    return GitObjects(repository.root, os.environ["PATH"])


def entry(objects: GitObjects, path: str, revision: str = "HEAD") -> TreeEntry:
    return next(e for e in objects.tree(objects.commit(revision)) if e.path == path)


def test_blobs_come_byte_for_byte_even_when_the_repository_asks_for_filters(
    repository: GitRepository,
) -> None:
    (repository.root / ".git" / "info" / "attributes").write_text("*.jsonl text eol=lf filter=evil\n")
    repository.git("config", "filter.evil.smudge", f"touch {repository.root}/smudged; cat")
    objects = opened(repository)
    assert objects.read(entry(objects, "data/a.jsonl")) == b"one\r\ntwo\n"
    assert not (repository.root / "smudged").exists()


def test_the_work_tree_is_neither_read_nor_touched(repository: GitRepository) -> None:
    repository.write("data/a.jsonl", "dirty")
    repository.write("untracked", "x")
    before = repository.git("status", "--porcelain")
    objects = opened(repository)
    assert objects.read(entry(objects, "data/a.jsonl")) == b"one\r\ntwo\n"
    assert repository.git("status", "--porcelain") == before


def test_symlinks_and_sizes_show_in_the_tree(repository: GitRepository) -> None:
    (repository.root / "data" / "link.jsonl").symlink_to("/etc/passwd")
    repository.commit()
    link, file = entry(opened(repository), "data/link.jsonl"), entry(opened(repository), "data/a.jsonl")
    assert (link.mode, link.is_file) == ("120000", False)
    assert (file.mode, file.is_file, file.size) == ("100644", True, 9)


def test_names_with_spaces_newlines_and_unicode_survive(repository: GitRepository) -> None:
    names = ["data/a b.jsonl", "data/new\nline.jsonl", "data/größe.jsonl"]
    for name in names:
        repository.write(name, name)
    repository.commit()
    objects = opened(repository)
    for name in names:
        assert objects.read(entry(objects, name)) == name.encode()


def test_replacement_objects_do_not_fool_the_reader(repository: GitRepository) -> None:
    good = repository.git("rev-parse", "HEAD:data/a.jsonl")
    repository.write("other", "forged")
    repository.commit()
    repository.git("replace", good, repository.git("rev-parse", "HEAD:other"))
    objects = opened(repository)
    assert objects.read(entry(objects, "data/a.jsonl")) == b"one\r\ntwo\n"


@pytest.mark.parametrize("revision", ["nowhere", "", "--help", "HEAD:data/a.jsonl", "main..main"])
def test_what_names_no_commit_is_said_plainly(repository: GitRepository, revision: str) -> None:
    with pytest.raises(InputError, match="no commit named"):
        opened(repository).commit(revision)


def test_the_merge_base_is_where_the_branches_parted(repository: GitRepository) -> None:
    parted = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "-q", "-b", "topic")
    repository.write("b", "b")
    topic = repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("c", "c")
    main = repository.commit()
    assert opened(repository).merge_base(main, topic) == parted


def test_histories_without_a_common_commit_are_refused_with_advice(repository: GitRepository) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "-q", "--orphan", "alone")
    alone = repository.commit("alone")
    with pytest.raises(InputError, match="share no history") as caught:
        opened(repository).merge_base(first, alone)
    assert "fetch-depth" in caught.value.advice


def test_a_missing_object_is_the_outside_s_failure(repository: GitRepository) -> None:
    objects = opened(repository)
    there = entry(objects, "data/a.jsonl")
    (repository.root / ".git" / "objects" / there.oid[:2] / there.oid[2:]).unlink()
    with pytest.raises(OutsideError, match="cannot be read"):
        objects.read(there)


def test_a_directory_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such directory"):
        GitObjects(tmp_path / "absent", os.environ["PATH"])
    with pytest.raises(InputError, match="not a git repository"):
        GitObjects(tmp_path, os.environ["PATH"])


def test_no_git_on_the_path_says_so(repository: GitRepository) -> None:
    with pytest.raises(OutsideError, match="git is not installed"):
        GitObjects(repository.root, "/nonexistent")
