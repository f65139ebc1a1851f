"""What is stored is whole and true, or it is refused."""

import json
import shutil
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.decide.recipe import resolve
from ftgate.edges.run_files import RunDirectory
from ftgate.edges.store import DirectoryStore
from ftgate.errors import InputError, OutsideError
from ftgate.values.evaluation import Arm, ArmEvaluation, Completion, Grade, Item, Outcome
from ftgate.values.training import Basis, Training
from ftgate.values.training_settings import TrainingSettings
from tests.fakes import BASE_MODEL

KEY = "k" * 64


def training(store: DirectoryStore) -> Training:
    """A training whose adapter lies in the workspace."""
    with store.claim(KEY) as workspace:
        folder = workspace / "adapter"
        folder.mkdir()
        (folder / "adapter_config.json").write_text("{}")
        (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return Training(
        key=KEY,
        commit="c",
        adapter="",
        adapter_sha256="",
        examples=1,
        data_sha256="d",
        recipe=resolve(TrainingSettings(), BASE_MODEL, Basis(examples=300)),
    )


def arm() -> ArmEvaluation:
    grade = Grade(grader="equals", outcome=Outcome.PASSED, reason="", score=1.0)
    item = Item(prompt="p", completion=Completion(text="x", finish="stop", tokens=1), grades=(grade,))
    return ArmEvaluation(arm=Arm.BASE, adapter_sha256=None, items=(item,))


def test_a_kept_training_is_found_again_with_its_adapter(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    assert store.find_training(KEY) is None
    kept = store.keep_training(training(store))
    assert store.find_training(KEY) == kept
    assert (store.adapter(kept) / "adapter_model.safetensors").read_bytes() == b"weights"
    assert not (tmp_path / "work" / KEY).exists()


@pytest.mark.parametrize(
    "name", ["adapter/adapter_model.safetensors", "adapter/adapter_config.json", "record.json"]
)
@pytest.mark.parametrize("harm", ["flip", "delete", "truncate"])
def test_a_damaged_training_is_refused_and_never_taken_for_none(tmp_path: Path, name: str, harm: str) -> None:
    store = DirectoryStore(tmp_path)
    store.keep_training(training(store))
    file = tmp_path / "trainings" / KEY / name
    content = file.read_bytes()
    if harm == "delete":
        file.unlink()
    else:
        file.write_bytes(b"!" + content[1:] if harm == "flip" else content[: len(content) // 2])
    if name == "record.json" and harm == "delete":
        assert store.find_training(KEY) is None
        return
    with pytest.raises(OutsideError, match="damaged") as caught:
        store.find_training(KEY)
    assert "rm -r" in caught.value.advice


@pytest.mark.parametrize("name", ["adapter_model.bin", "modeling_evil.py", ".hidden", "config.json"])
def test_a_file_that_nobody_kept_there_is_refused(tmp_path: Path, name: str) -> None:
    store = DirectoryStore(tmp_path)
    kept = store.keep_training(training(store))
    (store.adapter(kept) / name).write_text("{}")
    with pytest.raises(OutsideError, match="damaged"):
        store.find_training(KEY)


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "README.md"])
def test_a_link_is_refused_although_its_content_is_right(tmp_path: Path, name: str) -> None:
    store = DirectoryStore(tmp_path)
    kept = store.keep_training(training(store), lambda kept: {"README.md": "card"})
    file = store.adapter(kept) / name
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutsideError, match="no plain file"):
        store.find_training(KEY)


def test_cards_are_renderings_and_change_no_digest(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    plain = store.keep_training(training(store))
    told = store.keep_training(training(store), lambda kept: {"README.md": kept.adapter_sha256})
    assert told.adapter_sha256 == plain.adapter_sha256
    assert (store.adapter(told) / "README.md").read_text() == plain.adapter_sha256
    (store.adapter(told) / "README.md").write_text("rendered anew")
    assert store.find_training(KEY) == told


def whole(folder: Path, shards: int, listed: int) -> None:
    """A model in shards, and the index that lists them."""
    (folder / "adapter_config.json").unlink()
    (folder / "adapter_model.safetensors").unlink()
    names = [f"model-{n:05}-of-{listed:05}.safetensors" for n in range(1, listed + 1)]
    for name in names[:shards]:
        (folder / name).write_bytes(name.encode())
    (folder / "config.json").write_text("{}")
    index = {"weight_map": {f"w{n}": name for n, name in enumerate(names)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def test_a_whole_model_in_shards_is_kept_and_its_every_byte_counts(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    made = training(store)
    whole(tmp_path / "work" / KEY / "adapter", 2, 2)
    kept = store.keep_training(made)
    assert store.find_training(KEY) == kept
    (store.adapter(kept) / "model-00002-of-00002.safetensors").write_bytes(b"x")
    with pytest.raises(OutsideError, match="digest"):
        store.find_training(KEY)


def test_a_whole_model_without_a_shard_is_never_kept(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    made = training(store)
    whole(tmp_path / "work" / KEY / "adapter", 1, 2)
    with pytest.raises(OutsideError, match=r"model-00002-of-00002\.safetensors is missing"):
        store.keep_training(made)


def test_a_training_with_an_edited_record_is_refused(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.keep_training(training(store))
    record = tmp_path / "trainings" / KEY / "record.json"
    record.write_text(record.read_text().replace('"examples": 1', '"examples": 9999'))
    with pytest.raises(OutsideError, match="does not match its digest"):
        store.find_training(KEY)


def test_a_training_under_another_key_is_refused(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.keep_training(training(store))
    (tmp_path / "trainings" / KEY).rename(tmp_path / "trainings" / ("x" * 64))
    with pytest.raises(OutsideError, match="belongs to the key"):
        store.find_training("x" * 64)


def test_two_runs_never_share_a_workspace(tmp_path: Path) -> None:
    order: list[str] = []

    def other() -> None:
        with DirectoryStore(tmp_path, order.append).claim(KEY):
            order.append("second")

    with DirectoryStore(tmp_path).claim(KEY):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(timeout=0.2)
        order.append("first")
    thread.join()
    assert order == [f"another process trains this ({KEY[:12]}): waiting for it", "first", "second"]
    with DirectoryStore(tmp_path, order.append).claim(KEY):
        assert len(order) == 3  # nobody waits where nobody trains


def test_who_is_killed_while_checkpoints_are_removed_has_kept_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, remove = DirectoryStore(tmp_path), shutil.rmtree
    made = training(store)
    (tmp_path / "work" / KEY / "checkpoints").mkdir()

    def killed(path: Path, ignore_errors: bool = False) -> None:
        if path.name == "checkpoints":
            raise KeyboardInterrupt
        remove(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        store.keep_training(made)
    monkeypatch.undo()
    assert (tmp_path / "trainings" / KEY / "checkpoints").is_dir()
    found = DirectoryStore(tmp_path).find_training(KEY)
    assert found is not None and found.examples == made.examples
    assert not (tmp_path / "trainings" / KEY / "checkpoints").exists()


def test_an_arm_with_an_edited_grade_is_refused(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.keep_arm(KEY, arm())
    assert store.find_arm(KEY) == arm()
    file = tmp_path / "arms" / f"{KEY}.json"
    file.write_text(file.read_text().replace('"passed"', '"failed"'))
    with pytest.raises(OutsideError, match="does not match its digest"):
        store.find_arm(KEY)


def test_an_unreadable_arm_is_refused(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.keep_arm(KEY, arm())
    (tmp_path / "arms" / f"{KEY}.json").write_text("{")
    with pytest.raises(OutsideError, match="damaged"):
        store.find_arm(KEY)


def test_keeping_twice_leaves_the_second(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.keep_training(training(store))
    again = store.keep_training(replace(training(store), examples=2))
    assert store.find_training(KEY) == again


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": "ftgate.run/2"}', "null", "\xff"])
def test_a_run_that_cannot_be_read_names_file_and_way_out(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content, "latin-1")
    with pytest.raises(InputError, match=r"run\.json") as caught:
        RunDirectory(tmp_path).load()
    assert caught.value.advice


def test_no_run_is_none(tmp_path: Path) -> None:
    assert RunDirectory(tmp_path).load() is None
