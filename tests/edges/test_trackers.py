"""Trackers that are really there hear of a real training, and nobody else does."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.decide import tracking
from ftgate.edges import trackers
from ftgate.edges.qlora import QloraTrainer
from ftgate.errors import SettingsError
from ftgate.ports import TrainingJob
from ftgate.values.training_settings import Tracker
from tests.edges.launched_training import job_of
from tests.fakes import FakeProgress

# Libraries under test warn about themselves; ftgate's own warnings stay errors elsewhere.
pytestmark = pytest.mark.filterwarnings("default")

ROOT = Path(__file__).parent.parent.parent
HOOK = """
import os, sys

def hear(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        with open(os.environ["TORCH_TEST_HEARD"], "a") as heard:
            heard.write(f"{event} {arguments[1:] if event != 'socket.getaddrinfo' else arguments[:2]}\\n")

sys.addaudithook(hear)
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_training_without_trackers_speaks_to_nobody(processes: int, tmp_path: Path) -> None:
    """Every process of it, the launcher's too, writes down whom Python's sockets ask for."""
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    heard = tmp_path / "heard"
    told = {
        name: value for name, value in os.environ.items() if name not in ("CI", "HF_HUB_DISABLE_TELEMETRY")
    }
    command = [sys.executable, "-m", "tests.edges.tracked_training", str(tmp_path / "w"), str(processes)]
    paths = f"{tmp_path}{os.pathsep}{ROOT}"
    subprocess.run(command, env={**told, "PYTHONPATH": paths, "TORCH_TEST_HEARD": str(heard)}, check=True)
    lines = heard.read_text().splitlines() if heard.exists() else []
    local = ("localhost", "127.0.0.1", "::1", os.uname().nodename)
    assert not [line for line in lines if not any(f"'{name}'" in line for name in local)], lines
    if processes == 1:
        assert not lines


def test_the_ear_of_that_test_hears(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    heard = tmp_path / "heard"
    code = "import socket\ntry: socket.create_connection(('example.invalid', 443), 1)\nexcept OSError: pass"
    told = {**os.environ, "PYTHONPATH": str(tmp_path), "TORCH_TEST_HEARD": str(heard)}
    subprocess.run([sys.executable, "-c", code], env=told, check=True)
    assert "example.invalid" in heard.read_text()


def tracked(
    tmp_path: Path, tracker: Tracker, **options: str
) -> tuple[TrainingJob, dict[int, float], dict[int, float]]:
    """A job, and the losses by step that its trainer recorded."""
    job = job_of(tmp_path / "work", 1, epochs=1, evaluations=1)
    options = {"directory": str(tmp_path / "told"), "project": "bank messages", **options}
    job = replace(job, report_to=(tracker,), tracker_options=options, key="3f2a" * 16)
    training = QloraTrainer().train(job, FakeProgress())
    assert training.failure is None
    losses = {p.step: p.train for p in training.curve if p.train is not None}
    held_out = {p.step: p.held_out for p in training.curve if p.held_out is not None}
    assert len(losses) == 3 and len(held_out) == 1
    # No text of an example, in whatever form a tracker keeps what it was told.
    for file in (tmp_path / "told").rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert b"message 1" not in content and b"another 1 on" not in content, file
    return job, losses, held_out


def expected(job: TrainingJob) -> dict[str, Any]:
    return {
        "key": job.key,
        "recipe/rank": job.recipe.rank,
        "recipe/method": "qlora",
        "examples": 22,
        "base_sha256": job.base_model.sha256,
    }


def same(found: Mapping[int, float], losses: Mapping[int, float]) -> bool:
    return found.keys() == losses.keys() and all(abs(found[s] - losses[s]) < 1e-3 for s in losses)


@pytest.mark.slow
def test_tensorboard_reads_the_losses_and_the_recipe_back(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    job, losses, held_out = tracked(tmp_path, "tensorboard")
    (folder,) = (tmp_path / "told" / "tensorboard").iterdir()
    assert folder.name == "training-3f2a3f2a3f2a"
    events = EventAccumulator(str(folder))
    events.Reload()
    assert same({e.step: e.value for e in events.Scalars("train/loss")}, losses)
    assert same({e.step: e.value for e in events.Scalars("eval/loss")}, held_out)
    (told,) = events.Tensors("ftgate/text_summary")
    text = told.tensor_proto.string_val[0].decode()
    assert all(f"{name}: {value}" in text for name, value in expected(job).items())
    assert set(events.Tags()["tensors"]) == {"ftgate/text_summary"}


@pytest.mark.slow
def test_mlflow_reads_the_losses_and_the_recipe_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    mlflow.set_tracking_uri(None)
    job, losses, held_out = tracked(tmp_path, "mlflow")
    client = mlflow.MlflowClient(mlflow.get_tracking_uri())
    experiment = client.get_experiment_by_name("bank messages")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == "training 3f2a3f2a3f2a"
    assert run.info.status == "FINISHED"
    assert run.data.tags["ftgate.key"] == job.key
    assert {name: run.data.params[name] for name in expected(job)} == {
        name: str(value) for name, value in expected(job).items()
    }
    assert same({m.step: m.value for m in client.get_metric_history(run.info.run_id, "loss")}, losses)
    assert same({m.step: m.value for m in client.get_metric_history(run.info.run_id, "eval_loss")}, held_out)


@pytest.mark.slow
def test_wandb_keeps_everything_on_this_machine_when_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    job, losses, _ = tracked(tmp_path, "wandb", mode="offline")
    (folder,) = (tmp_path / "told" / "wandb").glob("wandb/offline-run-*")
    (log,) = folder.glob("run-*.wandb")
    content = log.read_bytes()
    assert job.key.encode() in content
    assert b"recipe/rank" in content
    assert b"train/loss" in content and b"eval/loss" in content
    assert len(losses) == 3


@pytest.mark.slow
def test_trackio_reads_the_losses_back(tmp_path: Path) -> None:
    """In a process of its own: trackio reads where it keeps things when it is imported."""
    pytest.importorskip("trackio")
    code = (
        "import sys; from pathlib import Path; from tests.edges.test_trackers import tracked;"
        "import json, trackio; job, losses, held_out = tracked(Path(sys.argv[1]), 'trackio', project='bank');"
        "from trackio.sqlite_storage import SQLiteStorage as kept;"
        "(run,) = kept.get_runs('bank'); logs = kept.get_logs('bank', run);"
        "print(json.dumps([run, logs, kept.get_run_config('bank', run), losses]))"
    )
    told = {**os.environ, "TRACKIO_DIR": str(tmp_path / "told"), "GRADIO_ANALYTICS_ENABLED": "False"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=told,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    run, logs, config, losses = json.loads(done.stdout.splitlines()[-1])
    assert run == "training 3f2a3f2a3f2a"
    assert same(
        {int(entry["train/global_step"]): entry["train/loss"] for entry in logs if "train/loss" in entry},
        {int(step): loss for step, loss in losses.items()},
    )
    assert config["key"] == "3f2a" * 16 and config["recipe/method"] == "qlora"


def test_a_package_that_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(SettingsError) as caught:
        trackers.check(("wandb", "trackio"), {})
    assert "wandb, trackio, which is not installed" in caught.value.message
    assert caught.value.advice.endswith("pip install '.[wandb,trackio]'")


def test_a_missing_tracker_stops_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ftgate.edges.launch import LaunchingTrainer
    from tests.fakes import FakeTrainer

    monkeypatch.setitem(sys.modules, "mlflow", None)
    inner = FakeTrainer()
    with pytest.raises(SettingsError, match="mlflow"):
        LaunchingTrainer(inner, {}).train(replace(job_of(tmp_path, 1), report_to=("mlflow",)), FakeProgress())
    assert not inner.jobs


def test_options_that_nobody_knows_are_refused_with_the_near_one() -> None:
    assert tracking.problems(("wandb",), {"project": "x", "directory": "y"}) == []
    assert "did you mean 'project'?" in tracking.problems(("wandb",), {"projekt": "x"})[0]
    assert "there are project" in tracking.problems(("wandb",), {"zzz": "x"})[0]
    assert "names no tracker" in tracking.problems((), {"project": "x"})[0]


def test_what_is_told_is_recipe_and_digests(tmp_path: Path) -> None:
    job = job_of(tmp_path, 2)
    told = tracking.about(job.key, job.commit, job.base_model, job.recipe, (job.examples, job.held_out))
    assert told["recipe/processes"] == 2
    assert told["examples"] == 22 and len(str(told["data_sha256"])) == 64
    assert str(tmp_path) not in str(told) and job.base_model.location not in str(told)
    assert not [e for e in job.examples if e.user_text in str(told)]
    assert "reasons" not in str(told)


def test_the_key_of_a_training_does_not_know_its_trackers() -> None:
    """Weights do not depend on who is told."""
    from ftgate.decide.recipe import resolve
    from ftgate.values.training import Basis
    from ftgate.values.training_settings import TrainingSettings
    from tests.fakes import BASE_MODEL

    plain, told = TrainingSettings(), TrainingSettings(report_to=("wandb",), tracker_options={"project": "x"})
    basis = Basis(examples=100)
    assert resolve(plain, BASE_MODEL, basis) == resolve(told, BASE_MODEL, basis)
