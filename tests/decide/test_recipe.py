"""Recipes by size of data and model."""

from typing import Any

import pytest
from msgspec.structs import asdict, replace

from ftgate.decide.recipe import resolve
from ftgate.values.training import Basis
from ftgate.values.training_settings import TrainingSettings
from tests.decide.builders import MODEL

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
        "checkpointing": False,
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
        ("max_length", 4096),
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
