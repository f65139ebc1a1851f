"""Proof that the trained model answered, of adapters here and of models at a service. What is not proved is not."""

import math

import pytest

from ftgate.decide.sentinel import inactive
from ftgate.values.evaluation import Sentinel
from ftgate.values.training import BaseModel, Recipe, Training

TUNED = "ft:m:org:x:1"
LOCAL = BaseModel(name="bundled:tiny", revision="r", sha256="a", parameters=9, location="", max_length=1)
HOSTED = BaseModel(name="hosted:m", revision="m", sha256="b", parameters=0, location="", max_length=1)
RECIPE = Recipe(
    method="hosted",
    rank=0,
    alpha=0,
    dropout=0,
    epochs=3,
    learning_rate=0,
    schedule="constant",
    warmup=0,
    batch_size=0,
    accumulation=1,
    max_length=9,
    compute_dtype="bfloat16",
    seed=1,
    reasons={},
)


def training(model: str) -> Training:
    return Training(
        key="k",
        commit="c",
        adapter="a",
        adapter_sha256="s",
        examples=1,
        data_sha256="d",
        recipe=RECIPE,
        model=model,
    )


def seen(**changed: object) -> Sentinel:
    told = {"lora_b_norm": None, "logit_difference": 0.5, "model": TUNED, "base": "m", **changed}
    return Sentinel(**told)  # type: ignore[arg-type]


def test_a_model_at_a_service_is_proved_by_its_name_and_its_answers() -> None:
    assert inactive(seen(), training(TUNED), HOSTED) == ""


@pytest.mark.parametrize(
    "sentinel",
    [
        None,
        seen(model=""),
        seen(model="ft:m:org:x:2"),
        seen(base=""),
        seen(base="another"),
        seen(logit_difference=0.0),
        seen(logit_difference=None),
        seen(logit_difference=math.nan),
        seen(logit_difference=math.inf),
        Sentinel(lora_b_norm=1.0, logit_difference=1.0),
    ],
)
def test_a_model_at_a_service_that_is_not_proved(sentinel: Sentinel | None) -> None:
    assert inactive(sentinel, training(TUNED), HOSTED)


def test_the_base_under_its_own_name_is_no_tuned_model() -> None:
    assert inactive(seen(model="m"), training("m"), HOSTED)
    assert inactive(seen(model=""), training(""), HOSTED)
    assert inactive(seen(), None, HOSTED)


@pytest.mark.parametrize("base", [LOCAL, None])
def test_a_model_here_is_proved_by_its_weights_whatever_names_are_told(base: BaseModel | None) -> None:
    assert inactive(seen(), training(TUNED), base)
    assert inactive(seen(lora_b_norm=0.0), training(TUNED), base)
    assert inactive(seen(lora_b_norm=1.0), training(""), base) == ""
