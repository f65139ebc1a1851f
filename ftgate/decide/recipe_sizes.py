"""How many examples a step takes, in batches of how many, and whether activations are kept: by data and memory.

A step of SEED_STEP examples is the guide's. The same examples make a step whatever the number of processes and the
memory of a GPU: only how they are cut differs, so that a machine more changes the time and not what is learned.
"""

import math

from ftgate.decide.estimate import Load, memory
from ftgate.errors import SettingsError
from ftgate.values.training import BaseModel, Basis
from ftgate.values.training_settings import Method, TrainingSettings

SEED_BATCH = 4
SEED_STEP = 16
ENOUGH_STEPS = 30
"""Below, a warm-up of a tenth is under three steps, and the learning rate is at its height for hardly any."""
ENOUGH_TOKENS = 2_048
"""Of a micro-batch: fewer leave a GPU idle."""
MANY_TOKENS = 8_192
"""Of a micro-batch: more make no step faster and cost memory."""
FREE = 0.9
"""Share of a GPU's memory that an estimate may fill."""
GIB = 2**30

Choices = dict[str, tuple[object, str]]


def processes(training: TrainingSettings) -> int:
    """Processes on all nodes."""
    return training.launch.processes * training.launch.nodes


def refused(key: str, why: str) -> SettingsError:
    """A contradiction that data or model brings out."""
    return SettingsError(
        f"ftgate.yaml: training.{key}: {why}",
        advice="Correct the settings on the branch that they are read from.",
    )


def batches(training: TrainingSettings, epochs: int, examples: int, tiny: int = 0) -> tuple[int, int, str]:
    """Examples of a step over all processes, the batch that is preferred, and why. `tiny` is a tiny model's batch."""
    preferred = tiny or SEED_BATCH
    size, said = (tiny, "") if tiny else _step(examples, epochs)
    batch, accumulation = training.batch_size, training.accumulation
    if accumulation is not None:
        preferred = batch or preferred
        return (
            preferred * accumulation,
            preferred,
            f"set in ftgate.yaml: steps of {preferred * accumulation} examples",
        )
    if batch is not None:
        size = batch * max(1, round(size / batch))
        return size, batch, f"steps of {size} examples, the nearest to the recipe's in batches of {batch}"
    return size, min(preferred, size), said


def _step(examples: int, epochs: int) -> tuple[int, str]:
    size = SEED_STEP
    while size > 1 and 0 < _steps(examples, size, epochs) < ENOUGH_STEPS:
        size //= 2
    if size == SEED_STEP:
        return size, f"{SEED_STEP} examples a step, default of QLoRA on one GPU"
    whole = _steps(examples, SEED_STEP, epochs)
    return size, (
        f"{examples} examples make {whole} steps of {SEED_STEP} in {epochs} epochs, too few to learn: "
        f"{size} a step make {_steps(examples, size, epochs)}"
    )


def _steps(examples: int, size: int, epochs: int) -> int:
    return math.ceil(examples / size) * epochs


def cut(training: TrainingSettings, size: int, batch: int) -> tuple[int, list[int]]:
    """Examples of a step that one process takes, and the batches that they can be cut into, largest first.

    Raises SettingsError when they cannot be shared evenly.
    """
    shared = processes(training)
    if size % shared:
        why = f"{shared} processes cannot share a step of {size} examples evenly"
        raise refused(
            "launch.processes", f"{why}; set training.batch_size and training.accumulation, or use fewer"
        )
    own = size // shared
    if training.batch_size is None and training.accumulation is None:
        return own, [each for each in range(own, 0, -1) if own % each == 0]
    if own % batch:
        why = f"{shared} processes with batches of {batch} cannot share a step of {size} examples evenly"
        raise refused("batch_size" if training.batch_size else "accumulation", why)
    return own, [batch]


def fitted(
    training: TrainingSettings,
    model: BaseModel,
    basis: Basis,
    adapter: tuple[int, float],
    cuts: list[int],
    limit: int,
) -> Choices:
    """Batch and checkpointing that fit into memory; `adapter` is rank and dropout, `limit` the longest example."""
    longest = min(basis.longest, limit) or limit
    fast = [each for each in cuts if each == cuts[-1] or each * longest <= MANY_TOKENS]

    def total(batch: int, checkpointing: bool) -> int | None:
        told = memory(model, _load(training, adapter, batch * longest, checkpointing))
        return None if isinstance(told, str) or basis.memory is None else told.total

    if basis.memory is None or total(1, True) is None:
        return _unfitted(fast)
    room = FREE * basis.memory

    def largest(checkpointing: bool) -> int | None:
        return next((each for each in fast if (total(each, checkpointing) or 0) <= room), None)

    kept = largest(False)
    enough = kept is not None and (kept >= min(SEED_BATCH, fast[0]) or kept * longest >= ENOUGH_TOKENS)
    twice = not enough if training.checkpointing is None else training.checkpointing
    chosen = largest(True) if twice else kept
    batch, have = chosen or fast[-1], basis.memory / GIB
    each = f"{batch} of {longest:,} tokens at once need about {(total(batch, twice) or 0) / GIB:.1f} of {have:.1f} GiB"
    much = (total(batch, False) or 0) / GIB
    return {
        "batch_size": (batch, each if chosen else f"{each}: it does not fit, and nothing smaller is left"),
        "checkpointing": (
            twice,
            f"computed twice: kept, activations would need {much:.1f} of {have:.1f} GiB"
            if twice
            else "activations fit into memory",
        ),
    }


def _unfitted(cuts: list[int]) -> Choices:
    """The default's batch, and what takes least, where nothing can be computed."""
    why = "memory or sizes of the model are not known"
    batch = next((each for each in cuts if each <= SEED_BATCH), cuts[-1])
    return {
        "batch_size": (batch, f"{why}: at most {SEED_BATCH} at once, as in the default of QLoRA on one GPU"),
        "checkpointing": (True, f"{why}: activations are computed twice, which always takes less"),
    }


def _load(training: TrainingSettings, adapter: tuple[int, float], tokens: int, checkpointing: bool) -> Load:
    method: Method = training.method
    shared = processes(training)
    return Load(
        method=method,
        rank=adapter[0],
        dropout=adapter[1],
        tokens=tokens,
        checkpointing=checkpointing,
        wide=training.compute_dtype == "float32",
        shards=shared if training.launch.strategy == "fsdp" else 1,
    )
