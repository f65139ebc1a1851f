"""Settings of a training that cannot all be meant, by key: found when the settings are read, before anything runs."""

from collections.abc import Iterator
from datetime import date

from ftgate.values.training_settings import TrainingSettings

Key = tuple[str, ...]


def contradictions(training: TrainingSettings) -> Iterator[tuple[Key, str]]:
    """The key below `training` and what is wrong with it, for everything that needs neither data nor model."""
    yield from _of_method(training)
    processes = training.launch.processes * training.launch.nodes
    if training.accumulation is not None and training.accumulation % processes:
        yield (
            ("accumulation",),
            f"{training.accumulation} is not shared out evenly by {processes} processes "
            "(training.launch): the examples of a step would change with their number",
        )
    prices = training.preflight.prices
    if prices is not None and not _is_day(prices.as_of):
        yield ("preflight", "prices", "as_of"), f"{prices.as_of} is no day; write YYYY-MM-DD"


def _of_method(training: TrainingSettings) -> Iterator[tuple[Key, str]]:
    if training.method != "full":
        return
    for name in ("rank", "alpha", "dropout"):
        value = getattr(training, name)
        if value:
            yield (
                (name,),
                f"{value} is of an adapter, and training.method: full trains all weights; leave it out, "
                "or set training.method to lora or qlora",
            )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
