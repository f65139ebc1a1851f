"""A checkpoint is whole or it is not there."""

import shutil
import time
from pathlib import Path

import pytest

from ftgate.decide.overfitting import Measured
from ftgate.edges.checkpoints import Checkpoints, Kept

FILES = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")
KEPT = Kept(
    measured=(Measured(step=2, epoch=0.5, train=1.0, held_out=(1.25, 0.1), tokens=7),),
    events=("went on from step 1",),
    seconds=12.5,
    batch_size=2,
    accumulation=8,
)


def write(workspace: Path, step: int, key: str = "key") -> Checkpoints:
    """As a trainer does: a draft, which then is kept."""
    checkpoints = Checkpoints(workspace, key)
    draft = checkpoints.draft / f"checkpoint-{step}"
    draft.mkdir(parents=True)
    for name in FILES:
        (draft / name).write_bytes(f"{name} of step {step}".encode() * 100)
    checkpoints.keep(step, KEPT)
    return checkpoints


def newest(workspace: Path, key: str = "key") -> tuple[int, tuple[str, ...]]:
    found = Checkpoints(workspace, key).find()
    return found.step, found.told


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    write(tmp_path, 4)
    found = Checkpoints(tmp_path, "key").find()
    assert found.folder == tmp_path / "checkpoints" / "checkpoint-4"
    assert found.kept == KEPT
    assert (found.step, found.told) == (4, ())


def test_the_two_newest_stay_and_step_10_is_newer_than_step_9(tmp_path: Path) -> None:
    for step in (8, 9, 10):
        write(tmp_path, step)
    kept = sorted(folder.name for folder in (tmp_path / "checkpoints").glob("checkpoint-*"))
    assert kept == ["checkpoint-10", "checkpoint-9"]
    assert newest(tmp_path) == (10, ())


@pytest.mark.parametrize("name", [*FILES, "ftgate.state.json", "ftgate.manifest.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "other", "empty"])
def test_a_damaged_one_is_not_chosen_and_the_one_before_it_is(tmp_path: Path, name: str, damage: str) -> None:
    write(tmp_path, 1)
    write(tmp_path, 2)
    file = tmp_path / "checkpoints" / "checkpoint-2" / name
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    elif damage == "other":
        file.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    else:
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    step, told = newest(tmp_path)
    assert step == 1
    assert len(told) == 1 and told[0].startswith("the checkpoint of step 2 is not used")
    assert not file.parent.exists()


def test_half_written_ones_are_never_chosen(tmp_path: Path) -> None:
    write(tmp_path, 3)
    folder = tmp_path / "checkpoints"
    shutil.copytree(folder / "checkpoint-3", folder / "draft" / "checkpoint-7")
    shutil.copytree(folder / "checkpoint-3", folder / "checkpoint-99")
    (folder / "checkpoint-99" / "ftgate.manifest.json").unlink()
    (folder / "checkpoint-100").mkdir()
    step, told = newest(tmp_path)
    assert step == 3 and len(told) == 2
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint-3"]


def test_another_training_is_not_taken_up(tmp_path: Path) -> None:
    """A push that supersedes another has other data, and so another key."""
    write(tmp_path, 5, key="a" * 64)
    step, told = newest(tmp_path, key="b" * 64)
    assert step == 0
    assert told == ("the checkpoint of step 5 is not used: it is of another training (aaaaaaaaaaaa)",)


def test_the_best_weights_lie_in_the_checkpoint_and_come_back(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "key")
    checkpoints.best.mkdir(parents=True)
    (checkpoints.best / "adapter_model.safetensors").write_bytes(b"best of step 2")
    write(tmp_path, 2)
    shutil.rmtree(checkpoints.best)
    checkpoints.best.mkdir()
    (checkpoints.best / "adapter_model.safetensors").write_bytes(b"best of step 3, which no checkpoint knows")
    assert newest(tmp_path) == (2, ())
    assert (checkpoints.best / "adapter_model.safetensors").read_bytes() == b"best of step 2"


def test_it_is_time_for_one_after_the_seconds_and_sooner_after_a_measurement(tmp_path: Path) -> None:
    assert not Checkpoints(tmp_path, "key", 3600).due(measured=True)
    assert Checkpoints(tmp_path, "key", 0).due(measured=False)
    some = Checkpoints(tmp_path, "key", 1.2)
    time.sleep(0.15)
    assert some.due(measured=True) and not some.due(measured=False)
