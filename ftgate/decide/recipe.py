"""The recipe that fits the data, the model and the machine, with a reason for every choice.

Defaults are the fine-tuning guide's (QLoRA on one GPU). A model below TINY_PARAMETERS learns nothing at those
rates within a few epochs, so it gets its own column; that is what tests and the demonstration train.
docs/training.md has the rules in a table, with their sources.
"""

from statistics import median
from typing import Any

import msgspec

from ftgate.decide import recipe_sizes as sizes
from ftgate.decide.recipe_contradictions import contradictions
from ftgate.errors import SettingsError
from ftgate.values.tokens import LONGEST, TokenSurvey
from ftgate.values.training import BaseModel, Basis, Recipe
from ftgate.values.training_settings import TrainingSettings

RANK_8_BELOW = 200
RANK_16_UP_TO = 1_000
WARMUP = 0.1
LEARNING_RATE = 2e-4
FULL_LEARNING_RATE = LEARNING_RATE / 10
EVALUATIONS = 4

TINY_PARAMETERS = 50_000_000
TINY_RANK = 16
TINY_EPOCHS = 4
TINY_LEARNING_RATE = 5e-3
TINY_BATCH_SIZE = 8

_SET = "set in ftgate.yaml"
_GUIDE = "default of QLoRA on one GPU"
_TINY = f"a model below {TINY_PARAMETERS // 1_000_000} million parameters"
_ALL = "all weights are trained: there is no adapter"

_Choices = dict[str, tuple[Any, str]]


def basis_of(survey: TokenSurvey, memory: int | None) -> Basis:
    """What a recipe is resolved from; `memory` is that of one GPU in bytes."""
    return Basis(
        examples=len(survey.tokens),
        tokens=sum(survey.tokens),
        longest=max(survey.widths, default=0),
        median=int(median(survey.tokens)) if survey.tokens else 0,
        memory=memory,
        tokenised=survey.sha256,
        template=survey.template_sha256,
    )


def is_tiny(base_model: BaseModel) -> bool:
    """Whether the tiny column is for it; a model of unknown size is none."""
    return 0 < base_model.parameters < TINY_PARAMETERS


def resolve(training: TrainingSettings, base_model: BaseModel, basis: Basis) -> Recipe:
    """Recipe for what is trained; what the settings declare wins over every rule.

    Raises SettingsError, which names the key, where settings contradict each other, the data or the model.
    """
    wrong = [f"ftgate.yaml: training.{'.'.join(key)}: {why}" for key, why in contradictions(training)]
    if wrong:
        raise SettingsError("\n".join(wrong), advice="Correct them on the branch that they are read from.")
    tiny = is_tiny(base_model)
    choices = _common(training) | (_tiny() if tiny else _guide(basis.examples))
    choices |= (
        _max_length(training, base_model, basis) | _launched(training) | _batching(training, base_model, tiny)
    )
    declared = _declared(training)
    choices |= _full(tiny) if training.method == "full" else {}
    choices |= declared
    if training.method != "full":
        choices |= _alpha(training, choices["rank"][0])
    choices |= _step(training, base_model, basis, choices)
    return Recipe(
        **{name: value for name, (value, _) in choices.items()},
        reasons={name: reason for name, (_, reason) in choices.items()},
    )


def _common(training: TrainingSettings) -> _Choices:
    stops = training.overfitting != "warn"
    return {
        "method": (training.method, "training.method of ftgate.yaml, qlora unless set"),
        "schedule": ("cosine", _GUIDE),
        "warmup": (WARMUP, f"{_GUIDE}: the first {WARMUP:.0%} of the steps"),
        "evaluations": (EVALUATIONS, "the best weights are looked for four times an epoch"),
        "keep": ("best", "the weights of the lowest held-out loss"),
        "stop_overfitting": (stops, _GUIDE if stops else "training.overfitting: warn"),
        "seed": (training.seed, "training.seed of ftgate.yaml, 42 unless set"),
    }


def _guide(examples: int) -> _Choices:
    return {
        "rank": _rank(examples),
        "dropout": (0.05, _GUIDE),
        "epochs": (3, _GUIDE),
        "learning_rate": (LEARNING_RATE, _GUIDE),
        "compute_dtype": ("bfloat16", f"{_GUIDE}: weights at rest as the method says, computed in bfloat16"),
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
        "compute_dtype": (
            "float32",
            f"{_TINY} trains on the processor, where bfloat16 is slower and coarser",
        ),
    }


def _full(tiny: bool) -> _Choices:
    """LoRA's best rate is about ten times that of full fine-tuning: LoRA Without Regret (Schulman et al., 2025)."""
    rate = TINY_LEARNING_RATE / 10 if tiny else FULL_LEARNING_RATE
    return {
        "rank": (0, _ALL),
        "alpha": (0, _ALL),
        "rslora": (False, _ALL),
        "dropout": (0.0, _ALL),
        "learning_rate": (rate, "a tenth of an adapter's, as LoRA Without Regret (2025) found best"),
    }


