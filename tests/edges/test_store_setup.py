"""What `ftgate doctor --store` finds out about a store: by doing what a run would do there, and leaving nothing."""

from pathlib import Path
from typing import Any

import pytest

from ftgate.cli import wiring
from ftgate.edges.store_setup import held, store_setup
from tests.commands import Command, commanding
from tests.edges.object_server import BUCKET, Wire, demand_authority
from tests.edges.servers import unused_url
from tests.edges.test_object_store import URL, credentials, names, s3, server, wire

__all__ = ["credentials", "s3", "server", "wire"]  # fixtures


@pytest.fixture
def ftgate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return commanding(capfd)


def test_a_store_that_works_is_said_to_and_is_as_it_was(wire: Wire, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="team/a/trainings/k/record.json", Body=b"{}")
    found = store_setup(URL)
    assert (found.failed, found.left) == ((), "")
    assert names(s3) == ["team/a/trainings/k/record.json"]


def test_an_empty_one_stays_empty(wire: Wire, s3: Any, ftgate: Command, tmp_path: Path) -> None:
    said = ftgate("doctor", "--repo", tmp_path, "--store", URL)
    assert f"{URL} can be written, read and listed" in said.out
    assert names(s3) == []


@pytest.mark.parametrize(
    ("unknown", "failed", "left"),
    [(b"put /", ("write",), False), (b"list-type", ("list",), False), (b"delete /", (), True)],
)
def test_what_cannot_be_done_is_named(
    wire: Wire, s3: Any, unknown: bytes, failed: tuple[str, ...], left: bool
) -> None:
    wire.unknown = unknown
    found = store_setup(URL)
    wire.unknown = b""
    assert tuple(each.what for each in found.failed) == failed
    assert bool(found.left) == left == bool(names(s3))
    if left:
        assert [found.left] == [f"s3://{BUCKET}/{name}" for name in names(s3)]


def test_wrong_keys_and_no_bucket_and_nobody_there_are_told_with_what_to_do(
    wire: Wire, ftgate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand_authority(wire, "0")
    said = ftgate("doctor", "--repo", tmp_path, "--store", URL)
    demand_authority(wire, "inf")
    assert said.code == 1 and "cannot be written" in said.out and "Traceback" not in said.out + said.err
    said = ftgate("doctor", "--repo", tmp_path, "--store", "s3://no-such-bucket/x")
    assert said.code == 1 and "Create the bucket" in said.out
    monkeypatch.setenv("AWS_ENDPOINT_URL", unused_url())
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    said = ftgate("doctor", "--repo", tmp_path, "--store", URL)
    assert said.code == 1 and "cannot be reached" in said.out
    said = ftgate("doctor", "--repo", tmp_path, "--store", "s3://")
    assert said.code == 2


def test_what_a_store_holds_is_counted_by_what_it_is(tmp_path: Path) -> None:
    for name, size in {
        "trainings/a/adapter/adapter_model.safetensors": 1000,
        "trainings/a/record.json": 10,
        "exports/a-merged-16bit/model.safetensors": 5000,
        "work/b/checkpoints/checkpoint-3/optimizer.pt": 300,
        "remote/0123/trainings/c/record.json": 40,
        "arms/x.json": 2,
        "other/y": 7,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"." * size)
    (tmp_path / "trainings" / "link").symlink_to("/")
    assert held(tmp_path) == {
        "trainings": 1010,
        "exports": 5000,
        "unfinished trainings": 300,
        "fetched from stores": 40,
        "answers": 2,
    }
    assert held(tmp_path / "nothing") == {}


def test_the_size_of_the_store_is_said(ftgate: Command, tmp_path: Path) -> None:
    store = tmp_path / "cache" / "ftgate"
    (store / "exports" / "x").mkdir(parents=True)
    with (store / "exports" / "x" / "model.safetensors").open("wb") as stream:
        stream.truncate(16_000_000_000)
    said = ftgate("doctor", "--repo", tmp_path)
    assert f"{wiring.local_store(None)} holds 16.0 GB: exports 16.0 GB" in said.out
