"""The key of a training through the real tokenizer and model: all that changes what is learned, and nothing else."""

import dataclasses
import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ftgate.edges.base_model import BaseModels, bundled_folder
from ftgate.edges.qlora import QloraTrainer
from ftgate.edges.tokens import LocalTokenizer
from ftgate.stages.train import ArmTrainer
from ftgate.values.dataset import Example
from ftgate.values.finding import Place
from ftgate.values.settings import Settings
from ftgate.values.training_settings import Launch, Preflight, Prices, TrainingSettings
from tests.edges.trainings import EXAMPLES, HELD_OUT
from tests.fakes import FakeRepository, FakeWorld

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
ELSEWHERE = Place(path="elsewhere.jsonl", line=9)


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What a training follows from; `model` is a directory."""

    model: Path
    training: TrainingSettings = TrainingSettings(batch_size=4, accumulation=2)
    examples: tuple[Example, ...] = EXAMPLES
    held_out: tuple[Example, ...] = HELD_OUT

    def key(self) -> str:
        world = FakeWorld(FakeRepository(main={}), self.model.parent)
        ports = dataclasses.replace(world.ports, tokenizer=LocalTokenizer(), trainer=QloraTrainer())
        settings = msgspec.convert({"base_model": "m", "data": {"train": ["a"]}}, Settings)
        base = replace(BaseModels().resolve(str(self.model), None), name="m")
        with_all = replace(settings, training=self.training)
        return ArmTrainer(ports, with_all, base, self.held_out).key(self.examples)

    def training_with(self, **changes: Any) -> "Situation":
        """Other settings."""
        return replace(self, training=replace(self.training, **changes))


@pytest.fixture
def usual(tmp_path: Path) -> Situation:
    return Situation(model=shutil.copytree(bundled_folder(), tmp_path / "model"))


def edited(name: str, old: str, new: str) -> Callable[[Situation], Situation]:
    """Another file of the model."""

    def edit(usual: Situation) -> Situation:
        file = usual.model / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        return usual

    return edit


def with_a_note(usual: Situation) -> Situation:
    (usual.model / "README.md").write_text("A model.")
    return usual


def unweighted(example: Example) -> Example:
    *before, reply = example.messages
    return replace(example, messages=(*before, replace(reply, weight=0)))


CHANGES: dict[str, Callable[[Situation], Situation]] = {
    "chat template": edited("chat_template.jinja", "<|im_start|>", "<|im_start|> "),
    "where a generation ends": edited("generation_config.json", "{", '{"top_k": 3,'),
    "order of the data": lambda usual: replace(usual, examples=EXAMPLES[::-1]),
    "one example less": lambda usual: replace(usual, examples=EXAMPLES[:-1]),
    "a weight": lambda usual: replace(usual, examples=(unweighted(EXAMPLES[0]), *EXAMPLES[1:])),
    "held-out set": lambda usual: replace(usual, held_out=HELD_OUT[:-1]),
    "no held-out set": lambda usual: replace(usual, held_out=()),
    "world size": lambda usual: usual.training_with(launch=Launch(processes=2)),
    "evaluation cadence": lambda usual: usual.training_with(evaluations=8),
    "method": lambda usual: usual.training_with(method="lora"),
    "seed": lambda usual: usual.training_with(seed=43),
    "accumulation": lambda usual: usual.training_with(batch_size=2, accumulation=4),
    "what is kept": lambda usual: usual.training_with(keep="last"),
    "what stops": lambda usual: usual.training_with(overfitting="warn"),
    "scale of the adapter": lambda usual: usual.training_with(alpha="rslora"),
}
LIMITS = Preflight(min_steps=1, max_minutes=9, prices=Prices(as_of="2026-11-01", per_hour=2))
SAME: dict[str, Callable[[Situation], Situation]] = {
    "where the model lies": lambda usual: replace(usual, model=usual.model.rename(usual.model.parent / "b")),
    "a file that nothing loads": with_a_note,
    "where examples stand": lambda usual: replace(
        usual, examples=tuple(replace(each, place=ELSEWHERE) for each in EXAMPLES)
    ),
    "ceilings and prices": lambda usual: usual.training_with(preflight=LIMITS),
    "trackers": lambda usual: usual.training_with(report_to=("tensorboard",)),
    "memory that changes no batch": lambda usual: usual.training_with(memory_gib=80),
    "how processes are started again": lambda usual: usual.training_with(launch=Launch(max_restarts=7)),
    "a default that is written out": lambda usual: usual.training_with(evaluations=4, alpha="2r"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_may_change_the_weights_changes_the_key(usual: Situation, name: str) -> None:
    before = usual.key()
    assert CHANGES[name](usual).key() != before


@pytest.mark.parametrize("name", SAME)
def test_what_changes_no_weight_does_not(usual: Situation, name: str) -> None:
    before = usual.key()
    assert SAME[name](usual).key() == before


@pytest.mark.parametrize(
    "library",
    ["torch", "transformers", "peft", "trl", "bitsandbytes", "datasets", "accelerate", "tokenizers"],
)
def test_another_version_of_a_library_has_another_key(
    usual: Situation, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, known = usual.key(), metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "99" if name == library else known(name))
    assert usual.key() != before
