"""Losses of labelled tokens on the bundled model: the same in any batch, and measuring leaves no trace."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from ftgate.decide.recipe import resolve
from ftgate.edges import loading
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.held_out_loss import HeldOut, measuring, token_losses
from ftgate.edges.tokens import Tokenized, tokenize
from ftgate.edges.trainer_model import collator
from ftgate.values.training import BaseModel, Basis, Recipe
from ftgate.values.training_settings import TrainingSettings
from tests.edges.trainings import EXAMPLES

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def base_model() -> BaseModel:
    return BaseModels().resolve(BUNDLED, None)


@pytest.fixture(scope="module")
def tokenizer(base_model: BaseModel) -> Any:
    return loading.load_tokenizer(base_model, "right")


@pytest.fixture(scope="module")
def rows(tokenizer: Any) -> list[Tokenized]:
    return [tokenize(tokenizer, example) for example in EXAMPLES]


@pytest.fixture(scope="module")
def model(base_model: BaseModel) -> Any:
    return loading.load_model(base_model, "lora")


def recipe(base_model: BaseModel, batching: str) -> Recipe:
    return resolve(TrainingSettings(batching=batching), base_model, Basis(examples=24))  # type: ignore[arg-type]


def total(model: Any, batches: list[Any]) -> float:
    with measuring(model):
        return sum(float(token_losses(model, batch).double().sum()) for batch in batches)


def joined(
    tokenizer: Any, base_model: BaseModel, rows: list[Tokenized], batching: str, size: int
) -> list[Any]:
    made = collator(tokenizer, recipe(base_model, batching))
    return [made([row._asdict() for row in rows[at : at + size]]) for at in range(0, len(rows), size)]


def test_joined_without_padding_it_is_the_sum_of_one_by_one(
    base_model: BaseModel, tokenizer: Any, rows: list[Tokenized], model: Any
) -> None:
    alone = total(model, joined(tokenizer, base_model, rows, "padded", 1))
    assert total(model, joined(tokenizer, base_model, rows, "padded", 8)) == pytest.approx(alone, rel=1e-5)
    assert total(model, joined(tokenizer, base_model, rows, "padding-free", 8)) == pytest.approx(
        alone, rel=1e-5
    )


def test_with_a_cache_the_examples_of_a_row_would_see_each_other(
    base_model: BaseModel, tokenizer: Any, rows: list[Tokenized], model: Any
) -> None:
    """The trap that `token_losses` closes by naming use_cache in every call, and TRL in its own."""
    import torch

    (batch,) = joined(tokenizer, base_model, rows, "padding-free", len(rows))
    places = {name: batch[name] for name in ("input_ids", "position_ids")}
    with measuring(model):
        right = model(**places, use_cache=False).logits
        trap = model(**places, use_cache=True).logits
    assert not torch.allclose(right, trap, atol=1e-2)
    (first,) = joined(tokenizer, base_model, rows[:1], "padding-free", 1)
    (second,) = joined(tokenizer, base_model, rows[1:2], "padding-free", 1)
    start, end = first["input_ids"].shape[1], first["input_ids"].shape[1] + second["input_ids"].shape[1]
    with measuring(model):
        alone = model(input_ids=second["input_ids"], use_cache=False).logits
    assert torch.allclose(right[:, start:end], alone, atol=1e-3)
    assert not torch.allclose(trap[:, start:end], alone, atol=1e-2)


def test_the_loss_is_that_of_the_whole_logits(
    base_model: BaseModel, tokenizer: Any, rows: list[Tokenized], model: Any
) -> None:
    import torch

    (batch,) = joined(tokenizer, base_model, rows, "padded", len(rows))
    with measuring(model):
        logits = model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False
        ).logits
    labels = batch["labels"][:, 1:]
    every = torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), labels, reduction="none")
    assert total(model, [batch]) == pytest.approx(float(every.double().sum()), rel=1e-6)


def test_measuring_draws_no_random_number_and_repacks_nothing(
    base_model: BaseModel, tokenizer: Any, rows: list[Tokenized]
) -> None:
    """On a processor with AVX512-BF16 an evaluation by transformers changes what layers compute from then on."""
    import torch

    four_bit = loading.load_model(base_model, "qlora").train()
    (batch,) = joined(tokenizer, base_model, rows[:4], "padded", 4)
    packed = {name: p.detach().clone() for name, p in four_bit.named_parameters()}
    before, random = four_bit(**batch).logits.detach(), torch.random.get_rng_state()
    held_out = HeldOut(rows, collator(tokenizer, recipe(base_model, "padded")), 8)
    first = held_out.losses(four_bit, nullcontext, lambda: False)
    assert first == held_out.losses(four_bit, nullcontext, lambda: False)
    assert torch.equal(torch.random.get_rng_state(), random)
    assert all(torch.equal(p, packed[name]) for name, p in four_bit.named_parameters())
    assert torch.equal(four_bit(**batch).logits, before)
    assert four_bit.training and all(module.training for module in four_bit.modules())


def test_a_model_that_draws_random_numbers_also_when_it_is_measured_leaves_no_trace(
    base_model: BaseModel, tokenizer: Any, rows: list[Tokenized], model: Any
) -> None:
    import torch

    hook = model.get_input_embeddings().register_forward_hook(lambda *_: torch.rand(3) is None or None)
    before = torch.random.get_rng_state()
    try:
        held_out = HeldOut(rows, collator(tokenizer, recipe(base_model, "padded")), 8)
        held_out.losses(model, nullcontext, lambda: False)
    finally:
        hook.remove()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_each_example_has_its_own_loss_in_any_batch(
    base_model: BaseModel, tokenizer: Any, rows: list[Tokenized], model: Any
) -> None:
    alone = [total(model, joined(tokenizer, base_model, [row], "padded", 1)) for row in rows]
    for batching in ("padded", "padding-free"):
        held_out = HeldOut(rows, collator(tokenizer, recipe(base_model, batching)), 5)
        assert held_out.losses(model, nullcontext, lambda: False) == pytest.approx(alone, rel=1e-4)
    assert held_out.tokens == sum(row.trained for row in rows)


@contextmanager
def memory_for(tokens: int) -> Iterator[None]:
    import torch
    from torch.nn.modules.module import register_module_forward_pre_hook

    def look(module: Any, inputs: Any) -> None:
        if isinstance(module, torch.nn.Embedding) and inputs[0].numel() > tokens:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")

    hook = register_module_forward_pre_hook(look)
    try:
        yield
    finally:
        hook.remove()


def test_out_of_memory_makes_smaller_batches_and_one_that_does_not_fit_is_said(
    base_model: BaseModel, tokenizer: Any, rows: list[Tokenized], model: Any
) -> None:
    import torch

    held_out = HeldOut(rows, collator(tokenizer, recipe(base_model, "padded")), 16)
    whole = held_out.losses(model, nullcontext, lambda: False)
    longest = max(len(row.input_ids) for row in rows)
    with memory_for(longest * 4):
        assert held_out.losses(model, nullcontext, lambda: False) == pytest.approx(whole, rel=1e-4)
    assert held_out.events == [
        f"out of memory while measuring: {size} held-out examples at once now" for size in (8, 4)
    ]
    with memory_for(1), pytest.raises(torch.OutOfMemoryError):
        held_out.losses(model, nullcontext, lambda: False)


def test_a_signal_ends_the_measurement(
    base_model: BaseModel, tokenizer: Any, rows: list[Tokenized], model: Any
) -> None:
    held_out = HeldOut(rows, collator(tokenizer, recipe(base_model, "padded")), 8)
    assert held_out.losses(model, nullcontext, lambda: True) is None


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        ("CUDA out of memory. Tried to allocate 20.00 MiB", True),
        ("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported", True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes", True),
        ("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes", True),
        ("CUDA error: device-side assert triggered", False),
        ("mat1 and mat2 shapes cannot be multiplied", False),
    ],
)
def test_all_ways_of_running_out_of_memory_are_known(error: str, memory: bool) -> None:
    assert loading.out_of_memory(RuntimeError(error)) is memory
