"""A training that was killed, interrupted or ran out of memory ends with the weights that it would have had anyway."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.edges import loading
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.qlora import QloraTrainer
from ftgate.errors import OutsideError
from ftgate.ports import TrainingJob
from ftgate.values.training import BaseModel, Training
from tests.edges.trainings import CONTRARY, Interrupting, example, hard_job, weights
from tests.fakes import FakeProgress

pytestmark = [
    pytest.mark.slow,
    # Libraries under test warn about themselves; ftgate's own warnings stay errors elsewhere.
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture(scope="module")
def base_model() -> BaseModel:
    return BaseModels().resolve(BUNDLED, None)


@pytest.fixture(scope="module")
def whole(base_model: BaseModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[Training, str]:
    """The training that nothing disturbs, and the digest of its weights."""
    workspace = tmp_path_factory.mktemp("whole")
    training = QloraTrainer().train(hard_job(base_model, workspace), FakeProgress())
    assert training.failure is None and training.events == ()
    return training, weights(workspace)


def disturbed(workspace: Path, seed: int, *signals: str) -> tuple[dict[str, Any], list[Any]]:
    """What the last attempt recorded, and exit code and seconds of those that got a signal."""
    command = [sys.executable, "-m", "tests.edges.killed_training", str(workspace), str(seed), *signals]
    subprocess.run(command, check=True, capture_output=True)
    return json.loads((workspace / "told.json").read_text()), json.loads(
        (workspace / "ends.json").read_text()
    )


def assert_same(told: dict[str, Any], whole: tuple[Training, str]) -> None:
    training, digest = whole
    assert told["failure"] is None
    assert told["curve"] == [[p.step, p.epoch, p.train, p.held_out] for p in training.curve]
    assert (told["best_step"], told["steps"]) == (training.best_step, training.steps)
    assert told["weights"] == digest


def test_killed_at_random_moments_it_ends_with_the_same_weights(
    tmp_path: Path, whole: tuple[Training, str]
) -> None:
    told, ends = disturbed(tmp_path, 1, "SIGKILL", "SIGKILL", "SIGKILL", "SIGKILL")
    assert -9 in [code for code, _ in ends], "it was never killed in time"
    assert any(event.startswith("went on from step") for event in told["events"])
    assert_same(told, whole)


def test_a_signal_is_obeyed_in_time_and_loses_nothing(tmp_path: Path, whole: tuple[Training, str]) -> None:
    told, ends = disturbed(tmp_path, 3, "SIGINT", "SIGTERM")
    assert ends[0][0] == 130
    assert all(seconds < 9 for _, seconds in ends)
    assert any(event.startswith("went on from step") for event in told["events"])
    assert_same(told, whole)


@contextmanager
def cancelled(at: int, *, measuring: bool) -> Iterator[None]:
    """SIGTERM to this process within that forward pass (from 1) of a training step, or of a measurement."""
    import torch
    from torch.nn.modules.module import register_module_forward_pre_hook

    passes = 0

    def look(module: Any, inputs: Any) -> None:
        nonlocal passes
        if isinstance(module, torch.nn.Embedding) and torch.is_grad_enabled() is not measuring:
            passes += 1
            if passes == at:
                os.kill(os.getpid(), signal.SIGTERM)

    hook = register_module_forward_pre_hook(look)
    try:
        yield
    finally:
        hook.remove()


@pytest.mark.parametrize(
    ("at", "measuring", "step"),
    [
        pytest.param(5, False, 3, id="in the first of two batches of a step"),
        pytest.param(3, True, 3, id="in a measurement, which is made up for"),
        pytest.param(18, False, 9, id="in the last step of all"),
    ],
)
def test_wherever_a_signal_comes_nothing_is_lost(
    base_model: BaseModel, tmp_path: Path, whole: tuple[Training, str], at: int, measuring: bool, step: int
) -> None:
    job = hard_job(base_model, tmp_path)
    with cancelled(at, measuring=measuring), pytest.raises(KeyboardInterrupt):
        QloraTrainer().train(job, FakeProgress())
    training = QloraTrainer().train(job, FakeProgress())
    assert training.events == (f"went on from step {step}",)
    assert (training.curve, training.best_step) == (whole[0].curve, whole[0].best_step)
    assert weights(tmp_path) == whole[1]


def test_a_signal_in_the_measurement_that_ends_a_training_makes_it_no_longer(
    base_model: BaseModel, tmp_path: Path
) -> None:
    """The measurement is made up for when it is taken up again, and then there is no further step."""
    contrary = {"epochs": 5, "dropout": 0.0, "evaluations": 3, "schedule": "constant"}

    def job(name: str) -> TrainingJob:
        return replace(hard_job(base_model, tmp_path / name, **contrary), held_out=CONTRARY)

    whole = QloraTrainer().train(job("whole"), FakeProgress())
    assert whole.stopped and whole.steps < 15
    passes = -(-len(CONTRARY) // 4) * (whole.steps - 1)  # of all measurements before the last one
    with cancelled(passes + 1, measuring=True), pytest.raises(KeyboardInterrupt):
        QloraTrainer().train(job("cut"), FakeProgress())
    training = QloraTrainer().train(job("cut"), FakeProgress())
    assert training.events == (f"went on from step {whole.steps}", whole.stopped)
    assert (training.steps, training.curve, training.best_step) == (whole.steps, whole.curve, whole.best_step)
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")


def test_without_time_for_the_rest_of_a_step_the_last_checkpoint_counts(
    base_model: BaseModel, tmp_path: Path, whole: tuple[Training, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = hard_job(base_model, tmp_path)
    monkeypatch.setattr("ftgate.edges.signals.GRACE", 0.0)
    with cancelled(9, measuring=False), pytest.raises(KeyboardInterrupt):
        QloraTrainer(checkpoint_seconds=0).train(job, FakeProgress())
    monkeypatch.undo()
    training = QloraTrainer().train(job, FakeProgress())
    assert training.events == ("went on from step 4",)
    assert weights(tmp_path) == whole[1]


@contextmanager
def memory_for(examples: int, at: int, message: str) -> Iterator[None]:
    """From the forward pass of that number on, batches above that size do not fit: as PyTorch says it.

    Hooks for all modules are PyTorch's own; nothing of ftgate or TRL is replaced.
    """
    import torch
    from torch.nn.modules.module import register_module_forward_pre_hook

    passes = 0

    def look(module: Any, inputs: Any) -> None:
        nonlocal passes
        if isinstance(module, torch.nn.Embedding):
            passes += torch.is_grad_enabled()
            if passes >= at and inputs[0].shape[0] > examples:
                raise torch.OutOfMemoryError(message) if "CUDA out" in message else RuntimeError(message)

    hook = register_module_forward_pre_hook(look)
    try:
        yield
    finally:
        hook.remove()


def test_out_of_memory_goes_on_with_smaller_batches_and_the_same_examples_in_a_step(
    base_model: BaseModel, tmp_path: Path
) -> None:
    """Compared with a training that was interrupted at that step, and taken up again with the smaller batches."""
    still = {"dropout": 0.0}
    job = hard_job(base_model, tmp_path / "short", **still)
    with memory_for(
        2, at=10, message="CUDA out of memory. Tried to allocate 2 GiB"
    ):  # 3 steps take 6 batches, the next 4 the first two of epoch two
        training = QloraTrainer(checkpoint_seconds=0).train(job, FakeProgress())
    assert training.failure is None
    assert training.events[0] == "out of memory with batches of 4 x 2: 2 x 4 from the last checkpoint on"
    assert training.events[1] == "went on from step 4"
    assert training.recipe == job.recipe and training.steps == 9

    other = hard_job(base_model, tmp_path / "other", **still)
    with pytest.raises(KeyboardInterrupt):
        QloraTrainer(checkpoint_seconds=0).train(other, Interrupting(at=5))
    small = replace(other, recipe=replace(other.recipe, batch_size=2, accumulation=4))
    assert QloraTrainer(checkpoint_seconds=0).train(small, FakeProgress()).failure is None
    assert weights(tmp_path / "short") == weights(tmp_path / "other")

    plain = hard_job(base_model, tmp_path / "plain", **still)
    whole = QloraTrainer().train(plain, FakeProgress())
    for point, undisturbed in zip(training.curve, whole.curve, strict=True):
        assert point.train == pytest.approx(undisturbed.train, abs=2e-3)


@pytest.mark.parametrize("seconds", [3600.0, 0.0], ids=["before any checkpoint", "after the third"])
def test_what_was_said_before_memory_ran_out_is_said_once_at_the_end(
    base_model: BaseModel, tmp_path: Path, seconds: float
) -> None:
    job = hard_job(base_model, tmp_path)
    job = replace(job, examples=(*job.examples, example("very " * 3000, "rain", 99)))
    with memory_for(2, at=7, message="CUDA out of memory. Tried to allocate 2 GiB"):
        training = QloraTrainer(checkpoint_seconds=seconds).train(job, FakeProgress())
    went_on = () if seconds else ("went on from step 3",)
    assert [event.partition(":")[0] for event in training.events] == [
        "dropped",
        "out of memory with batches of 4 x 2",
        *went_on,
    ]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may be larger: what is written beyond fails, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("part", "at", "seconds"),
    [
        pytest.param(0.5, "best", 3600.0, id="the best weights"),
        pytest.param(0.5, "draft", 0.0, id="weights of a checkpoint"),
        pytest.param(1.5, "draft", 0.0, id="moments of a checkpoint"),
    ],
)
def test_a_checkpoint_that_cannot_be_written_is_told_and_the_last_whole_one_counts(
    base_model: BaseModel, tmp_path: Path, whole: tuple[Training, str], part: float, at: str, seconds: float
) -> None:
    job = hard_job(base_model, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        QloraTrainer(checkpoint_seconds=0).train(job, Interrupting(at=4))
    weights_alone = (tmp_path / "checkpoints" / "best" / "adapter_model.safetensors").stat().st_size
    full = largest_file(int(part * weights_alone))
    with full, pytest.raises(OutsideError, match=rf"{at}: cannot be written: .+") as refused:
        QloraTrainer(checkpoint_seconds=seconds).train(job, FakeProgress())
    assert "Is the disk full?" in refused.value.advice
    training = QloraTrainer().train(job, FakeProgress())
    assert training.events[-1] in ("went on from step 3", "went on from step 4")
    assert weights(tmp_path) == whole[1]


def test_what_ran_out_of_memory_is_gone_before_the_next_attempt_loads(
    base_model: BaseModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a GPU would hold the model twice, with gradients and moments, and run out again at once."""
    import gc

    from transformers import PreTrainedModel

    load, alive = loading.load_model, []

    def counted(*given: Any, **more: Any) -> Any:
        alive.append(sum(isinstance(each, PreTrainedModel) for each in gc.get_objects()))
        return load(*given, **more)

    monkeypatch.setattr(loading, "load_model", counted)
    gc.collect()
    with memory_for(1, at=3, message="CUDA error: out of memory"):
        assert (
            QloraTrainer(checkpoint_seconds=0).train(hard_job(base_model, tmp_path), FakeProgress()).steps
            == 9
        )
    assert len(alive) == 3 and alive == alive[:1] * 3


def test_one_example_that_does_not_fit_is_said(base_model: BaseModel, tmp_path: Path) -> None:
    job = hard_job(base_model, tmp_path)
    progress = FakeProgress()
    short = memory_for(0, at=1, message="CUDA error: CUBLAS_STATUS_ALLOC_FAILED")
    with short, pytest.raises(OutsideError, match="out of memory with batches of 1") as refused:
        QloraTrainer().train(job, progress)
    assert "checkpointing" in refused.value.advice
    assert [said for said in progress.said if "2 x 4" in said or "1 x 8" in said]
