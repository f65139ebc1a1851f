"""The card of an artefact: for programs by its schema, for the Hub by the Hub's own reader, and inert for everybody."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from ftgate import wire
from ftgate.report.run_card import cards, model_card, run_card
from ftgate.values.run_card import Agreement, Form
from ftgate.values.training import Basis, LossPoint, Training
from tests.decide.builders import MODEL, RECIPE

TRAINING = Training(
    key="k" * 64,
    commit="c" * 40,
    adapter="",
    adapter_sha256="a" * 64,
    examples=300,
    data_sha256="d" * 64,
    recipe=RECIPE,
    curve=(LossPoint(step=1, epoch=0.5, train=2.0), LossPoint(step=2, epoch=1.0, train=1.0, held_out=1.2)),
    steps=2,
    best_step=2,
    dropped=4,
    events=("resumed from step 1",),
    hardware="one GPU",
    peak_memory=2**31,
    versions={"torch": "2.13.0"},
    basis=Basis(examples=300, tokenised="t" * 64, template="p" * 64),
)
AGREEMENT = Agreement(texts=3, tokens=1000, top1=0.97996, nll_trained=1.0, nll_exported=1.125, minimum=0.98)


def front(text: str) -> dict[str, object]:
    """The metadata as the Hub's own library reads it."""
    from huggingface_hub import ModelCard

    data: Any = ModelCard(text, ignore_metadata_errors=False).data
    found: dict[str, object] = data.to_dict()
    return found


def test_the_schema_is_derived_and_the_card_keeps_it() -> None:
    schema = wire.schema("run-card")
    assert schema == json.loads(json.dumps(wire.run_card_schema()))
    plain = json.loads(cards(run_card(TRAINING, MODEL, "merged-16bit", AGREEMENT))["run-card.json"])
    Draft202012Validator(schema).validate(plain)
    assert plain["schema"] == "ftgate.run-card/1"
    assert plain["base_model"] == {
        "name": "org/model",
        "revision": "r1",
        "sha256": "m" * 64,
        "parameters": 8_000_000_000,
    }
    for key in ("key", "commit", "adapter_sha256", "data_sha256", "examples", "dropped", "best_step"):
        assert plain[key] == getattr(TRAINING, key)
    assert plain["recipe"]["reasons"] == {"rank": "because"}
    assert "/models/x" not in json.dumps(plain), "where it lay is nobody's business"


@pytest.mark.parametrize(
    ("form", "library", "relation"),
    [
        ("adapter", "peft", "adapter"),
        ("merged-dequantised", "transformers", "finetune"),
        ("merged-16bit", "transformers", "finetune"),
        ("full", "transformers", "finetune"),
    ],
)
def test_it_is_a_model_card_of_the_hub(form: Form, library: str, relation: str) -> None:
    found = front(model_card(run_card(TRAINING, MODEL, form)))
    assert (found["library_name"], found["base_model_relation"]) == (library, relation)
    assert found["base_model"] == "org/model" and found["pipeline_tag"] == "text-generation"
    assert isinstance(found["tags"], list) and "ftgate" in found["tags"]
    assert "license" not in found, "nobody knows it"


def test_what_a_service_keeps_is_loaded_by_no_library() -> None:
    hosted = replace(TRAINING, form="hosted", model="ft:gpt:x")
    found = front(model_card(run_card(hosted, replace(MODEL, name="hosted:gpt-4.1"))))
    assert "library_name" not in found and "base_model" not in found


@pytest.mark.parametrize(
    "name", ["bundled:tiny", "./models/mine", "/srv/models/mine", "a/b/c", "x\n---\nevil: yes"]
)
def test_a_base_that_is_not_on_the_hub_is_not_linked(name: str) -> None:
    text = model_card(run_card(TRAINING, replace(MODEL, name=name)))
    found = front(text)
    assert "base_model" not in found and "evil" not in found


def test_what_machines_and_settings_wrote_is_inert() -> None:
    hostile = "@everyone <script>alert(1)</script> [x](https://evil.test) | ---"
    told = replace(
        TRAINING,
        events=(hostile,),
        hardware=hostile,
        stopped=hostile,
        versions={hostile: hostile},
        recipe=replace(RECIPE, reasons={"rank": hostile}),
    )
    text = model_card(run_card(told, replace(MODEL, revision="`x` <b>")))
    outside = re.sub(r"(`+).*?\1", "", text)
    assert "<script>" not in outside and "@everyone" not in outside and "](https" not in outside
    assert front(text)["library_name"] == "peft"


def test_the_figures_of_an_export_are_told_and_never_rounded_up() -> None:
    text = model_card(run_card(TRAINING, MODEL, "merged-16bit", AGREEMENT), "vllm serve here")
    assert "97.99 % of 1,000 tokens" in text and "98 % is asked" in text
    assert "1.1250 against 1.0000" in text
    assert "```bash\nvllm serve here\n```" in text
    assert not AGREEMENT.holds
    assert not replace(AGREEMENT, tokens=0, top1=1.0).holds


def test_cards_are_the_same_however_often_they_are_written() -> None:
    assert cards(run_card(TRAINING, MODEL)) == cards(run_card(TRAINING, MODEL))