def _alpha(training: TrainingSettings, rank: int) -> _Choices:
    by_rank = (False, "alpha divided by the rank")
    if training.alpha == "rslora":
        why = "training.alpha: rslora"
        return {
            "alpha": (rank, f"{why}, alpha equal to the rank as in PEFT's comparison of methods (2026)"),
            "rslora": (True, f"{why}: alpha divided by the root of the rank (arXiv 2312.03732)"),
        }
    if training.alpha is None or training.alpha == "2r":
        return {"alpha": (2 * rank, "twice the rank"), "rslora": by_rank}
    return {"alpha": (training.alpha, _SET), "rslora": by_rank}


def _max_length(training: TrainingSettings, base_model: BaseModel, basis: Basis) -> _Choices:
    """The limit, not the longest example: a smaller number would change the key and nothing that is trained."""
    own = base_model.max_length
    if training.max_length is not None and own and training.max_length > own:
        raise sizes.refused(
            "max_length", f"{training.max_length} is more than the {own} positions of the model"
        )
    longest = f"; the longest example has {basis.longest:,}" if basis.longest else ""
    if not own:
        return {"max_length": (LONGEST, f"{_GUIDE}; the model does not tell its own limit{longest}")}
    if own < LONGEST:
        return {"max_length": (own, f"the model's own limit{longest}")}
    return {"max_length": (LONGEST, f"{_GUIDE}, within the model's {own:,}{longest}")}


def _launched(training: TrainingSettings) -> _Choices:
    launch, shared = training.launch, sizes.processes(training)
    said = "training.launch of ftgate.yaml"
    if shared == 1:
        return {
            "processes": (1, f"{said}, one process unless set"),
            "strategy": ("single", "one process"),
            "quant_storage": ("uint8", "one process shards nothing"),
        }
    told = f"{said}: {launch.processes} on each of {launch.nodes} nodes"
    sharded = launch.strategy == "fsdp" and training.method == "qlora"
    return {
        "processes": (shared, told),
        "strategy": (launch.strategy, said),
        "quant_storage": (launch.quant_storage, f"{said}: what FSDP shards 4-bit weights as")
        if sharded
        else ("uint8", "4-bit weights are not sharded"),
    }


def _batching(training: TrainingSettings, base_model: BaseModel, tiny: bool) -> _Choices:
    attention = base_model.shape.attention
    if training.batching == "padding-free" and attention == "linear":
        why = f"the state of {base_model.shape.type or base_model.name} would run from one example into the next"
        raise sizes.refused("batching", f"{why}; only padded rows keep them apart")
    if tiny:
        return {"batching": ("padded", f"{_TINY} loses more to masks than to padding")}
    if attention == "linear":
        return {"batching": ("padded", "a model with linear attention reads across joined examples")}
    if attention == "unknown":
        return {"batching": ("padded", "it is not known whether the model keeps joined examples apart")}
    return {"batching": ("padding-free", "no token is spent on padding, and a step keeps its examples")}


def _declared(training: TrainingSettings) -> _Choices:
    own = {"method", "seed", "alpha", "batch_size", "accumulation"}
    overridable = set(Recipe.__struct_fields__) - own
    declared = msgspec.structs.asdict(training).items()
    return {name: (value, _SET) for name, value in declared if name in overridable and value is not None}


def _step(training: TrainingSettings, base_model: BaseModel, basis: Basis, choices: _Choices) -> _Choices:
    """Batch, accumulation and checkpointing, after everything that they follow from."""
    tiny = is_tiny(base_model)
    epochs, limit = choices["epochs"][0], choices["max_length"][0]
    size, batch, why = sizes.batches(training, epochs, basis.examples, TINY_BATCH_SIZE if tiny else 0)
    own, cuts = sizes.cut(training, size, batch)
    found: _Choices
    if tiny:
        fitting = next(each for each in cuts if each <= max(batch, TINY_BATCH_SIZE))
        found = {
            "batch_size": (fitting, f"{_TINY} needs more steps than batches of 16 give"),
            "checkpointing": (False, f"{_TINY} fits every batch into memory"),
        }
        why = why or f"{_TINY} fits every batch into memory"
    else:
        adapter = (choices["rank"][0], choices["dropout"][0])
        found = dict(sizes.fitted(training, base_model, basis, adapter, cuts, limit))
    if training.batch_size is not None:
        found["batch_size"] = (found["batch_size"][0], _SET)
    if training.checkpointing is not None:
        found["checkpointing"] = (training.checkpointing, _SET)
    shared = f", shared by {choices['processes'][0]} processes" if choices["processes"][0] > 1 else ""
    said = _SET if training.accumulation is not None and not shared else f"{why}{shared}"
    return found | {"accumulation": (own // found["batch_size"][0], said)}
