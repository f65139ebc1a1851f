"""A training at a service: `python -m tests.edges.hosted_child URL WORKSPACE` in a process of its own, to be killed."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ftgate.decide.recipe import basis_of, resolve
from ftgate.edges.clock import SystemClock
from ftgate.edges.hosted_api import Service
from ftgate.edges.hosted_model import AnyTokenizer, hosted_model
from ftgate.edges.hosted_trainer import HostedTrainer
from ftgate.edges.judge_api import Address
from ftgate.edges.tokens import LocalTokenizer
from ftgate.errors import FtgateError
from ftgate.ports import Clock, TrainingJob
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place
from ftgate.values.training import Training
from ftgate.values.training_settings import Hosted, TrainingSettings
from tests.edges.hosted_server import BASE, KEY
from tests.fakes import FakeProgress

TRAINING_KEY = "0123456789abcdef" * 4
WORDS = ("rain", "snow", "wind")
Sent = Callable[[], Address]


def example(text: str, reply: str, line: int) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content=reply))
    return Example(place=Place(path="a.jsonl", line=line), format=Format.CONVERSATION, messages=turns)


EXAMPLES = tuple(example(f"message {n} about {w}", w, n) for n in range(1, 5) for w in WORDS)
HELD_OUT = tuple(example(f"letter {n} about {w}", w, n) for n in range(1, 2) for w in WORDS)


def settings(url: str, **changed: Any) -> TrainingSettings:
    """Settings of a quick service."""
    hosted = {"base_url": url, "poll_seconds": 0.02, "timeout_seconds": 5.0, **changed.pop("hosted", {})}
    return TrainingSettings(hosted=Hosted(**hosted), **changed)


def job(
    workspace: Path,
    chosen: TrainingSettings,
    examples: Sequence[Example] = EXAMPLES,
    held_out: Sequence[Example] = HELD_OUT,
) -> TrainingJob:
    base = hosted_model(f"hosted:{BASE}", None)
    assert base is not None
    basis = basis_of(AnyTokenizer(LocalTokenizer()).survey(base, examples), None)
    return TrainingJob(
        label="training",
        key=TRAINING_KEY,
        commit="c",
        base_model=base,
        recipe=resolve(chosen, base, basis),
        examples=tuple(examples),
        held_out=tuple(held_out),
        workspace=workspace,
    )


def trainer(chosen: TrainingSettings, clock: Clock | None = None, host: str = "") -> HostedTrainer:
    address = Address(model=BASE, api_key=KEY, base_url=chosen.hosted.base_url or "")
    service = Service(host or address.host, lambda: address, chosen.hosted.timeout_seconds)
    return HostedTrainer(BASE, service, chosen, clock or SystemClock())


def train(url: str, workspace: Path, **changed: Any) -> tuple[Training, FakeProgress]:
    """One training, and what was shown meanwhile."""
    chosen, progress = settings(url, **changed), FakeProgress()
    return trainer(chosen).train(job(workspace, chosen), progress), progress


class _Loud(FakeProgress):
    def say(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    chosen = settings(sys.argv[1])
    try:
        done = trainer(chosen).train(job(Path(sys.argv[2]), chosen), _Loud())
    except FtgateError as error:
        sys.exit(error.message)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.stdout.write(json.dumps(msgspec.to_builtins(done)))
