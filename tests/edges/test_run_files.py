"""run.json from another machine: a plain file of bounded size with nothing strange in it, or nothing."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate import wire
from ftgate.edges import run_files
from ftgate.edges.run_files import RunDirectory, read_plain
from ftgate.errors import InputError
from tests.decide.builders import run

WHOLE = wire.run_json(run(["PF"], ["PP"]))


def plain() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(WHOLE)
    return read


def put(tmp_path: Path, content: bytes) -> RunDirectory:
    (tmp_path / "run.json").write_bytes(content)
    (tmp_path / "comment.md").write_text("Pass")
    return RunDirectory(tmp_path)


def test_what_ftgate_writes_is_read(tmp_path: Path) -> None:
    taken, problem = put(tmp_path, WHOLE).take()
    assert taken is not None and problem == ""
    assert replace(taken, seal="") == run(["PF"], ["PP"])


def test_nothing_of_a_taken_run_is_left_to_be_published(tmp_path: Path) -> None:
    runs = put(tmp_path, WHOLE)
    runs.take()
    assert list(tmp_path.iterdir()) == []
    assert runs.load() is None
    assert runs.take() == (None, "")


def test_a_run_is_gone_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever reading it does to this process, nothing is left for the next step to publish."""
    runs = put(tmp_path, WHOLE)

    def read(content: bytes, where: str) -> None:
        assert list(tmp_path.iterdir()) == []
        raise MemoryError

    monkeypatch.setattr(wire, "foreign_run_of", read)
    with pytest.raises(MemoryError):
        runs.take()
    assert list(tmp_path.iterdir()) == []


HOSTILE: dict[str, bytes] = {
    "no JSON": b"{",
    "empty": b"",
    "another schema": WHOLE.replace(b"ftgate.run/1", b"ftgate.run/9"),
    "unknown key": json.dumps({**plain(), "approved": True}).encode(),
    "unknown key below": json.dumps({**plain(), "plan": {**plain()["plan"], "trusted": True}}).encode(),
    "wrong type": json.dumps({**plain(), "stages": "plan"}).encode(),
    "NaN": WHOLE.replace(b'"trained_tokens": 0', b'"trained_tokens": NaN'),
    "NaN of a float": WHOLE.replace(b'"saved_seconds": 0.0', b'"saved_seconds": NaN'),
    "infinite": WHOLE.replace(b'"saved_seconds": 0.0', b'"saved_seconds": 1e999'),
    "no UTF-8": WHOLE.replace(b"ftgate.yaml", b"ftgate\xff.yaml"),
    "half a pair": WHOLE.replace(b"ftgate.yaml", b"\\ud800"),
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "deep where anything goes": json.dumps(
        {
            **plain(),
            "provenance": {**plain()["provenance"], "generation": {"x": json.loads("[" * 200 + "]" * 200)}},
        }
    ).encode(),
    "deeper where anything goes": WHOLE.replace(
        b'"generation": {}', b'"generation": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    ),
    "a list": b"[]",
    "more parts than memory": WHOLE.replace(
        b'"generation": {}', b'"generation": {"x": [' + b"[]," * 5_000_000 + b"[]]}"
    ),
    "a huge integer": WHOLE.replace(b'"trained_tokens": 0', b'"trained_tokens": ' + b"9" * 100_000),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_anything_else_is_refused_and_gone(tmp_path: Path, what: str) -> None:
    assert HOSTILE[what] != WHOLE, "the forgery did not take"
    taken, problem = put(tmp_path, HOSTILE[what]).take()
    assert taken is None
    assert problem
    assert len(problem) < 500
    assert list(tmp_path.iterdir()) == []


def test_too_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_files, "LARGEST", len(WHOLE) - 1)
    taken, problem = put(tmp_path, WHOLE).take()
    assert taken is None
    assert "more than" in problem


def test_a_file_that_claims_to_be_enormous_costs_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    with file.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(InputError, match="more than"):
        read_plain(file, 1_000_000)


def test_a_link_a_pipe_and_a_directory_are_not_read(tmp_path: Path) -> None:
    target = tmp_path / "secret.json"
    target.write_bytes(WHOLE)
    made: dict[str, Callable[[Path], None]] = {
        "link": lambda path: path.symlink_to(target),
        "pipe": os.mkfifo,
        "directory": Path.mkdir,
    }
    for name, make in made.items():
        folder = tmp_path / name
        folder.mkdir()
        make(folder / "run.json")
        with pytest.raises(InputError):
            RunDirectory(folder).load()
        taken, problem = RunDirectory(folder).take()
        assert taken is None
        assert problem
        assert not (folder / "run.json").exists()
        assert not (folder / "run.json").is_symlink()
    assert target.read_bytes() == WHOLE


def test_writing_follows_no_link_that_lies_in_the_directory(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("untouched")
    out = tmp_path / "out"
    out.mkdir()
    for name in ("run.json", "comment.md", f".run.json.{os.getpid()}", f".comment.md.{os.getpid()}"):
        (out / name).symlink_to(target)
    RunDirectory(out).save(run(["PP"], ["PP"]))
    RunDirectory(out).write("comment.md", "text")
    assert target.read_text() == "untouched"
    assert not (out / "run.json").is_symlink()
    assert (out / "comment.md").read_text() == "text"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"train": "success"}',
        '{"train": {"result": "fine"}}',
        '{"train": {}}',
        "NaN",
        "[" * 100_000,
    ],
)
def test_the_results_of_jobs_are_read_strictly(text: str) -> None:
    with pytest.raises(InputError, match="--jobs"):
        wire.jobs_of(text)


def test_the_results_of_jobs() -> None:
    assert wire.jobs_of('{"train": {"result": "skipped", "outputs": {"x": "y"}}}') == {"train": "skipped"}


def test_comment_events() -> None:
    event = {
        "action": "created",
        "issue": {"number": 7, "pull_request": {"url": "x"}},
        "comment": {"id": 5, "body": "/ftgate help"},
    }
    read = wire.comment_event_of(json.dumps(event).encode(), "event.json")
    assert read == (5, 7, "/ftgate help")
    for changed in ({"action": "edited"}, {"action": "deleted"}, {"issue": {"number": 7}}):
        assert wire.comment_event_of(json.dumps({**event, **changed}).encode(), "event.json") is None
    for content in (b"", b"[]", b"{}", b'{"action": "created"}', b"[" * 100_000):
        with pytest.raises(InputError):
            wire.comment_event_of(content, "event.json")
