"""contradiction: the same prompt with two outputs. The seed, curation 2: no two examples with the same input and
different outputs."""

from collections.abc import Iterable, Iterator

from ftgate.checks.base import Context
from ftgate.checks.places import Places
from ftgate.checks.turns import last_assistant, output_key, prompt_key, turn_place
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Severity, found


class Contradiction:
    """Outputs are compared as JSON values where they are JSON. Keeps two digests and a place per prompt."""

    def __init__(self, context: Context) -> None:
        self._places = Places()
        self._seen: dict[bytes, tuple[bytes, int]] = {}
        self._held_out = {prompt_key(e): (output_key(e), e.place) for e in context.held_out if e.prompt}

    def see(self, example: Example) -> Iterator[Finding]:
        """Against the first example with this prompt, and against the held-out set."""
        if not example.prompt or len(example.prompt) == len(example.messages):
            return
        prompt, output = prompt_key(example), output_key(example)
        held_out = self._held_out.get(prompt)
        if held_out and held_out[0] != output:
            where = f"{held_out[1].path}:{held_out[1].line}"
            yield _clash(example, f"the held-out example {where}")
        first = self._seen.get(prompt)
        if first is None:
            self._seen[prompt] = (output, self._places.keep(example.place))
        elif first[0] != output:
            yield _clash(example, self._places.name(first[1]))

    def finish(self) -> Iterable[Finding]:
        """Nothing is left to say."""
        return ()


def _clash(example: Example, other: str) -> Finding:
    message = f"The same prompt as {other}, with another output."
    advice = "Decide which of the two is right and remove or correct the other."
    place = turn_place(example, last_assistant(example))
    return found("contradiction", Severity.ERROR, place, message, advice)
