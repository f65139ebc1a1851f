"""What a recipe says is what is trained: methods, batches, measurements, and which weights are kept."""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.edges import loading
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.held_out_loss import HeldOut
from ftgate.edges.qlora import QloraTrainer
from ftgate.edges.tokens import tokenize
from ftgate.edges.trainer_model import collator
from ftgate.errors import SettingsError
from ftgate.ports import TrainingJob
from ftgate.values.training import BaseModel, Training
from tests.edges.trainings import EXAMPLES, THINGS, example, hard_job, weights
from tests.fakes import FakeProgress

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

# What was asked in training, answered with the next thing: the better it is learned, the worse this becomes.
CONTRARY = tuple(
    example(str(e.messages[0].content), THINGS[(THINGS.index(e.reference) + 1) % 3], e.place.line)
    for e in EXAMPLES[:9]
)

LONG = {"epochs": 5, "dropout": 0.0, "evaluations": 3, "schedule": "constant"}


@pytest.fixture(scope="module")
def base_model() -> BaseModel:
    return BaseModels().resolve(BUNDLED, None)


def trained(job: TrainingJob) -> Training:
    training = QloraTrainer().train(job, FakeProgress())
    assert training.failure is None
    return training


def test_how_often_the_held_out_loss_is_measured_does_not_change_the_weights(
    base_model: BaseModel, tmp_path: Path
) -> None:
    """With dropout, with 4-bit weights, on a CPU: an evaluation by Trainer changes them."""
    never = trained(replace(hard_job(base_model, tmp_path / "never", keep="last"), held_out=()))
    once = trained(hard_job(base_model, tmp_path / "once", keep="last", evaluations=1))
    often = trained(hard_job(base_model, tmp_path / "often", keep="last", evaluations=3))
    assert [p.step for p in never.curve if p.held_out is not None] == []
    assert [p.step for p in once.curve if p.held_out is not None] == [3, 6, 9]
    assert [p.step for p in often.curve if p.held_out is not None] == list(range(1, 10))
    assert weights(tmp_path / "never") == weights(tmp_path / "once") == weights(tmp_path / "often")
    assert [p.train for p in never.curve] == [p.train for p in often.curve]


def test_examples_joined_without_padding_give_the_same_losses_and_steps(
    base_model: BaseModel, tmp_path: Path
) -> None:
    still = {"dropout": 0.0, "epochs": 1, "evaluations": 3}
    padded = trained(hard_job(base_model, tmp_path / "padded", **still))
    joined = trained(hard_job(base_model, tmp_path / "joined", batching="padding-free", **still))
    assert padded.steps == joined.steps == 3
    for one, other in zip(padded.curve, joined.curve, strict=True):
        assert one.train == pytest.approx(other.train, abs=2e-3)
        assert one.held_out == pytest.approx(other.held_out, abs=2e-3)


@pytest.fixture(scope="module")
def contrary(base_model: BaseModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[Training, Path]:
    workspace = tmp_path_factory.mktemp("contrary")
    job = hard_job(base_model, workspace, **LONG)
    return trained(replace(job, held_out=CONTRARY)), workspace


def test_a_held_out_loss_that_rises_while_the_training_loss_falls_ends_it(
    contrary: tuple[Training, Path],
) -> None:
    training, _ = contrary
    assert training.stopped.startswith("overfitting: the held-out loss rose from")
    assert training.events[-1] == training.stopped
    assert 6 < training.steps < 15
    measured = {p.step: p.held_out for p in training.curve if p.held_out is not None}
    assert measured[training.best_step] == min(measured.values()) < measured[training.steps]
    assert 0 < training.trained_tokens < 5 * training.examples * 8


def test_the_weights_that_are_kept_are_those_of_the_lowest_held_out_loss(
    base_model: BaseModel, contrary: tuple[Training, Path]
) -> None:
    import torch
    from peft import PeftModel
    from safetensors.torch import load_file

    training, workspace = contrary
    adapter = workspace / "adapter"
    assert training.best_step < training.steps
    assert {t.dtype for t in load_file(str(adapter / "adapter_model.safetensors")).values()} == {
        torch.float32
    }
    tokenizer = loading.load_tokenizer(base_model, "right")
    rows = [tokenize(tokenizer, each) for each in CONTRARY]
    model = PeftModel.from_pretrained(loading.load_model(base_model, "qlora"), str(adapter))
    held_out = HeldOut(rows, collator(tokenizer, training.recipe), 4)
    losses = held_out.losses(model, nullcontext, lambda: False)
    assert losses is not None
    (kept,) = [p.held_out for p in training.curve if p.step == training.best_step]
    assert sum(losses) / held_out.tokens == pytest.approx(kept, abs=1e-4)


def test_where_nothing_is_stopped_it_is_said_and_the_last_weights_can_be_kept(
    base_model: BaseModel, contrary: tuple[Training, Path], tmp_path: Path
) -> None:
    job = hard_job(base_model, tmp_path, keep="last", stop_overfitting=False, **LONG)
    training = trained(replace(job, held_out=CONTRARY))
    assert (training.steps, training.best_step, training.stopped) == (15, 15, "")
    assert [event for event in training.events if event.startswith("overfitting")]
    assert weights(tmp_path) != weights(contrary[1])


def test_all_weights_are_trained_in_single_precision_and_written_as_a_model(
    base_model: BaseModel, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    few = {"epochs": 1, "evaluations": 1, "learning_rate": 1e-4, "rank": 0, "alpha": 0}
    training = trained(hard_job(base_model, tmp_path, method="full", **few))
    adapter = tmp_path / "adapter"
    assert training.form == "full"
    assert sorted(file.name for file in adapter.iterdir()) == [
        "config.json",
        "full.json",
        "generation_config.json",
        "model.safetensors",
    ]
    assert json.loads((adapter / "full.json").read_text())["base_model"] == BUNDLED
    tuned = AutoModelForCausalLM.from_pretrained(adapter, dtype=torch.float32)
    base = loading.load_model(base_model, "full")
    changed = [not torch.equal(a, b) for a, b in zip(tuned.parameters(), base.parameters(), strict=True)]
    assert all(changed)


def test_lora_scaled_by_the_root_of_the_rank(base_model: BaseModel, tmp_path: Path) -> None:
    few = {"epochs": 1, "evaluations": 1, "schedule": "constant", "checkpointing": True}
    trained(hard_job(base_model, tmp_path, method="lora", rslora=True, **few))
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["use_rslora"] is True


def test_a_recipe_for_several_processes_is_not_trained_by_one(base_model: BaseModel, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the recipe is for 2 processes, and 1 run"):
        QloraTrainer().train(hard_job(base_model, tmp_path, processes=2), FakeProgress())
