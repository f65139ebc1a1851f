"""A key changes with everything that may change the result, and with nothing else."""

from typing import Any

import pytest
from msgspec.structs import asdict, replace

from ftgate.decide.keys import ArmInputs, evaluation_key, prompts_digest, training_key
from ftgate.values.settings import EvaluationSettings, JudgeSettings
from tests.decide.builders import MODEL, RECIPE, prompt

TRAINING: dict[str, Any] = {
    "base_model": MODEL,
    "recipe": RECIPE,
    "data_sha256": "d",
    "held_out_sha256": "h",
    "versions": {"torch": "2.8", "trl": "1.0"},
}
ARM = ArmInputs(
    base_model=MODEL,
    method="qlora",
    adapter_sha256="a",
    prompts=(prompt("p1"), prompt("p2")),
    generation=EvaluationSettings(),
    versions={"torch": "2.8"},
    judge=JudgeSettings(model="judge-1"),
    judge_identity="judge-1",
)


@pytest.mark.parametrize(
    "change",
    [
        {"base_model": replace(MODEL, sha256="n")},
        {"base_model": replace(MODEL, revision="r2")},
        {"recipe": replace(RECIPE, rank=8)},
        {"recipe": replace(RECIPE, seed=1)},
        {"data_sha256": "e"},
        {"held_out_sha256": "i"},
        {"versions": {"torch": "2.9", "trl": "1.0"}},
        {"data_sha256": "h", "held_out_sha256": "d"},
    ],
)
def test_another_training_has_another_key(change: dict[str, Any]) -> None:
    assert training_key(**TRAINING) != training_key(**(TRAINING | change))


@pytest.mark.parametrize(
    "change",
    [
        {"base_model": replace(MODEL, location="/elsewhere")},
        {"recipe": replace(RECIPE, reasons={"rank": "in other words"})},
        {"versions": {"trl": "1.0", "torch": "2.8"}},
    ],
)
def test_the_same_training_has_the_same_key(change: dict[str, Any]) -> None:
    assert training_key(**TRAINING) == training_key(**(TRAINING | change))


def test_every_setting_of_the_recipe_counts() -> None:
    keys = {training_key(**TRAINING)}
    for name, value in asdict(RECIPE).items():
        if name != "reasons":
            other = replace(RECIPE, **{name: f"not {value}"})
            keys.add(training_key(**(TRAINING | {"recipe": other})))
    assert len(keys) == len(asdict(RECIPE))


@pytest.mark.parametrize(
    "change",
    [
        {"base_model": replace(MODEL, sha256="n")},
        {"method": "lora"},
        {"adapter_sha256": None},
        {"adapter_sha256": "b"},
        {"prompts": (prompt("p2"), prompt("p1"))},
        {"prompts": (prompt("p1"),)},
        {"prompts": (replace(prompt("p1"), expect={"equals": "Q"}), prompt("p2"))},
        {"prompts": (replace(prompt("p1"), reference="r"), prompt("p2"))},
        {"generation": EvaluationSettings(max_new_tokens=8)},
        {"generation": EvaluationSettings(batch_size=1)},
        {"versions": {"torch": "2.9"}},
        {"judge": None},
        {"judge": JudgeSettings(model="judge-1", pass_score=3)},
        {"judge_identity": "judge-1 at localhost"},
    ],
)
def test_another_arm_has_another_key(change: dict[str, Any]) -> None:
    assert evaluation_key(ARM) != evaluation_key(replace(ARM, **change))


def test_where_things_stand_is_not_what_they_are() -> None:
    moved = replace(prompt("p1"), source="regression/other.yaml:9")
    assert prompts_digest([moved]) == prompts_digest([prompt("p1")])
    assert evaluation_key(ARM) == evaluation_key(
        replace(ARM, base_model=replace(MODEL, location="/elsewhere"))
    )


def test_a_training_and_an_arm_never_share_a_key() -> None:
    assert len(training_key(**TRAINING)) == len(evaluation_key(ARM)) == 64
