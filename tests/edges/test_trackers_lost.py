"""Trackers that fail while a training runs, with the real libraries: the training goes on to the same weights."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.decide.launch import NO_TELEMETRY
from ftgate.edges import telling
from ftgate.edges.qlora import QloraTrainer
from ftgate.errors import SettingsError
from ftgate.ports import Task, TrainingJob
from ftgate.values.training import Training
from ftgate.values.training_settings import Tracker
from tests.edges.launched_training import job_of
from tests.edges.servers import unused_url
from tests.edges.tracking_server import tracking
from tests.edges.trainings import weights
from tests.edges.wandb_server import Heard, wandb_server
from tests.fakes import FakeProgress

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

LOSS = 3  # steps of a training


class At(FakeProgress):
    """Does something when a step is done."""

    def __init__(self, step: int, deed: object) -> None:
        super().__init__()
        self._step, self._deed = step, deed

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Task]:
        step, deed = self._step, self._deed

        class Doing:
            done = 0

            def advance(self, steps: int = 1) -> None:
                self.done += steps
                if self.done == step and steps:
                    deed()  # type: ignore[operator]

        yield Doing()


@pytest.fixture(scope="module")
def untold(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The weights of the training when nobody is told."""
    workspace = tmp_path_factory.mktemp("untold")
    QloraTrainer().train(job_of(workspace, 1, epochs=1), FakeProgress())
    return weights(workspace)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MLflow tries only twice, and the thread that was left behind is through before another test."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("ftgate-"):
            thread.join(30)
            assert not thread.is_alive()


def tracked(workspace: Path, tracker: Tracker, **options: str) -> TrainingJob:
    job = job_of(workspace / "work", 1, epochs=1)
    told = {"directory": str(workspace / "told"), **options}
    return replace(job, report_to=(tracker,), tracker_options=told)


def held(training: Training, progress: FakeProgress, tracker: str, untold: str, workspace: Path) -> str:
    """The one event about the tracker, which was also said once."""
    assert training.failure is None and training.steps == LOSS
    assert weights(workspace / "work") == untold
    (event,) = [event for event in training.events if tracker in event]
    assert progress.said.count(event) == 1
    assert "the training went on" in event
    return event


def test_a_disk_that_is_full_for_tensorboard_costs_no_training(tmp_path: Path, untold: str) -> None:
    pytest.importorskip("tensorboard")

    def fill() -> None:
        time.sleep(0.5)  # what was told so far is on the disk
        (file,) = (tmp_path / "told").rglob("events.*")
        file.unlink()
        file.symlink_to("/dev/full")

    progress = At(1, fill)
    training = QloraTrainer().train(tracked(tmp_path, "tensorboard"), progress)
    assert "No space left on device" in held(training, progress, "tensorboard", untold, tmp_path)


