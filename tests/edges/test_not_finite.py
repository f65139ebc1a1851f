"""Numbers that are none fail a training, whichever they are and wherever they come from; nothing hides them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.qlora import QloraTrainer
from ftgate.values.training import BaseModel
from tests.edges.trainings import hard_job
from tests.fakes import FakeProgress

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def base_model() -> BaseModel:
    return BaseModels().resolve(BUNDLED, None)


@contextmanager
def broken(at: int, value: float, *, measuring: bool) -> Iterator[None]:
    """In that forward pass (from 1) of a training step, or of a measurement, one number is another one."""
    import torch
    from torch.nn.modules.module import register_module_forward_hook

    passes = 0

    def look(module: Any, inputs: Any, output: Any) -> Any:
        nonlocal passes
        if isinstance(module, torch.nn.Embedding) and torch.is_grad_enabled() is not measuring:
            passes += 1
            if passes == at:
                return output.index_fill(2, torch.tensor([0]), value)
        return None

    hook = register_module_forward_hook(look)
    try:
        yield
    finally:
        hook.remove()


@pytest.mark.parametrize(
    ("at", "value", "measuring", "said"),
    [
        pytest.param(3, float("nan"), False, "loss is nan at step 2", id="a loss"),
        pytest.param(4, float("inf"), False, "loss is nan at step 2", id="in one of two batches of a step"),
        pytest.param(18, float("nan"), False, "loss is nan at step 9", id="the last loss of all"),
        pytest.param(3, float("nan"), True, "held-out loss is nan at step 3", id="a held-out loss"),
    ],
)
def test_it_fails_at_the_step_and_leaves_no_adapter(
    base_model: BaseModel, tmp_path: Path, at: int, value: float, measuring: bool, said: str
) -> None:
    job = hard_job(base_model, tmp_path)
    (tmp_path / "adapter").mkdir()  # of an attempt that was killed before the store had taken it
    with broken(at, value, measuring=measuring):
        training = QloraTrainer(checkpoint_seconds=0).train(job, FakeProgress())
    assert training.failure == said
    assert (training.best_step, training.steps) == (0, int(said.rpartition(" ")[2]))
    assert not (tmp_path / "adapter").exists()


def test_a_failed_training_is_made_again_from_before_it(base_model: BaseModel, tmp_path: Path) -> None:
    job = replace(hard_job(base_model, tmp_path), held_out=())
    with broken(9, float("nan"), measuring=False):
        failed = QloraTrainer(checkpoint_seconds=0).train(job, FakeProgress())
    assert failed.failure == "loss is nan at step 5"
    training = QloraTrainer().train(job, FakeProgress())
    assert training.failure is None
    assert training.events == ("went on from step 4",)
