"""Recipes by size of data and model."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from ftgate.decide.estimate import load_of, memory
from ftgate.decide.recipe import resolve
from ftgate.errors import SettingsError
from ftgate.values.preflight import Memory
from ftgate.values.training import Basis
from ftgate.values.training_settings import Launch, Preflight, Prices, TrainingSettings
from tests.decide.builders import EIGHT, MODEL, SMALL

TINY = replace(MODEL, parameters=4_000_000, max_length=512)
PLAIN = TrainingSettings()


@pytest.mark.parametrize(
    ("examples", "rank"),
    [(1, 8), (199, 8), (200, 16), (700, 16), (1000, 16), (1001, 32), (100_000, 32)],
)
def test_the_rank_follows_the_number_of_examples(examples: int, rank: int) -> None:
    recipe = resolve(PLAIN, MODEL, Basis(examples=examples))
    assert (recipe.rank, recipe.alpha) == (rank, 2 * rank)
    assert str(examples) in recipe.reasons["rank"]


def test_the_rest_is_the_guides() -> None:
    recipe = asdict(resolve(PLAIN, MODEL, Basis(examples=500)))
    del recipe["reasons"]
    assert recipe == {
        "method": "qlora",
        "rank": 16,
        "alpha": 32,
        "rslora": False,
        "dropout": 0.05,
        "epochs": 3,
        "learning_rate": 2e-4,
        "schedule": "cosine",
        "warmup": 0.1,
        "batch_size": 4,
        "accumulation": 4,
        "processes": 1,
        "strategy": "single",
        "quant_storage": "uint8",
        "max_length": 2048,
        "compute_dtype": "bfloat16",
        "batching": "padded",
        "checkpointing": True,
        "evaluations": 4,
        "keep": "best",
        "stop_overfitting": True,
        "seed": 42,
    }


@pytest.mark.parametrize("model", [MODEL, TINY])
def test_every_choice_has_a_reason(model: Any) -> None:
    recipe = resolve(PLAIN, model, Basis(examples=500))
    assert set(recipe.reasons) == set(asdict(recipe)) - {"reasons"}
    assert all(recipe.reasons.values())


def test_the_models_own_limit_bounds_the_length() -> None:
    assert resolve(PLAIN, TINY, Basis(examples=500)).max_length == 512


def test_a_tiny_model_differs_and_says_so() -> None:
    recipe = resolve(PLAIN, TINY, Basis(examples=50))
    assert (recipe.rank, recipe.accumulation, recipe.dropout) == (16, 1, 0.0)
    assert recipe.compute_dtype == "float32"
    assert recipe.learning_rate > resolve(PLAIN, MODEL, Basis(examples=50)).learning_rate
    assert "below 50 million parameters" in recipe.reasons["learning_rate"]
    edge = replace(MODEL, parameters=50_000_000)
    assert resolve(PLAIN, edge, Basis(examples=50)).compute_dtype == "bfloat16"


@pytest.mark.parametrize("model", [MODEL, TINY])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rank", 64),
        ("epochs", 1),
        ("learning_rate", 1e-5),
        ("batch_size", 1),
        ("accumulation", 2),
        ("dropout", 0.0),
        ("max_length", 400),
    ],
)
def test_what_the_settings_declare_wins(model: Any, name: str, value: Any) -> None:
    recipe = resolve(TrainingSettings(**{name: value}), model, Basis(examples=500))
    assert getattr(recipe, name) == value
    assert recipe.reasons[name] == "set in ftgate.yaml"
    assert recipe.alpha == 2 * recipe.rank


def test_method_and_seed_are_taken_over() -> None:
    recipe = resolve(TrainingSettings(method="lora", seed=7), MODEL, Basis(examples=500))
    assert (recipe.method, recipe.seed) == ("lora", 7)


def test_full_fine_tuning_has_no_adapter_and_a_tenth_of_the_rate() -> None:
    recipe = resolve(TrainingSettings(method="full"), MODEL, Basis(examples=500))
    assert (recipe.rank, recipe.alpha, recipe.dropout) == (0, 0, 0.0)
    assert recipe.learning_rate == pytest.approx(2e-5)
    assert "LoRA Without Regret" in recipe.reasons["learning_rate"]
    tiny = resolve(TrainingSettings(method="full"), TINY, Basis(examples=500))
    assert tiny.learning_rate == pytest.approx(5e-4)


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [("2r", (32, False)), (None, (32, False)), (32, (32, False)), (7, (7, False)), ("rslora", (16, True))],
)
def test_alpha_is_twice_the_rank_fixed_or_stabilised(alpha: Any, expected: tuple[int, bool]) -> None:
    recipe = resolve(TrainingSettings(alpha=alpha), MODEL, Basis(examples=500))
    assert (recipe.alpha, recipe.rslora) == expected


@pytest.mark.parametrize(
    ("declared", "key"),
    [
        ({"method": "full", "rank": 8}, "rank"),
        ({"method": "full", "alpha": "rslora"}, "alpha"),
        ({"method": "full", "alpha": 16}, "alpha"),
        ({"method": "full", "dropout": 0.1}, "dropout"),
        ({"accumulation": 3, "launch": Launch(processes=2)}, "accumulation"),
        ({"accumulation": 4, "batch_size": 1, "launch": Launch(processes=2, nodes=4)}, "accumulation"),
        ({"batch_size": 16, "launch": Launch(processes=2)}, "batch_size"),
        ({"launch": Launch(processes=3)}, "launch.processes"),
        ({"max_length": 40_000}, "max_length"),
        ({"preflight": Preflight(prices=Prices(as_of="2026-02-31", per_hour=2))}, "preflight.prices.as_of"),
    ],
)
def test_what_contradicts_itself_is_refused_by_its_key(declared: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError, match=rf"ftgate\.yaml: training\.{re.escape(key)}: ") as caught:
        resolve(TrainingSettings(**declared), EIGHT, Basis(examples=500))
    assert caught.value.advice


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(TrainingSettings(method="full", rank=8, alpha=16), MODEL, Basis(examples=500))
    assert len(str(caught.value).splitlines()) == 2


def test_a_state_along_the_row_wants_padding() -> None:
    state = replace(EIGHT, shape=replace(EIGHT.shape, attention="linear", type="qwen3_next"))
    basis = Basis(examples=500)
    assert resolve(PLAIN, state, basis).batching == "padded"
    assert resolve(PLAIN, EIGHT, basis).batching == "padding-free"
    assert resolve(PLAIN, MODEL, basis).batching == "padded"
    assert "not known" in resolve(PLAIN, MODEL, basis).reasons["batching"]
    with pytest.raises(SettingsError, match=r"training\.batching: .*qwen3_next"):
        resolve(TrainingSettings(batching="padding-free"), state, basis)


def test_the_tiny_column_is_what_the_demonstration_trains() -> None:
    recipe = asdict(resolve(PLAIN, TINY, Basis(examples=700, longest=99, tokens=40_000)))
    del recipe["reasons"]
    assert {name: recipe[name] for name in ("rank", "alpha", "learning_rate", "epochs", "batch_size")} == {
        "rank": 16,
        "alpha": 32,
        "learning_rate": 5e-3,
        "epochs": 4,
        "batch_size": 8,
    }
    assert (recipe["accumulation"], recipe["compute_dtype"], recipe["dropout"]) == (1, "float32", 0.0)
    assert (recipe["batching"], recipe["checkpointing"], recipe["max_length"]) == ("padded", False, 512)


def test_a_model_of_unknown_size_is_no_tiny_one() -> None:
    recipe = resolve(PLAIN, replace(MODEL, parameters=0, max_length=0), Basis(examples=500))
    assert (recipe.learning_rate, recipe.max_length) == (2e-4, 2048)
    assert "does not tell" in recipe.reasons["max_length"]


def test_few_examples_take_smaller_steps_and_the_reason_says_why() -> None:
    recipe = resolve(PLAIN, EIGHT, Basis(examples=30))
    assert recipe.step_examples == 2
    assert "30 examples make 6 steps of 16 in 3 epochs, too few to learn" in recipe.reasons["accumulation"]
    assert resolve(PLAIN, EIGHT, Basis(examples=500)).step_examples == 16


def test_a_batch_of_the_settings_keeps_the_step_of_the_recipe() -> None:
    for batch, accumulation in ((1, 16), (2, 8), (4, 4), (8, 2), (16, 1), (32, 1), (5, 3)):
        recipe = resolve(TrainingSettings(batch_size=batch), EIGHT, Basis(examples=500))
        assert (recipe.batch_size, recipe.accumulation) == (batch, accumulation)
    both = resolve(TrainingSettings(batch_size=3, accumulation=7), EIGHT, Basis(examples=500))
    assert both.step_examples == 21


@pytest.mark.parametrize(
    ("model", "gib", "method", "checkpointing"),
    [(SMALL, 80, "qlora", False), (EIGHT, 24, "qlora", True), (EIGHT, 80, "qlora", False)],
)
def test_activations_are_kept_where_they_fit(model: Any, gib: int, method: Any, checkpointing: bool) -> None:
    basis = Basis(examples=500, longest=2048, median=900, tokens=450_000, memory=gib * 2**30)
    recipe = resolve(TrainingSettings(method=method), model, basis)
    assert recipe.checkpointing is checkpointing
    need = memory(model, load_of(recipe, 2048))
    assert isinstance(need, Memory) and need.total <= 0.9 * gib * 2**30
    assert "GiB" in recipe.reasons["batch_size"]


def test_what_does_not_fit_says_so() -> None:
    recipe = resolve(
        TrainingSettings(method="full"), EIGHT, Basis(examples=500, longest=2048, memory=24 * 2**30)
    )
    assert (recipe.batch_size, recipe.checkpointing) == (1, True)
    assert "does not fit" in recipe.reasons["batch_size"]


MODELS = st.sampled_from([MODEL, TINY, EIGHT, SMALL])
BASES = st.builds(
    lambda examples, longest, gib: Basis(
        examples=examples,
        longest=longest,
        median=longest // 2,
        tokens=examples * longest // 2,
        memory=None if gib is None else gib * 2**30,
    ),
    st.integers(1, 5_000),
    st.integers(0, 5_000),
    st.sampled_from([None, 8, 16, 24, 48, 80, 141]),
)
METHODS = st.sampled_from(["qlora", "lora", "full"])


@settings(max_examples=150, deadline=None)
@given(MODELS, BASES, METHODS, st.sampled_from([1, 2, 4, 8]), st.integers(1, 4))
def test_a_step_has_the_same_examples_on_any_number_of_processes(
    model: Any, basis: Basis, method: Any, processes: int, nodes: int
) -> None:
    one = resolve(TrainingSettings(method=method), model, basis)
    try:
        many = resolve(
            TrainingSettings(method=method, launch=Launch(processes=processes, nodes=nodes)), model, basis
        )
    except SettingsError as error:
        assert one.step_examples % (processes * nodes) and "training.launch.processes" in error.message
        return
    assert many.step_examples == one.step_examples
    assert many.processes == processes * nodes


@settings(max_examples=150, deadline=None)
@given(MODELS, BASES, METHODS)
def test_any_data_model_and_machine_has_a_whole_recipe(model: Any, basis: Basis, method: Any) -> None:
    recipe = resolve(TrainingSettings(method=method), model, basis)
    assert set(recipe.reasons) == set(asdict(recipe)) - {"reasons"}
    assert all(recipe.reasons.values())
    assert recipe.batch_size >= 1 and recipe.accumulation >= 1 and recipe.evaluations >= 4
    assert resolve(TrainingSettings(method=method), model, basis) == recipe
    if recipe.step_examples > 1 and model is not TINY:
        steps = -(-basis.examples // recipe.step_examples) * recipe.epochs
        assert steps >= 30


@settings(max_examples=100, deadline=None)
@given(BASES, st.sampled_from([EIGHT, SMALL]), METHODS)
def test_a_step_does_not_depend_on_memory(basis: Basis, model: Any, method: Any) -> None:
    chosen = TrainingSettings(method=method)
    assert (
        resolve(chosen, model, basis).step_examples
        == resolve(chosen, model, replace(basis, memory=None)).step_examples
    )
