"""What is served: allowed forms, the command, and an exported form that is not what was trained."""

import shlex
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.decide.gate import decide
from ftgate.decide.serving import RANKS, base_method, forged, launch, max_lora_rank, merged_form, refusal
from ftgate.values.evaluation import Evaluation
from ftgate.values.run import VerdictOutcome
from ftgate.values.run_card import Agreement, Exported
from ftgate.values.settings import DataSettings, Settings
from ftgate.values.training import Training
from ftgate.values.training_settings import Export, TrainingSettings
from tests.decide.builders import MODEL, RECIPE, evaluation, run

TRAINING = Training(
    key="k" * 64, commit="c", adapter="a", adapter_sha256="c" * 64, examples=9, data_sha256="d", recipe=RECIPE
)


def settings(form: Any, method: Any = "qlora", base: str = "org/model") -> Settings:
    return Settings(
        behavior="x",
        base_model=base,
        data=DataSettings(train=("a",)),
        training=TrainingSettings(method=method, export=Export(form=form)),
    )


@pytest.mark.parametrize(("rank", "allowed"), [(1, 8), (8, 8), (9, 16), (64, 64), (257, 320), (400, 512)])
def test_the_rank_is_one_that_vllm_takes(rank: int, allowed: int) -> None:
    assert max_lora_rank(rank) == allowed and allowed in RANKS


def test_a_rank_beyond_all_is_served_merged_only() -> None:
    assert max_lora_rank(513) is None
    huge = replace(TRAINING, recipe=replace(RECIPE, rank=513))
    assert launch(huge, "adapter", MODEL, "/x") == ""
    assert launch(huge, "merged-16bit", MODEL, "/x")


def test_an_adapter_is_served_on_the_base_that_it_was_trained_on() -> None:
    words = shlex.split(launch(TRAINING, "adapter", MODEL, "/srv/my adapter"))
    assert words[:5] == ["vllm", "serve", "org/model", "--revision", "r1"]
    assert words[5:7] == ["--quantization", "bitsandbytes"]
    assert words[7:] == [
        "--enable-lora",
        "--lora-modules",
        f"ftgate-{'k' * 12}=/srv/my adapter",
        "--max-lora-rank",
        "16",
    ]
    lora = replace(TRAINING, recipe=replace(RECIPE, method="lora"))
    assert "--quantization" not in launch(lora, "adapter", MODEL, "/x")
    local = replace(MODEL, name="./here", location="/srv/here")
    assert launch(TRAINING, "adapter", local, "/x").startswith("vllm serve /srv/here --quantization")
    assert shlex.split(launch(TRAINING, "merged-16bit", MODEL, "/m"))[:3] == ["vllm", "serve", "/m"]


@pytest.mark.parametrize(
    ("training", "form", "why"),
    [
        (TRAINING, "adapter", ""),
        (TRAINING, "merged-dequantised", ""),
        (TRAINING, "merged-16bit", ""),
        (TRAINING, "full", "not all weights"),
        (replace(TRAINING, recipe=replace(RECIPE, method="full")), "full", ""),
        (replace(TRAINING, recipe=replace(RECIPE, method="full")), "adapter", "no adapter"),
        (replace(TRAINING, recipe=replace(RECIPE, method="lora")), "merged-dequantised", "not quantised"),
        (replace(TRAINING, recipe=replace(RECIPE, method="lora")), "merged-16bit", ""),
        (replace(TRAINING, form="hosted", model="ft:gpt"), "adapter", "ft:gpt"),
        (replace(TRAINING, failure="NaN"), "adapter", "no weights"),
        (replace(TRAINING, adapter_sha256=""), "adapter", "no weights"),
    ],
)
def test_which_forms_a_training_has(training: Training, form: Any, why: str) -> None:
    assert why in refusal(training, form) and bool(refusal(training, form)) == bool(why)


def test_the_base_is_compared_as_what_is_served_stands_on_it() -> None:
    assert base_method(settings("adapter")) == base_method(settings("merged-dequantised")) == "qlora"
    assert base_method(settings("merged-16bit")) == "lora"
    assert base_method(settings("merged-16bit", "full")) == "full"
    assert merged_form(settings("merged-16bit", "full")) is None
    assert merged_form(settings("merged-16bit", base="hosted:gpt")) is None
    assert merged_form(settings("merged-16bit")) == "merged-16bit"


def asked(top1: float, arm: str = "candidate", tokens: int = 100, minimum: float = 0.98) -> Evaluation:
    """An evaluation in which one arm was asked in a merged form."""
    drawn = evaluation(["PP"] * 20, ["PP"] * 60)
    figures = Agreement(texts=1, tokens=tokens, top1=top1, nll_trained=1.0, nll_exported=1.0, minimum=minimum)
    exported = Exported(form="merged-16bit", sha256="e" * 64, agreement=figures)
    arms = {**drawn.arms, arm: replace(drawn.arms[arm], exported=exported)}
    return replace(drawn, arms=arms)


def verdict(evaluation: Evaluation) -> tuple[VerdictOutcome, set[str]]:
    found = decide(replace(run(), evaluation=evaluation))
    return found.outcome, {r.id for r in found.reasons if r.id.startswith("export.")}


def test_a_form_that_agrees_is_told_and_decides_nothing() -> None:
    assert verdict(asked(0.98)) == (VerdictOutcome.PASS, {"export.form"})


def test_a_candidate_that_is_not_what_was_trained_fails() -> None:
    assert verdict(asked(0.9799)) == (VerdictOutcome.FAIL, {"export.agreement.candidate"})


def test_a_baseline_that_is_not_what_was_trained_decides_nothing_for_sure() -> None:
    assert verdict(asked(0.5, "baseline")) == (VerdictOutcome.INCONCLUSIVE, {"export.agreement.baseline"})


def test_what_nobody_measured_is_no_pass() -> None:
    assert verdict(asked(1.0, tokens=0)) == (VerdictOutcome.INCONCLUSIVE, {"export.unmeasured.candidate"})


def test_a_machine_cannot_ask_another_form_or_ask_less_of_it() -> None:
    assert list(forged(evaluation(["PP"], ["PP"]), settings("adapter"))) == []
    assert len(list(forged(evaluation(["PP"], ["PP"]), settings("merged-16bit")))) == 2
    both = asked(1.0)
    both = replace(both, arms={**both.arms, "baseline": asked(1.0, "baseline").arms["baseline"]})
    assert list(forged(both, settings("merged-16bit"))) == []
    assert len(list(forged(both, settings("merged-dequantised")))) == 2
    lax = asked(1.0, minimum=0.1)
    assert any("held to another agreement" in text for text in forged(lax, settings("merged-16bit")))
