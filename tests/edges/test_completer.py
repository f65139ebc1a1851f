"""The bundled model asked with real weights: greedy is one answer, sampling is many, and one seed is one draw."""

import random

import pytest
import torch

from ftgate.edges.base_model import BaseModels
from ftgate.edges.completer import LocalCompleter
from ftgate.ports import CompletionJob, Sampling
from ftgate.values.dataset import Message
from ftgate.values.evaluation import Prompt
from tests.fakes import FakeProgress

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def completer() -> LocalCompleter:
    return LocalCompleter()


def texts(completer: LocalCompleter, sampling: Sampling | None, times: int = 1) -> list[str]:
    """What the base says to a few prompts, each asked `times` times."""
    words = ("copy: the parcel is late", "tell me about a bird", "what is in the box")
    prompts = [
        Prompt(
            id=str(n),
            kind="regression",
            protects="",
            messages=(Message(role="user", content=text),),
            expect={"equals": "x"},
        )
        for n, text in enumerate(words)
    ]
    job = CompletionJob(
        label="asking",
        base_model=BaseModels(None).resolve("bundled:tiny", None),
        method="lora",
        adapter=None,
        prompts=tuple(prompts * times),
        max_new_tokens=12,
        batch_size=4,
        sampling=sampling,
    )
    return [completion.text for completion in completer.complete(job, FakeProgress())]


def test_one_seed_is_one_draw_and_another_is_another(completer: LocalCompleter) -> None:
    hot = Sampling(temperature=1.5, seed=7)
    first = texts(completer, hot, times=3)
    torch.manual_seed(random.randrange(1000))
    assert texts(completer, hot, times=3) == first
    assert texts(completer, Sampling(temperature=1.5, seed=8), times=3) != first


def test_a_prompt_that_is_asked_three_times_is_answered_three_times(completer: LocalCompleter) -> None:
    drawn = texts(completer, Sampling(temperature=1.5, seed=7), times=3)
    assert len(drawn) == 9
    assert any(len(set(drawn[n::3])) > 1 for n in range(3))


def test_sampling_leaves_greedy_answers_and_random_numbers_alone(completer: LocalCompleter) -> None:
    before = texts(completer, None)
    torch.manual_seed(1)
    expected = torch.rand(3).tolist()
    torch.manual_seed(1)
    texts(completer, Sampling(temperature=1.5, seed=7))
    assert torch.rand(3).tolist() == expected
    assert texts(completer, None) == before


def test_a_cold_draw_is_the_greedy_answer(completer: LocalCompleter) -> None:
    assert texts(completer, Sampling(temperature=1e-4, seed=3)) == texts(completer, None)
