"""Runs drawn pair by pair: "PF" is a prompt that passed for the reference and fails for the candidate.

P passed, F failed, U ungraded, - no item.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from ftgate.values.evaluation import (
    Arm,
    ArmEvaluation,
    Completion,
    Evaluation,
    Grade,
    Item,
    Outcome,
    Prompt,
    Sentinel,
)
from ftgate.values.finding import Finding, Severity
from ftgate.values.run import Plan, Provenance, Run
from ftgate.values.settings import Policy
from ftgate.values.training import BaseModel, Recipe, Shape, Training

OUTCOMES = {"P": Outcome.PASSED, "F": Outcome.FAILED, "U": Outcome.UNGRADED}
ACTIVE = Sentinel(lora_b_norm=1.5, logit_difference=0.25)

MODEL = BaseModel(
    name="org/model",
    revision="r1",
    sha256="m" * 64,
    parameters=8_000_000_000,
    location="/models/x",
    max_length=32_768,
)
EIGHT = replace(
    MODEL,
    name="llama-8b",
    parameters=8_030_261_248,
    shape=Shape(
        type="llama",
        hidden=4096,
        layers=32,
        intermediate=14336,
        heads=32,
        kv_heads=8,
        head=128,
        vocabulary=128_256,
        tied=False,
        attention="full",
    ),
)
SMALL = replace(
    MODEL,
    name="qwen-0.6b",
    parameters=596_049_920,
    shape=Shape(
        type="qwen3",
        hidden=1024,
        layers=28,
        intermediate=3072,
        heads=16,
        kv_heads=8,
        head=128,
        vocabulary=151_936,
        attention="full",
    ),
)
RECIPE = Recipe(
    method="qlora",
    rank=16,
    alpha=32,
    dropout=0.05,
    epochs=3,
    learning_rate=2e-4,
    schedule="cosine",
    warmup=0.1,
    batch_size=4,
    accumulation=4,
    max_length=2048,
    compute_dtype="bfloat16",
    seed=42,
    reasons={"rank": "because"},
)


def item(prompt: str, letter: str, finish: Any = "stop") -> Item:
    grade = Grade(grader="equals", outcome=OUTCOMES[letter], reason="so")
    return Item(prompt=prompt, completion=Completion(text=letter, finish=finish, tokens=1), grades=(grade,))


def prompt(id: str, kind: Any = "regression") -> Prompt:
    return Prompt(id=id, kind=kind, protects="x", messages=(), expect={"equals": "P"})


def evaluation(
    regression: Sequence[str], held_out: Sequence[str], reference: Arm = Arm.BASELINE
) -> Evaluation:
    """An evaluation of numbered prompts: r0, r1, ... and h0, h1, ..."""
    pairs = {f"r{i}": pair for i, pair in enumerate(regression)} | {
        f"h{i}": pair for i, pair in enumerate(held_out)
    }
    arms = {Arm.BASE.value: _arm(Arm.BASE, None, pairs, 0)}
    if reference is Arm.BASELINE:
        arms[Arm.BASELINE.value] = _arm(Arm.BASELINE, "b" * 64, pairs, 0)
    arms[Arm.CANDIDATE.value] = _arm(Arm.CANDIDATE, "c" * 64, pairs, 1)
    kinds = {"r": "regression", "h": "held-out"}
    return Evaluation(prompts=tuple(prompt(id, kinds[id[0]]) for id in pairs), arms=arms)


def _arm(arm: Arm, sha256: str | None, pairs: dict[str, str], side: int) -> ArmEvaluation:
    items = tuple(item(id, pair[side]) for id, pair in pairs.items() if pair[side] != "-")
    return ArmEvaluation(arm=arm, adapter_sha256=sha256, items=items, sentinel=ACTIVE if sha256 else None)


def training(sha256: str, **changes: Any) -> Training:
    fields: dict[str, Any] = {
        "key": "k" * 64,
        "commit": "1" * 40,
        "adapter": "adapters/k",
        "adapter_sha256": sha256,
        "examples": 700,
        "data_sha256": "d" * 64,
        "recipe": RECIPE,
    }
    return Training(**(fields | changes))


def plan(**changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "base": "a" * 40,
        "head": "b" * 40,
        "merge_base": "a" * 40,
        "settings_path": "ftgate.yaml",
        "settings_sha256": "s" * 64,
        "applicable": True,
        "why": "1 training file changed: data/train/a.jsonl",
        "changed": ("data/train/a.jsonl",),
        "protected": (),
        "policy": Policy(),
    }
    return Plan(**(fields | changes))


def run(
    regression: Sequence[str] = ("PP",) * 30, held_out: Sequence[str] = ("PP",) * 100, **changes: Any
) -> Run:
    """A run that passes unless something is drawn or changed otherwise."""
    fields: dict[str, Any] = {
        "stages": ("plan", "validate", "train", "evaluate"),
        "plan": plan(),
        "baseline": training("b" * 64),
        "candidate": training("c" * 64),
        "evaluation": evaluation(regression, held_out),
        "provenance": Provenance(ftgate="1", created="2026-01-01T00:00:00Z"),
    }
    return Run(**(fields | changes))


def without_baseline(regression: Sequence[str], held_out: Sequence[str]) -> Run:
    return run(baseline=None, evaluation=evaluation(regression, held_out, Arm.BASE))


def with_policy(of: Run, **policy: Any) -> Run:
    return replace(of, plan=replace(of.plan, policy=Policy(**policy)))


def with_arm(of: Run, arm: Arm, **changes: Any) -> Run:
    assert of.evaluation
    arms = {**of.evaluation.arms, arm.value: replace(of.evaluation.arms[arm.value], **changes)}
    return replace(of, evaluation=replace(of.evaluation, arms=arms))


def finding(check: str, severity: Severity, line: int = 3) -> Finding:
    return Finding(check=check, severity=severity, path="data/train/a.jsonl", line=line, message="is wrong")
