"""The recipe that fits the data and the model, with a reason for every choice.

Defaults are the fine-tuning guide's (QLoRA on one GPU). A model below TINY_PARAMETERS learns nothing at those
rates within a few epochs, so it gets its own column; that is what tests and the demonstration train.
"""

from statistics import median
from typing import Any

import msgspec

from ftgate.decide import hosted
from ftgate.values.tokens import LONGEST, TokenSurvey
from ftgate.values.training import BaseModel, Basis, Recipe
from ftgate.values.training_settings import TrainingSettings

RANK_8_BELOW = 200
RANK_16_UP_TO = 1_000
WARMUP = 0.1

TINY_PARAMETERS = 50_000_000
TINY_RANK = 16
TINY_EPOCHS = 4
TINY_LEARNING_RATE = 5e-3
TINY_BATCH_SIZE = 8

_SET = "set in ftgate.yaml"
_GUIDE = "default of QLoRA on one GPU"
_TINY = f"a model below {TINY_PARAMETERS // 1_000_000} million parameters"

_Choices = dict[str, tuple[Any, str]]


def basis_of(survey: TokenSurvey, memory: int | None) -> Basis:
    """What a recipe is resolved from; `memory` is that of one GPU in bytes."""
    return Basis(
        examples=len(survey.tokens),
        tokens=sum(survey.tokens),
        longest=max(survey.tokens, default=0),
        median=int(median(survey.tokens)) if survey.tokens else 0,
        memory=memory,
        tokenised=survey.sha256,
        template=survey.template_sha256,
    )


def resolve(training: TrainingSettings, base_model: BaseModel, basis: Basis) -> Recipe:
    """Recipe for what is trained; what the settings declare wins over every rule."""
    if hosted.name_of(base_model.name) is not None:
        return hosted.recipe(training, base_model, basis)
    defaults = _tiny() if base_model.parameters < TINY_PARAMETERS else _guide(basis.examples)
    choices = _fixed(training) | defaults | _max_length(base_model) | _declared(training)
    rank = choices["rank"][0]
    choices.setdefault("alpha", (2 * rank, "twice the rank"))
    return Recipe(
        **{name: value for name, (value, _) in choices.items()},
        reasons={name: reason for name, (_, reason) in choices.items()},
    )


def _fixed(training: TrainingSettings) -> _Choices:
    return {
        "method": (training.method, "training.method of ftgate.yaml, qlora unless set"),
        "schedule": ("cosine", _GUIDE),
        "warmup": (WARMUP, f"{_GUIDE}: the first {WARMUP:.0%} of the steps"),
        "batching": ("padded", "every example in a row of its own"),
        "checkpointing": (False, "activations fit into memory"),
        "evaluations": (4, "the best adapter is looked for four times an epoch"),
        "keep": ("best", "the adapter of the lowest held-out loss"),
        "stop_overfitting": (True, _GUIDE),
        "rslora": (False, "alpha divided by the rank"),
        "processes": (1, "training.launch of ftgate.yaml, one process unless set"),
        "strategy": ("single", "one process"),
        "quant_storage": ("uint8", "one process"),
        "seed": (training.seed, "training.seed of ftgate.yaml, 42 unless set"),
    }


def _guide(examples: int) -> _Choices:
    return {
        "rank": _rank(examples),
        "dropout": (0.05, _GUIDE),
        "epochs": (3, _GUIDE),
        "learning_rate": (2e-4, _GUIDE),
        "batch_size": (4, _GUIDE),
        "accumulation": (4, f"{_GUIDE}: 16 examples a step with batches of 4"),
        "compute_dtype": ("bfloat16", f"{_GUIDE}: NF4 weights, computed in bfloat16"),
    }


def _rank(examples: int) -> tuple[int, str]:
    if examples < RANK_8_BELOW:
        return 8, f"{examples} examples, below {RANK_8_BELOW}"
    if examples <= RANK_16_UP_TO:
        return 16, f"{examples} examples, {RANK_8_BELOW} to {RANK_16_UP_TO:,}"
    return 32, f"{examples} examples, above {RANK_16_UP_TO:,}"


def _tiny() -> _Choices:
    return {
        "rank": (
            TINY_RANK,
            f"{_TINY} has too few directions for a smaller rank, whatever the number of examples",
        ),
        "dropout": (0.0, f"{_TINY} underfits before it overfits"),
        "epochs": (TINY_EPOCHS, f"{_TINY} needs more passes over the data"),
        "learning_rate": (TINY_LEARNING_RATE, f"{_TINY} moves too little in a few hundred steps at 2e-4"),
        "batch_size": (TINY_BATCH_SIZE, f"{_TINY} needs more steps than batches of 16 give"),
        "accumulation": (1, f"{_TINY} fits every batch into memory"),
        "compute_dtype": (
            "float32",
            f"{_TINY} trains on the processor, where bfloat16 is slower and coarser",
        ),
    }


def _max_length(base_model: BaseModel) -> _Choices:
    if base_model.max_length < LONGEST:
        return {"max_length": (base_model.max_length, "the model's own limit")}
    return {"max_length": (LONGEST, f"{_GUIDE}, within the model's {base_model.max_length:,}")}


def _declared(training: TrainingSettings) -> _Choices:
    overridable = set(Recipe.__struct_fields__) - {"method", "seed", "alpha"}
    declared = msgspec.structs.asdict(training).items()
    return {name: (value, _SET) for name, value in declared if name in overridable and value is not None}
