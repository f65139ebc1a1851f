"""Trainings that machines share through a real object store: whole, or not there; never a pass, never a traceback."""

import importlib.util
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.edges.object_store import ObjectStore
from ftgate.edges.remote import Remote
from ftgate.edges.store import DirectoryStore
from ftgate.errors import OutsideError, SettingsError
from ftgate.values.training import Training
from tests.edges.object_server import BUCKET, Wire, client, demand_authority, serving
from tests.edges.servers import unused_url
from tests.edges.test_store import KEY, arm, training
from tests.fakes import FakeProgress

URL = f"s3://{BUCKET}/team/a"
RECORD = f"team/a/trainings/{KEY}/record.json"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def server() -> Iterator[Wire]:
    with serving() as wire:
        yield wire


@pytest.fixture
def wire(server: Wire, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """An empty bucket and a whole wire."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    server.after = server.cuts = server.cut = 0
    server.hidden = server.unknown = b""
    for name in names(client(server.url)):
        client(server.url).delete_object(Bucket=BUCKET, Key=name)
    return server


@pytest.fixture
def s3(wire: Wire) -> Any:
    return client(wire.url)


def machine(root: Path, url: str = URL) -> tuple[ObjectStore, DirectoryStore]:
    """The store as one machine has it, and its own directory."""
    own = DirectoryStore(root)
    return ObjectStore(own, Remote(url), FakeProgress()), own


def trained(own: DirectoryStore, weights: bytes = b"weights") -> Training:
    """A training in the workspace of a machine."""
    found = training(own)
    (own.root / "work" / KEY / "adapter" / "adapter_model.safetensors").write_bytes(weights)
    return found


def names(s3: Any) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_what_one_machine_trains_another_finds(wire: Wire, tmp_path: Path) -> None:
    store, own = machine(tmp_path / "one")
    assert store.find_training(KEY) is None
    with store.claim(KEY):
        pass
    kept = store.keep_training(trained(own), lambda kept: {"README.md": kept.adapter_sha256})
    other, theirs = machine(tmp_path / "two")
    assert other.find_training(KEY) == kept
    assert (other.adapter(kept) / "adapter_model.safetensors").read_bytes() == b"weights"
    assert (other.adapter(kept) / "README.md").read_text() == kept.adapter_sha256
    assert theirs.find_training(KEY) == kept, "the next look needs no network"
    assert [file.name for file in (tmp_path / "two" / "trainings").iterdir()] == [KEY]


def test_keeping_and_finding_again_changes_nothing(wire: Wire, s3: Any, tmp_path: Path) -> None:
    store, own = machine(tmp_path / "one")
    kept = store.keep_training(trained(own))
    before = names(s3)
    assert store.find_training(KEY) == kept
    assert store.keep_training(trained(own)) == kept
    assert names(s3) == before
    assert before[-1] == RECORD


def test_arms_are_shared(wire: Wire, tmp_path: Path) -> None:
    machine(tmp_path / "one")[0].keep_arm(KEY, arm())
    other = machine(tmp_path / "two")[0]
    assert other.find_arm(KEY) == arm()
    assert other.find_arm("x" * 64) is None


def test_of_two_machines_that_train_one_key_both_take_the_first(wire: Wire, tmp_path: Path) -> None:
    machines = [machine(tmp_path / str(n)) for n in range(2)]
    ready = [trained(own, f"weights {n}".encode()) for n, (_, own) in enumerate(machines)]
    done: dict[int, Training] = {}

    def keep(n: int) -> None:
        done[n] = machines[n][0].keep_training(ready[n])

    threads = [threading.Thread(target=keep, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done[0].adapter_sha256 == done[1].adapter_sha256
    third = machine(tmp_path / "third")[0].find_training(KEY)
    assert third == done[0] == done[1]
    assert all(store.find_training(KEY) == third for store, _ in machines)


def test_a_record_that_exists_is_never_written_over(wire: Wire, s3: Any, tmp_path: Path) -> None:
    remote = Remote(URL)
    assert remote.create("a", b"first") and not remote.create("a", b"second")
    assert remote.read("a") == b"first"


def test_a_service_that_does_not_say_which_condition_failed_is_understood(wire: Wire) -> None:
    """Amazon does, others that speak S3 do not, and the driver has another error for it then."""
    wire.hidden = b"<Condition>If-None-Match</Condition>"
    test_a_record_that_exists_is_never_written_over(wire, None, Path())


def test_a_service_without_conditional_writes_keeps_what_is_there(wire: Wire) -> None:
    wire.unknown = b"if-none-match"
    test_a_record_that_exists_is_never_written_over(wire, None, Path())


def test_a_connection_that_drops_once_is_tried_again(wire: Wire, tmp_path: Path) -> None:
    store, own = machine(tmp_path / "one")
    wire.after, wire.cuts = 200_000, 1
    kept = store.keep_training(trained(own, b"w" * 1_000_000))
    assert wire.cut == 1
    assert machine(tmp_path / "two")[0].find_training(KEY) == kept


def test_an_upload_that_was_cut_off_is_never_found_and_made_good_later(
    wire: Wire, s3: Any, tmp_path: Path
) -> None:
    store, own = machine(tmp_path / "one")
    wire.after, wire.cuts = 200_000, 10**6
    with pytest.raises(OutsideError, match=rf"{URL}/trainings/{KEY}/\w+/adapter_model.safetensors") as caught:
        store.keep_training(trained(own, b"w" * 1_000_000))
    assert caught.value.advice
    wire.cuts = 0
    assert RECORD not in names(s3)
    assert machine(tmp_path / "two")[0].find_training(KEY) is None
    kept = store.find_training(KEY)
    assert kept is not None, "it was trained, and its machine has it"
    assert machine(tmp_path / "three")[0].find_training(KEY) == kept


@pytest.mark.parametrize("harm", ["flip", "delete", "truncate"])
@pytest.mark.parametrize(
    "suffix", ["adapter_config.json", "adapter_model.safetensors", "files.json", "record.json"]
)
def test_a_damaged_object_is_refused_with_its_url(
    wire: Wire, s3: Any, tmp_path: Path, suffix: str, harm: str
) -> None:
    store, own = machine(tmp_path / "one")
    store.keep_training(trained(own))
    [name] = [name for name in names(s3) if name.endswith(suffix)]
    content = s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    if harm == "delete":
        s3.delete_object(Bucket=BUCKET, Key=name)
    else:
        harmed = b"!" + content[1:] if harm == "flip" else content[: len(content) // 2]
        s3.put_object(Bucket=BUCKET, Key=name, Body=harmed)
    other = machine(tmp_path / "two")[0]
    if suffix == "record.json" and harm == "delete":
        assert other.find_training(KEY) is None
        return
    with pytest.raises(OutsideError, match="damaged") as caught:
        other.find_training(KEY)
    assert f"{URL}/trainings/{KEY}" in caught.value.message
    assert f"Delete {URL}/trainings/{KEY} and" in caught.value.advice
    assert not (tmp_path / "two" / "trainings" / KEY).exists()


def test_a_record_of_another_key_is_refused(wire: Wire, s3: Any, tmp_path: Path) -> None:
    store, own = machine(tmp_path / "one")
    store.keep_training(trained(own))
    source = {"Bucket": BUCKET, "Key": RECORD}
    s3.copy_object(Bucket=BUCKET, Key=RECORD.replace(KEY, "x" * 64), CopySource=source)
    with pytest.raises(OutsideError, match="belongs to the key"):
        machine(tmp_path / "two")[0].find_training("x" * 64)


def test_files_that_lead_elsewhere_are_refused(wire: Wire, s3: Any, tmp_path: Path) -> None:
    from ftgate import wire as sealing

    store, own = machine(tmp_path / "one")
    store.keep_training(trained(own))
    [name] = [name for name in names(s3) if name.endswith("files.json")]
    forged = sealing.to_json(sealing.sealed({"../../evil": 1}))
    s3.put_object(Bucket=BUCKET, Key=name, Body=forged)
    with pytest.raises(OutsideError, match="names no files"):
        machine(tmp_path / "two")[0].find_training(KEY)


def test_a_damaged_arm_is_refused(wire: Wire, s3: Any, tmp_path: Path) -> None:
    machine(tmp_path / "one")[0].keep_arm(KEY, arm())
    s3.put_object(Bucket=BUCKET, Key=f"team/a/arms/{KEY}.json", Body=b"{")
    with pytest.raises(OutsideError, match=f"{URL}/arms/{KEY}.json: stored evidence is damaged"):
        machine(tmp_path / "two")[0].find_arm(KEY)


def test_a_bucket_that_is_not_there_is_told_before_anything_trains(wire: Wire, tmp_path: Path) -> None:
    store, _ = machine(tmp_path, "s3://nobody-made-this/a")
    with pytest.raises(OutsideError, match=r"nobody-made-this/a/ftgate-store\.json"), store.claim(KEY):
        pytest.fail("it would have trained for hours")


def test_credentials_that_are_wrong_are_told(wire: Wire, tmp_path: Path) -> None:
    demand_authority(wire, "0")
    try:
        with pytest.raises(OutsideError, match="not permitted") as caught:
            machine(tmp_path)[0].find_training(KEY)
        assert "leave to read and write" in caught.value.advice
    finally:
        demand_authority(wire, "inf")


def test_no_credentials_at_all_are_told(wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(OutsideError, match=URL), machine(tmp_path)[0].claim(KEY):
        pytest.fail("nothing may be written without credentials")


def test_a_service_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", unused_url())
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(OutsideError, match="cannot be reached") as caught:
        machine(tmp_path)[0].find_training(KEY)
    assert "credentials" in caught.value.advice


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory://a", "memory:// is no place"),
        ("https://example.test/a", "https:// is no place"),
        ("s3:///a", "names no bucket"),
        ("s3://key:secret@bucket/a", "more than bucket and prefix"),
        ("s3://bucket/a?endpoint_url=http://x", "more than bucket and prefix"),
    ],
)
def test_a_url_that_nothing_can_be_kept_under_is_refused(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        Remote(url)
    assert "secret" not in caught.value.message


def test_a_driver_that_is_missing_is_named_with_the_command(tmp_path: Path) -> None:
    if importlib.util.find_spec("gcsfs"):
        pytest.skip("gcsfs is installed")
    with pytest.raises(SettingsError, match="driver") as caught:
        machine(tmp_path, "gs://bucket/a")[0].find_training(KEY)
    assert "pip install '.[gcs]'" in caught.value.advice


def test_a_store_that_was_filled_before_the_url_was_given_is_sent(wire: Wire, tmp_path: Path) -> None:
    store, own = machine(tmp_path / "one")
    kept = own.keep_training(trained(own))
    assert store.find_training(KEY) == kept
    assert machine(tmp_path / "two")[0].find_training(KEY) == replace(kept)
