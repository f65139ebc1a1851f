"""Baseline records and promotions for tests."""

from msgspec.structs import replace

from ftgate.decide.recipe import resolve
from ftgate.values.baseline import Baseline, Promotion, Tally
from ftgate.values.digest import digest
from ftgate.values.evaluation import Arm, ArmEvaluation, Completion, Grade, Item, Outcome, Sentinel
from ftgate.values.training import Basis, Training
from ftgate.values.training_settings import TrainingSettings
from tests.fakes import BASE_MODEL


def key(name: str) -> str:
    return digest(f"key of {name}")


def training(name: str) -> Training:
    return Training(
        key=key(name),
        commit=digest(name)[:40],
        adapter=f"trainings/{key(name)}/adapter",
        adapter_sha256=digest(f"adapter of {name}"),
        examples=120,
        data_sha256=digest(f"data of {name}"),
        recipe=resolve(TrainingSettings(), BASE_MODEL, Basis(examples=120)),
    )


def arm(of: Arm, sha256: str | None, text: str = "late") -> ArmEvaluation:
    grade = Grade(grader="equals", outcome=Outcome.PASSED, reason="", score=1.0)
    item = Item(prompt="a", completion=Completion(text=text, finish="stop", tokens=1), grades=(grade,))
    sentinel = Sentinel(lora_b_norm=1.0, logit_difference=0.5) if sha256 else None
    return ArmEvaluation(arm=of, adapter_sha256=sha256, items=(item,), sentinel=sentinel)


def kept(name: str, text: str = "late", judge: str = "") -> ArmEvaluation:
    """The baseline's arm of a record, as the data branch keeps it."""
    made = arm(Arm.BASELINE, training(name).adapter_sha256, text)
    return replace(made, key=digest(f"{name} {text} {judge}"), asked=digest(f"{name} {text}"))


def record(name: str, *arms: ArmEvaluation) -> Baseline:
    made = training(name)
    return Baseline(
        key=made.key,
        training=made,
        arms=arms or (kept(name),),
        data_sha256=made.data_sha256,
        commit=made.commit,
        pull_request=12,
        ftgate="0.1.0",
        created="2026-01-01T00:00:00+00:00",
    )


def promotion(name: str, regression: int = 8, held_out: int = 20, measure: str = "m") -> Promotion:
    made = training(name)
    return Promotion(
        commit=made.commit,
        key=made.key,
        data_sha256=made.data_sha256,
        examples=120,
        regression=Tally(passed=regression, graded=8, total=8, measure=measure),
        held_out=Tally(passed=held_out, graded=20, total=20, measure=measure),
        created="2026-01-01T00:00:00+00:00",
        pull_request=12,
    )
