"""A key changes with everything that may change the result, and with nothing else."""

from typing import Any

import pytest
from msgspec.structs import asdict, replace

from ftgate.decide.keys import (
    ArmInputs,
    asked_key,
    evaluation_key,
    generation,
    prompts_digest,
    training_key,
)
from ftgate.values.dataset import Message
from ftgate.values.settings import EvaluationSettings, JudgeSettings, ServerSettings
from ftgate.values.training import Basis
from tests.decide.builders import MODEL, RECIPE, prompt

TRAINING: dict[str, Any] = {
    "base_model": MODEL,
    "recipe": RECIPE,
    "data_sha256": "d",
    "held_out_sha256": "h",
    "basis": Basis(examples=2, tokenised="i", template="t"),
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
        {"basis": Basis(examples=2, tokenised="j", template="t")},
        {"basis": Basis(examples=2, tokenised="i", template="u")},
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
        {"basis": Basis(examples=2, tokenised="i", template="t", memory=1)},
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


ASKED = [
    {"base_model": replace(MODEL, sha256="another chat template, tokenizer or weight")},
    {"base_model": replace(MODEL, revision="r2")},
    {"method": "lora"},
    {"adapter_sha256": None},
    {"adapter_sha256": "another weight or configuration"},
    {"prompts": (replace(prompt("p1"), messages=(Message(role="user", content="other"),)), prompt("p2"))},
    {"prompts": (prompt("p1", "held-out"), prompt("p2"))},
    {"prompts": (replace(prompt("p1"), expect={"judge": True}), prompt("p2"))},
    {"generation": EvaluationSettings(max_new_tokens=8)},
    {"generation": EvaluationSettings(batch_size=1)},
    {"generation": EvaluationSettings(samples=1)},
    {"generation": EvaluationSettings(temperature=0.1)},
    {"seed": 1},
    {"versions": {"torch": "2.9"}},
    {"versions": {"torch": "2.8", "device": "cuda sm_90"}},
    {"versions": {"torch": "2.8", "dtype": "bfloat16"}},
    {"versions": {"torch": "2.8", "engine": "vllm 0.11.0"}},
]
NOT_ASKED = [
    {"base_model": replace(MODEL, location="/elsewhere")},
    {"prompts": (replace(prompt("p1"), expect={"equals": "Q"}, tags=("t",)), prompt("p2"))},
    {"judge": None},
    {"judge_identity": "another"},
]


@pytest.mark.parametrize("change", ASKED)
def test_what_may_change_a_completion_changes_its_key(change: dict[str, Any]) -> None:
    assert asked_key(ARM) != asked_key(replace(ARM, **change))


@pytest.mark.parametrize("change", NOT_ASKED)
def test_who_grades_a_completion_does_not(change: dict[str, Any]) -> None:
    assert asked_key(ARM) == asked_key(replace(ARM, **change))


SERVER = EvaluationSettings(engine="server", server=ServerSettings(base_url="http://a/v1", base="m"))


def of_server(**changes: Any) -> EvaluationSettings:
    assert SERVER.server
    return replace(SERVER, server=replace(SERVER.server, **changes))


@pytest.mark.parametrize(
    "other",
    [
        EvaluationSettings(),
        of_server(base="n"),
        of_server(setup="bf16"),
        of_server(concurrency=1),
        of_server(extra_body={"repetition_penalty": 1.1}),
        replace(SERVER, max_new_tokens=8),
        replace(SERVER, temperature=0.1),
    ],
)
def test_settings_of_the_engine_that_may_change_a_completion(other: EvaluationSettings) -> None:
    assert generation(other) != generation(SERVER)


@pytest.mark.parametrize(
    "other",
    [
        of_server(base_url="http://b/v1"),
        of_server(api_key_env="VLLM_API_KEY"),
        of_server(retries=0, timeout_seconds=1.0),
        replace(SERVER, batch_size=3),
        replace(SERVER, base_sample=3, probes=False, held_out="equals"),
    ],
)
def test_settings_of_the_engine_that_may_not(other: EvaluationSettings) -> None:
    assert generation(other) == generation(SERVER)


def test_a_server_that_is_not_asked_is_no_part() -> None:
    assert generation(replace(SERVER, engine="local")) == generation(EvaluationSettings())
    assert generation(EvaluationSettings(batch_size=1)) != generation(EvaluationSettings())


def test_every_setting_of_a_server_was_thought_of() -> None:
    """A new one must be put into one of the two lists above, and into `generation`."""
    assert set(ServerSettings.__struct_fields__) == {
        *("base", "setup", "concurrency", "extra_body"),
        *("base_url", "api_key_env", "retries", "timeout_seconds", "adapters"),
    }
