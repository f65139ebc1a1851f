"""Deals examples to processes: each exactly once in an epoch, whatever their number.

accelerate fills the last batches up with examples from the beginning, which then count twice, or leaves a process
without one, and the others wait for it for ever. Here blanks fill them up: rows without a labelled token, which add
nothing to the loss, the number of tokens it is divided by, or the gradients.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from ftgate.edges.tokens import IGNORED, Tokenized
from ftgate.values.training import Recipe

_BLANK = 2  # tokens: a row of one predicts nothing, and not every library expects that


def with_blanks(examples: Sequence[Tokenized], recipe: Recipe, token: int) -> list[Tokenized]:
    """The examples, and behind them as many blanks as a last round of all processes needs. None for one process."""
    if recipe.processes == 1:
        return list(examples)
    missing = -len(examples) % (recipe.batch_size * recipe.processes)
    blank = Tokenized([token] * _BLANK, [IGNORED] * _BLANK)
    return [*examples, *([blank] * missing)]


def dealt(order: Sequence[int], blanks: Sequence[int], recipe: Recipe) -> list[int]:
    """Indexes in the order in which processes take them: batches in turn, one process after the other.

    Rounds are those of `order`, so that a step takes the examples that it would take on one process. Only the last
    round has blanks; its examples are spread over the processes, as a batch of blanks alone is work for nothing.
    """
    size = recipe.batch_size * recipe.processes
    whole = len(order) - len(order) % size
    rest, filling = order[whole:], iter(blanks)
    rows = [list(rest[process :: recipe.processes]) for process in range(recipe.processes)] if rest else []
    for row in rows:
        row.extend(next(filling) for _ in range(recipe.batch_size - len(row)))
    return [*order[:whole], *(index for row in rows for index in row)]


def sampler(examples: int, blanks: int, recipe: Recipe) -> Any:
    """A sampler of torch for all processes, which accelerate shares out. Shuffles as accelerate does for one process:
    the seed and the number of the epoch decide, and nothing else."""
    import torch

    class Sampler(torch.utils.data.Sampler):  # type: ignore[misc]
        epoch = 0

        def __len__(self) -> int:
            return examples + blanks

        def __iter__(self) -> Iterator[int]:
            generator = torch.Generator().manual_seed(recipe.seed + self.epoch)
            order = torch.randperm(examples, generator=generator).tolist()
            yield from dealt(order, range(examples, examples + blanks), recipe)

        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

    return Sampler()
