"""What a recipe says is what is trained: methods, batches, measurements, and which weights are kept."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.edges import loading
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.held_out_loss import HeldOut
from ftgate.edges.qlora import QloraTrainer
from ftgate.edges.tokens import tokenize
from ftgate.edges.trainer_arguments import lora_config, sft_arguments
from ftgate.edges.trainer_model import build, collator
from ftgate.errors import SettingsError
from ftgate.ports import TrainingJob
from ftgate.values.training import BaseModel, Training
from tests.edges.trainings import CONTRARY, hard_job, weights
from tests.fakes import FakeProgress

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

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


@contextmanager
def passes() -> Iterator[list[int]]:
    """Counts how often the blocks of a model compute forwards, while gradients are asked for."""
    import torch
    from torch.nn.modules.module import register_module_forward_pre_hook

    seen = [0]

    def look(module: Any, inputs: Any) -> None:
        seen[0] += type(module).__name__.endswith("MLP") and torch.is_grad_enabled()

    hook = register_module_forward_pre_hook(look)
    try:
        yield seen
    finally:
        hook.remove()


def test_activations_are_computed_twice_where_the_recipe_says_so_and_teach_the_same(
    base_model: BaseModel, tmp_path: Path
) -> None:
    """TRL computes them twice unless it is told not to, and a frozen base passes no gradient on by itself."""
    few = {"dropout": 0.0, "epochs": 1, "evaluations": 1}
    with passes() as kept:
        once = trained(hard_job(base_model, tmp_path / "once", checkpointing=False, **few))
    with passes() as again:
        twice = trained(hard_job(base_model, tmp_path / "twice", checkpointing=True, **few))
    assert once.curve == twice.curve
    assert weights(tmp_path / "once") == weights(tmp_path / "twice")
    assert kept == [6 * base_model.shape.layers] and again == [2 * kept[0]]


def built(base_model: BaseModel, folder: Path, **changes: Any) -> Any:
    """A trainer that has not started."""
    job = hard_job(base_model, folder, **changes)
    tokenizer = loading.load_tokenizer(base_model, "right")
    rows = [tokenize(tokenizer, each) for each in job.examples]
    return build(base_model, job.recipe, tokenizer, rows, [], folder)


def test_one_process_trains_on_one_gpu_however_many_it_sees(
    base_model: BaseModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """transformers counts the GPUs that are visible, and TRL refuses more than one for one process."""

    def on_four_gpus(*given: Any) -> Any:
        arguments = sft_arguments(*given)
        assert arguments.n_gpu == 0  # here there is none
        arguments._n_gpu = 4
        return arguments

    monkeypatch.setattr("ftgate.edges.trainer_model.sft_arguments", on_four_gpus)
    trainer = built(base_model, tmp_path)
    assert trainer.args.n_gpu == 1 and trainer.args.train_batch_size == 4


def test_bfloat16_on_a_processor_is_told(base_model: BaseModel, tmp_path: Path) -> None:
    few = {"epochs": 1, "evaluations": 1}
    training = trained(hard_job(base_model, tmp_path / "bf16", compute_dtype="bfloat16", **few))
    assert training.events == ("computed in float32: bfloat16 is for a GPU",)
    assert trained(hard_job(base_model, tmp_path / "fp32", **few)).events == ()
    assert weights(tmp_path / "bf16") == weights(tmp_path / "fp32")


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_the_dtype_of_frozen_weights_is_told_to_the_loader(base_model: BaseModel, dtype: str) -> None:
    """A model that is loaded by its name alone is in float32, whatever its file holds."""
    model = loading.load_model(base_model, "lora", dtype=dtype)
    assert {str(each.dtype) for each in model.parameters()} == {f"torch.{dtype}"}


def test_a_held_out_set_of_one_example_chooses_and_ends_nothing(
    base_model: BaseModel, tmp_path: Path
) -> None:
    job = hard_job(base_model, tmp_path, **LONG)
    training = trained(replace(job, held_out=CONTRARY[:1]))
    measured = {p.step: p.held_out for p in training.curve if p.held_out is not None}
    assert measured[training.best_step] == min(measured.values()) < measured[15]
    assert (training.steps, training.stopped) == (15, "")


def test_a_recipe_for_several_processes_is_not_trained_by_one(base_model: BaseModel, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the recipe is for 2 processes, and 1 run"):
        QloraTrainer().train(hard_job(base_model, tmp_path, processes=2), FakeProgress())


def test_every_choice_of_the_recipe_reaches_the_trainer(base_model: BaseModel, tmp_path: Path) -> None:
    """And no default of a library that would answer in its place."""
    given = {
        "epochs": 7,
        "learning_rate": 3e-3,
        "schedule": "linear",
        "warmup": 0.25,
        "batch_size": 3,
        "accumulation": 5,
        "seed": 17,
        "max_length": 99,
        "rank": 6,
        "alpha": 9,
        "dropout": 0.2,
        "rslora": True,
    }
    recipe = hard_job(base_model, tmp_path, **given).recipe
    told, lora = sft_arguments(recipe, tmp_path), lora_config(recipe)
    assert (told.num_train_epochs, told.learning_rate, told.lr_scheduler_type) == (7, 3e-3, "linear")
    assert (told.per_device_train_batch_size, told.gradient_accumulation_steps) == (3, 5)
    assert (told.seed, told.data_seed, told.max_length, told.get_warmup_steps(100)) == (17, 17, 99, 25)
    assert (lora.r, lora.lora_alpha, lora.lora_dropout, lora.use_rslora) == (6, 9, 0.2, True)
    assert (told.packing, told.logging_nan_inf_filter, told.auto_find_batch_size) == (False, False, False)
    assert (told.eval_strategy, told.save_strategy, told.load_best_model_at_end) == ("no", "no", False)


@pytest.mark.parametrize(("schedule", "at_first", "at_last"), [("constant", 0.1, 1.0), ("cosine", 0.1, 0.0)])
def test_the_rate_warms_up_also_where_it_is_constant_then(
    base_model: BaseModel, tmp_path: Path, schedule: str, at_first: float, at_last: float
) -> None:
    """transformers takes a warm-up with "constant" and does nothing with it."""
    trainer = built(base_model, tmp_path, schedule=schedule, warmup=0.1)
    trainer.create_optimizer_and_scheduler(num_training_steps=100)
    rates = []
    for _ in range(100):
        trainer.optimizer.step()
        trainer.lr_scheduler.step()
        rates.append(trainer.lr_scheduler.get_last_lr()[0] / trainer.args.learning_rate)
    assert rates[0] == pytest.approx(at_first) and rates[9] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(at_last, abs=1e-6)
