"""contradiction: the same prompt with two outputs. The seed, curation 2: no two examples with the same input and
different outputs."""

from collections.abc import Iterable, Iterator

from ftgate.checks.base import Context
from ftgate.checks.rows import output_keys, prompt_keys
from ftgate.checks.sameness import Sameness
from ftgate.checks.turns import answers, last_assistant, output_key, packed, prompt_key, turn_place
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Severity, found


class Contradiction:
    """Outputs are compared as JSON values where they are JSON. What it remembers is in Sameness."""

    def __init__(self, context: Context) -> None:
        self.sameness = Sameness()
        self._held_out = {
            prompt_key(e): (packed([output_key(e)])[0], e.place) for e in context.held_out if e.prompt
        }

    def see(self, example: Example) -> Iterator[Finding]:
        """Against the first example with this prompt, and against the held-out set."""
        return self.see_all(Batch.of((example,)))

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """The same for many examples."""
        if self._held_out:
            yield from self._against_held_out(batch)
        for same in self.sameness.see(batch):
            if same.clash and answers(same.example):
                yield _clash(same.example, same.clash)

    def merge(self, later: "Contradiction", recall: Recall) -> Iterator[Finding]:
        """Prompts of the next part that stand above already."""
        for same in self.sameness.absorb(later.sameness, recall):
            if same.clash and answers(same.example):
                yield _clash(same.example, same.clash)

    def finish(self) -> Iterable[Finding]:
        """Nothing is left to say."""
        return ()

    def _against_held_out(self, batch: Batch) -> Iterator[Finding]:
        for row, (prompt, output) in enumerate(zip(prompt_keys(batch), output_keys(batch), strict=True)):
            held_out = self._held_out.get(prompt)
            if held_out and held_out[0] != output and answers(batch.example(row)):
                yield _clash(
                    batch.example(row), f"the held-out example {held_out[1].path}:{held_out[1].line}"
                )


def _clash(example: Example, other: str) -> Finding:
    message = f"The same prompt as {other}, with another output."
    advice = "Decide which of the two is right and remove or correct the other."
    place = turn_place(example, last_assistant(example))
    return found("contradiction", Severity.ERROR, place, message, advice)
