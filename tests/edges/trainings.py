"""Small trainings of the bundled model, with all that makes it hard to go on exactly where one stopped."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ftgate.decide.recipe import resolve
from ftgate.ports import Task, TrainingJob
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.digest import digest_bytes
from ftgate.values.finding import Place
from ftgate.values.training import BaseModel, Basis
from ftgate.values.training_settings import TrainingSettings
from tests.fakes import FakeProgress

THINGS = ("rain", "snow", "wind")


def example(text: str, reply: str, line: int) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content=reply))
    return Example(place=Place(path="a.jsonl", line=line), format=Format.CONVERSATION, messages=turns)


EXAMPLES = tuple(
    example(f"message {n} about {'very ' * (n % 5)}{w}", w, n) for n in range(1, 9) for w in THINGS
)
# What was asked in training, answered with the next thing: the better it is learned, the worse this becomes.
CONTRARY = tuple(
    example(str(e.messages[0].content), THINGS[(THINGS.index(e.reference) + 1) % 3], e.place.line)
    for e in EXAMPLES[:9]
)
HELD_OUT = tuple(example(f"another {n} on {w}", w, n) for n in range(1, 3) for w in THINGS)


def hard_job(base_model: BaseModel, workspace: Path, **changes: Any) -> TrainingJob:
    """Dropout, accumulation whose last step of an epoch has fewer batches and a smaller one, and measurements.

    22 examples in steps of 4 x 2: three steps an epoch, the last one of 4 + 2 examples.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    recipe = resolve(TrainingSettings(epochs=3), base_model, Basis(examples=22))
    hard = {"batch_size": 4, "accumulation": 2, "dropout": 0.05, "evaluations": 2, "warmup": 0.1}
    return TrainingJob(
        label="training",
        key="key-of-this-training",
        commit="c",
        base_model=base_model,
        recipe=replace(recipe, **(hard | changes)),
        examples=EXAMPLES[:22],
        held_out=HELD_OUT,
        workspace=workspace,
    )


def weights(workspace: Path) -> str:
    """SHA-256 of the trained weights."""
    return digest_bytes((workspace / "adapter" / "adapter_model.safetensors").read_bytes())


class Interrupting(FakeProgress):
    """Presses Ctrl-C twice at a step."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Task]:
        at = self._at

        class Interrupted:
            done = 0

            def advance(self, steps: int = 1) -> None:
                self.done += steps
                if self.done >= at:
                    raise KeyboardInterrupt

        yield Interrupted()
