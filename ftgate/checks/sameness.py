"""Which examples have the same prompt, and the same output too, in few bytes an example.

Prompts are told apart by 128 bits and outputs by 64 more, so that nothing has to be read again to confirm: checks see
every line once and never open a file. xxh3 is no cryptographic digest; somebody who builds a collision into a pull
request gains a finding about that pull request, and nothing else is decided by it.
"""

from array import array
from typing import Any

from msgspec import Struct

from ftgate.checks.places import Places
from ftgate.checks.rows import output_keys, prompt_keys
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example

_SMALLEST = 1 << 10


class Same(Struct, frozen=True):
    """An example has the prompt of an earlier one.

    `clash` names the first with this prompt where the outputs differ, and is "" where they do not; `again` names the
    first with this prompt and this output, and is "" where there is none.
    """

    example: Example
    clash: str
    again: str


class Sameness:
    """Keeps 32 bytes an example, and 8 to 16 in the table that finds them by prompt."""

    def __init__(self) -> None:
        self._prompts = array("Q")  # two for every example
        self._outputs, self._kept = array("Q"), array("Q")
        self._places = Places()
        self._table = array("I", (0,)) * _SMALLEST
        self._variants: dict[tuple[int, int], int] = {}
        self._offsets: array[int] | None = None
        self._seen: tuple[Any, list[Same]] = (None, [])

    def remember_only(self) -> None:
        """For a part of the data: nothing is told, and 8 bytes more an example are kept to find it again."""
        self._offsets = array("Q")

    def absorb(self, part: "Sameness", recall: Recall) -> list[Same]:
        """What is the same as before in a part that was only remembered."""
        if self._seen[0] is not part:
            assert part._offsets is not None
            start = len(self._kept)
            self._prompts.extend(part._prompts)
            self._outputs.extend(part._outputs)
            self._kept.extend(self._places.adopt(part._places, part._kept))
            found = []
            for at, first in self._find(start):
                place = self._places.place(self._kept[at])
                example = recall(place.path, place.line, part._offsets[at - start])
                found.append(self._same(example, at, first))
            self._seen = (part, found)
        return self._seen[1]

    def see(self, batch: Batch) -> list[Same]:
        """What is the same as before. Several checks ask about the same batch, one after the other."""
        if self._seen[0] is not batch:
            if self._offsets is not None:
                self._offsets.extend(batch.offsets)
            start = len(self._kept)
            self._prompts.frombytes(b"".join(prompt_keys(batch)))
            self._outputs.extend(output_keys(batch))
            self._kept.extend(self._places.keep_lines(batch.path, batch.lines))
            repeats = self._find(start) if self._offsets is None else ()
            self._seen = (batch, [self._same(batch.example(at - start), at, first) for at, first in repeats])
        return self._seen[1]

    def _find(self, start: int) -> list[tuple[int, int]]:
        """Examples from `start` on that have the prompt of an earlier one, with the first that has it."""
        repeats: list[tuple[int, int]] = []
        if 2 * len(self._kept) > len(self._table):
            size = len(self._table)
            while size < 3 * len(self._kept):
                size *= 2
            self._table = array("I", (0,)) * size
            start, begin = 0, start  # all go into the larger table; those before `begin` were told already
        else:
            begin = start
        prompts, table, mask = self._prompts, self._table, len(self._table) - 1
        for at, low in enumerate(prompts[2 * start :: 2], start):
            slot = low & mask
            while other := table[slot]:
                if prompts[2 * other - 2] == low and prompts[2 * other - 1] == prompts[2 * at + 1]:
                    if at >= begin:
                        repeats.append((at, other - 1))
                    break
                slot = slot + 1 & mask
            else:
                table[slot] = at + 1
        return repeats

    def _same(self, example: Example, at: int, first: int) -> Same:
        name = self._places.name
        output = self._outputs[at]
        if output == self._outputs[first]:
            return Same(example, "", name(self._kept[first]))
        again = self._variants.setdefault((first, output), at)
        return Same(example, name(self._kept[first]), name(self._kept[again]) if again != at else "")
