"""What was deleted in the store, what a full disk says, and what a process leaves that was killed while it fetched."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.edges.object_server import BUCKET, Wire
from tests.edges.test_object_store import (
    RECORD,
    URL,
    credentials,
    machine,
    names,
    s3,
    server,
    trained,
    wire,
)
from tests.edges.test_store import KEY

__all__ = ["credentials", "s3", "server", "wire"]  # fixtures


@pytest.mark.parametrize("machines", [1, 2])
def test_what_was_deleted_there_is_sent_again_by_whoever_has_it(
    wire: Wire, s3: Any, tmp_path: Path, machines: int
) -> None:
    """The advice on damaged evidence is to delete it; and buckets have rules that delete what is old."""
    store, own = machine(tmp_path / "one")
    kept = store.keep_training(trained(own, b"weights of one"))
    for name in names(s3):
        s3.delete_object(Bucket=BUCKET, Key=name)
    if machines == 2:
        other, theirs = machine(tmp_path / "two")
        assert other.find_training(KEY) is None
        kept = other.keep_training(trained(theirs, b"weights of two"))
    again, _ = machine(tmp_path / "one")
    assert again.find_training(KEY) == kept, "all machines go on with one adapter"
    assert (
        (again.adapter(kept) / "adapter_model.safetensors")
        .read_bytes()
        .endswith(b"two" if machines == 2 else b"one")
    )
    assert machine(tmp_path / "three")[0].find_training(KEY) == kept


def test_the_record_there_is_looked_at_once_by_a_process(wire: Wire, s3: Any, tmp_path: Path) -> None:
    store, own = machine(tmp_path / "one")
    kept = store.keep_training(trained(own))
    s3.delete_object(Bucket=BUCKET, Key=RECORD)
    assert store.find_training(KEY) == kept
    assert RECORD not in names(s3), "a run that has begun is not disturbed"


def test_a_disk_that_is_full_is_not_the_service_s_fault(wire: Wire, tmp_path: Path) -> None:
    store, own = machine(tmp_path / "one")
    store.keep_training(trained(own, b"w" * 1_000_000))
    child = subprocess.run(
        [sys.executable, "-c", _FETCHES, str(tmp_path / "two"), URL, KEY],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert child.returncode == 4, child.stderr
    assert "File too large" in child.stderr and "adapter_model.safetensors" in child.stderr
    assert not list((tmp_path / "two" / "trainings").iterdir())


_FETCHES = """
import resource, sys
from pathlib import Path
from ftgate.edges.object_store import ObjectStore
from ftgate.edges.remote import Remote
from ftgate.edges.store import DirectoryStore
from tests.fakes import FakeProgress

resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
try:
    ObjectStore(DirectoryStore(Path(sys.argv[1])), Remote(sys.argv[2]), FakeProgress()).find_training(sys.argv[3])
except OSError as error:
    sys.exit(print(error, file=sys.stderr) or 4)
"""


def test_a_fetch_that_was_killed_leaves_nothing_for_long(wire: Wire, tmp_path: Path) -> None:
    store, own = machine(tmp_path / "one")
    kept = store.keep_training(trained(own, b"w" * 1_000_000))
    child = subprocess.Popen([sys.executable, "-c", _HANGS, str(tmp_path / "two"), URL, KEY])
    left = tmp_path / "two" / "trainings"
    wait_until(lambda: left.is_dir() and any(left.glob(".*/adapter")))
    child.kill()
    child.wait()
    assert any(left.iterdir())
    assert machine(tmp_path / "two")[0].find_training(KEY) == kept
    assert [file.name for file in left.iterdir()] == [KEY]


_HANGS = """
import sys, time
from pathlib import Path
from ftgate.edges.object_store import ObjectStore
from ftgate.edges.remote import Remote
from ftgate.edges.store import DirectoryStore
from tests.fakes import FakeProgress

class Stopping(FakeProgress):
    def task(self, label, total):
        time.sleep(600)

ObjectStore(DirectoryStore(Path(sys.argv[1])), Remote(sys.argv[2]), Stopping()).find_training(sys.argv[3])
"""


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("it never happened")