@pytest.mark.parametrize("lost", ["reset", "silent", "401"])
def test_a_server_of_mlflow_that_is_lost_costs_no_training(
    lost: str, tmp_path: Path, untold: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setattr(telling, "CLOSING", 2.0)
    with tracking() as (url, kept):
        progress = At(2, lambda: setattr(kept, "lost", lost))
        began = time.monotonic()
        training = QloraTrainer().train(tracked(tmp_path, "mlflow", tracking_uri=url), progress)
        assert time.monotonic() - began < 60
        event = held(training, progress, "mlflow", untold, tmp_path)
        assert kept.metrics and kept.params
        assert ("who are you?" in event) == (lost == "401")


def test_a_server_of_mlflow_hears_all_and_the_end(tmp_path: Path, untold: str) -> None:
    pytest.importorskip("mlflow")
    with tracking() as (url, kept):
        training = QloraTrainer().train(tracked(tmp_path, "mlflow", tracking_uri=url), FakeProgress())
    assert not [event for event in training.events if "mlflow" in event]
    assert {point["step"] for point in kept.metrics if point["key"] == "loss"} == {1, 2, 3}
    assert kept.status == "FINISHED"
    assert weights(tmp_path / "work") == untold


def test_a_server_of_mlflow_that_is_not_there_costs_no_training(
    tmp_path: Path, untold: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setattr(telling, "OPENING", 2.0)
    monkeypatch.setattr(telling, "CLOSING", 2.0)
    progress = FakeProgress()
    training = QloraTrainer().train(tracked(tmp_path, "mlflow", tracking_uri=unused_url()), progress)
    held(training, progress, "mlflow", untold, tmp_path)


def test_an_address_that_mlflow_does_not_know_is_refused_before_training(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    with pytest.raises(SettingsError, match="mlflow"):
        QloraTrainer().train(tracked(tmp_path, "mlflow", tracking_uri="gopher://x"), FakeProgress())


def test_wandb_without_a_login_is_refused_before_training(tmp_path: Path) -> None:
    """In a process of its own: wandb keeps a login for as long as its process lives."""
    pytest.importorskip("wandb")
    done = _wandb(tmp_path, {})
    assert done.returncode == 2, done.stderr
    assert "training.report_to: wandb" in done.stderr and "WANDB_API_KEY" in done.stderr
    assert not (tmp_path / "work" / "adapter").exists()


def test_a_server_of_wandb_that_is_not_there_costs_no_training(tmp_path: Path, untold: str) -> None:
    """Nor does it keep the process from ending."""
    pytest.importorskip("wandb")
    began = time.monotonic()
    done = _wandb(tmp_path, {"WANDB_API_KEY": "a" * 40, "WANDB_BASE_URL": unused_url()})
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 80
    assert "wandb" in done.stdout and "the training went on" in done.stdout
    assert weights(tmp_path / "work") == untold


def test_a_server_of_wandb_hears_figures_and_digests_and_nothing_else(tmp_path: Path) -> None:
    """No path, no list of packages or of the machine's parts, no report about the use of wandb."""
    pytest.importorskip("wandb")
    with wandb_server() as (url, heard):
        done = _wandb(tmp_path, {"WANDB_API_KEY": "a" * 40, "WANDB_BASE_URL": url})
    assert done.returncode == 0 and done.stdout == "()\n", done.stderr
    everything = b"\n".join(content for _, content in heard.requests)
    assert b"train/loss" in everything and b"eval/loss" in everything and b"recipe/rank" in everything
    assert str(tmp_path).encode() not in everything and str(Path.cwd()).encode() not in everything
    assert b"test_trackers_lost" not in everything and sys.executable.encode() not in everything
    assert b"message 1" not in everything
    assert not [path for path, _ in heard.requests if "otel" in path]
    assert b"wandb-metadata" not in everything and b"system.cpu" not in everything


def test_a_server_of_wandb_that_is_lost_costs_no_training(tmp_path: Path, untold: str) -> None:
    """Nor does it keep the process from ending."""
    pytest.importorskip("wandb")
    began = time.monotonic()
    with wandb_server() as (url, heard):
        told = {"WANDB_API_KEY": "a" * 40, "WANDB_BASE_URL": url}
        done = _wandb(tmp_path, told, lose=heard)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 80
    assert heard.lost and "wandb had not taken everything" in done.stdout
    assert weights(tmp_path / "work") == untold


def _wandb(
    tmp_path: Path, told: dict[str, str], lose: Heard | None = None
) -> "subprocess.CompletedProcess[str]":
    """A training that tells wandb; the server is lost to it once the first step is done."""
    (tmp_path / "home").mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    arguments = [sys.executable, "-m", "tests.edges.test_trackers_lost", str(tmp_path)]
    with subprocess.Popen(
        arguments,
        env={**clean, **NO_TELEMETRY, "HOME": str(tmp_path / "home"), **told},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while lose and not lose.lost and process.poll() is None:
            lose.lost = (tmp_path / "lose").exists()
            time.sleep(0.05)
        printed, said = process.communicate(timeout=300)
    return subprocess.CompletedProcess(arguments, process.returncode, printed, said)


def _in_a_process(workspace: Path) -> int:
    telling.OPENING, telling.CLOSING = 3.0, 3.0

    def done() -> None:
        (workspace / "lose").touch()
        time.sleep(0.5)

    try:
        training = QloraTrainer().train(tracked(workspace, "wandb"), At(1, done))
    except SettingsError as error:
        sys.stderr.write(f"{error.message} {error.advice}\n")
        return 2
    sys.stdout.write(f"{training.events}\n")
    return 0


if __name__ == "__main__":
    sys.exit(_in_a_process(Path(sys.argv[1])))
