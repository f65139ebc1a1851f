"""Real training: NF4 QLoRA through TRL, PEFT and bitsandbytes on the bundled model, one CPU thread."""

import json
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.decide.recipe import resolve
from ftgate.edges import loading
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.completer import LocalCompleter
from ftgate.edges.qlora import QloraTrainer
from ftgate.errors import OutsideError
from ftgate.ports import CompletionJob, TrainingJob
from ftgate.values.evaluation import Prompt
from ftgate.values.training import BaseModel, Basis, Training
from ftgate.values.training_settings import TrainingSettings
from tests.edges.trainings import EXAMPLES, Interrupting, weights
from tests.fakes import FakeProgress

pytestmark = [
    pytest.mark.slow,
    # Libraries under test warn about themselves; ftgate's own warnings stay errors elsewhere.
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture(scope="module")
def base_model() -> BaseModel:
    return BaseModels().resolve(BUNDLED, None)


def job(base_model: BaseModel, workspace: Path, **settings: float) -> TrainingJob:
    workspace.mkdir(parents=True, exist_ok=True)
    chosen = TrainingSettings(**{"epochs": 2, "batch_size": 12, **settings})  # type: ignore[arg-type]
    recipe = resolve(chosen, base_model, Basis(examples=len(EXAMPLES)))
    return TrainingJob(
        label="training",
        key="k",
        commit="c",
        base_model=base_model,
        recipe=recipe,
        examples=EXAMPLES,
        held_out=EXAMPLES[:3],
        workspace=workspace,
    )


@pytest.fixture(scope="module")
def trained(base_model: BaseModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[Training, Path]:
    workspace = tmp_path_factory.mktemp("trained")
    return QloraTrainer().train(job(base_model, workspace), FakeProgress()), workspace


def test_the_loss_falls_and_the_curve_tells_it(trained: tuple[Training, Path]) -> None:
    training, _ = trained
    assert training.failure is None
    assert [(point.step, point.epoch) for point in training.curve] == [(1, 0.5), (2, 1.0), (3, 1.5), (4, 2.0)]
    losses = [point.train for point in training.curve]
    assert losses[0] is not None and losses[-1] is not None and losses[-1] < losses[0]
    assert [point.step for point in training.curve if point.held_out is not None] == [1, 2, 3, 4]
    assert (training.examples, training.dropped, training.steps) == (24, 0, 4)
    assert 0 < training.trained_tokens < training.tokens
    assert (training.best_step, training.stopped, training.events) == (4, "", ())
    assert training.hardware.endswith("1 thread") and training.peak_memory == 0


def test_a_processor_computes_in_one_thread(base_model: BaseModel) -> None:
    """Tiny products over two threads once took five times as long, and twenty times on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        loading.load_model(base_model, "qlora")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_the_adapter_is_weights_and_configuration_and_nothing_else(trained: tuple[Training, Path]) -> None:
    folder = trained[1] / "adapter"
    assert sorted(file.name for file in folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == BUNDLED
    # Every linear module but the head: a fused head would never train it, and few servers load one.
    linear = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    assert config["target_modules"] == sorted(linear)


def test_the_same_job_gives_the_same_weights(
    base_model: BaseModel, trained: tuple[Training, Path], tmp_path: Path
) -> None:
    QloraTrainer().train(job(base_model, tmp_path), FakeProgress())
    assert weights(tmp_path) == weights(trained[1])


def test_an_interrupted_training_goes_on_from_its_last_whole_checkpoint(
    base_model: BaseModel, trained: tuple[Training, Path], tmp_path: Path
) -> None:
    trainer = QloraTrainer(checkpoint_seconds=0)
    with pytest.raises(KeyboardInterrupt):
        trainer.train(job(base_model, tmp_path), Interrupting(at=4))
    checkpoints = tmp_path / "checkpoints"
    shutil.copytree(checkpoints / "checkpoint-2", checkpoints / "checkpoint-99")
    (checkpoints / "checkpoint-99" / "adapter_model.safetensors").unlink()
    (checkpoints / "checkpoint-3" / "optimizer.pt").write_bytes(b"cut")
    training = trainer.train(job(base_model, tmp_path), FakeProgress())
    assert training.failure is None
    assert "went on from step 2" in training.events
    assert [event for event in training.events if "optimizer.pt is damaged" in event]
    assert [event for event in training.events if "step 99 is not used" in event]
    assert training.curve == trained[0].curve
    assert weights(tmp_path) == weights(trained[1])


def test_what_another_training_left_is_not_taken_up(
    base_model: BaseModel, trained: tuple[Training, Path], tmp_path: Path
) -> None:
    """A superseding push has other data, and so another key; here both stand in one directory."""
    trainer = QloraTrainer(checkpoint_seconds=0)
    other = job(base_model, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        trainer.train(replace(other, key="other", examples=EXAMPLES[::-1]), Interrupting(at=4))
    training = trainer.train(job(base_model, tmp_path), FakeProgress())
    assert any("it is of another training (other)" in event for event in training.events)
    assert not any("went on" in event for event in training.events)
    assert weights(tmp_path) == weights(trained[1])


def test_a_loss_that_explodes_is_a_failure_and_leaves_no_adapter(
    base_model: BaseModel, tmp_path: Path
) -> None:
    wild = job(base_model, tmp_path)
    wild = replace(wild, recipe=replace(wild.recipe, learning_rate=1e30, warmup=0.0))
    training = QloraTrainer().train(wild, FakeProgress())
    assert training.failure is not None
    assert not (tmp_path / "adapter").exists()


def test_examples_that_do_not_fit_are_counted_and_none_left_is_a_failure(
    base_model: BaseModel, tmp_path: Path
) -> None:
    short = job(base_model, tmp_path, max_length=16)
    short = replace(short, recipe=replace(short.recipe, max_length=4))
    training = QloraTrainer().train(short, FakeProgress())
    assert training.dropped == len(EXAMPLES)
    assert training.failure == (
        "no example can be trained: a.jsonl:1 has 18 tokens, and training.max_length is 4"
    )


def completion_job(base_model: BaseModel, adapter: Path | None) -> CompletionJob:
    prompts = tuple(
        Prompt(id=str(n), kind="regression", protects="x", messages=e.prompt, expect={"equals": e.reference})
        for n, e in enumerate(EXAMPLES[:5])
    )
    return CompletionJob(
        label="asking",
        base_model=base_model,
        method="qlora",
        adapter=adapter,
        prompts=prompts,
        max_new_tokens=8,
        batch_size=2,
    )


def test_arms_take_turns_on_one_loaded_base(base_model: BaseModel, trained: tuple[Training, Path]) -> None:
    completer, adapter = LocalCompleter(), trained[1] / "adapter"
    before = completer.complete(completion_job(base_model, None), FakeProgress())
    tuned = completer.complete(completion_job(base_model, adapter), FakeProgress())
    after = completer.complete(completion_job(base_model, None), FakeProgress())
    assert before == after
    assert tuned != before
    assert len(tuned) == 5
    sentinel = completer.sentinel(completion_job(base_model, adapter))
    assert sentinel.lora_b_norm is not None and sentinel.lora_b_norm > 0
    assert sentinel.logit_difference is not None and sentinel.logit_difference > 0


def test_an_adapter_of_zeros_shows_in_the_sentinel(
    base_model: BaseModel, trained: tuple[Training, Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(trained[1] / "adapter", tmp_path / "zeros")
    file = folder / "adapter_model.safetensors"
    tensors = {key: value * 0 if "lora_B" in key else value for key, value in load_file(str(file)).items()}
    save_file(tensors, str(file))
    sentinel = LocalCompleter().sentinel(completion_job(base_model, folder))
    assert (sentinel.lora_b_norm, sentinel.logit_difference) == (0.0, 0.0)


def test_an_adapter_with_foreign_keys_is_refused(
    base_model: BaseModel, trained: tuple[Training, Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(trained[1] / "adapter", tmp_path / "foreign")
    file = folder / "adapter_model.safetensors"
    save_file({f"other.{key}": value for key, value in load_file(str(file)).items()}, str(file))
    with pytest.raises(OutsideError, match="does not fit the base model"):
        LocalCompleter().complete(completion_job(base_model, folder), FakeProgress())


def test_an_adapter_that_is_no_safetensors_file_is_refused(
    base_model: BaseModel, trained: tuple[Training, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(trained[1] / "adapter", tmp_path / "garbage")
    (folder / "adapter_model.safetensors").write_bytes(b"garbage")
    with pytest.raises(OutsideError):
        LocalCompleter().complete(completion_job(base_model, folder), FakeProgress())
