"""Examples side by side, field by field: what checks look through when there are very many."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place

Recall = Callable[[str, int, int], Example]
"""Reads one example again: path, line, byte offset."""


class Batch:
    """Adjacent examples of one file.

    A *plain* example is nothing but turns with a role and a text: `roles` and `texts` hold them and nothing else is
    built. `roles` is None for any other example; `example(row)` gives every one whole. `memo` keeps what several checks
    ask of the same rows. `block` is what the plain rows were read from, and more, and its offset in the file.
    """

    __slots__ = (
        "_examples",
        "block",
        "format",
        "lines",
        "memo",
        "offsets",
        "path",
        "roles",
        "start",
        "texts",
    )

    def __init__(self, path: str, format: Format | None = None) -> None:
        self.path = path
        self.lines: list[int] = []
        self.offsets: list[int] = []
        self.roles: list[tuple[str, ...] | None] = []
        self.texts: list[list[str]] = []
        self.memo: dict[str, Any] = {}
        self.format = format
        self.block = b""
        self.start = 0
        self._examples: dict[int, Example] = {}

    @classmethod
    def of(cls, examples: Iterable[Example]) -> "Batch":
        """Examples that are whole already."""
        batch = cls("")
        for example in examples:
            batch.add(example)
        return batch

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def whole(self) -> list[int]:
        """Rows that are not plain: they may have tools, calls, and words about where they come from."""
        known: list[int] | None = self.memo.get("whole")
        if known is None:
            known = self.memo["whole"] = (
                [row for row, roles in enumerate(self.roles) if roles is None] if None in self.roles else []
            )
        return known

    @property
    def flat(self) -> list[str]:
        """The texts of all plain rows, one after the other."""
        known: list[str] | None = self.memo.get("flat")
        if known is None:
            known = self.memo["flat"] = list(chain.from_iterable(self.texts))
        return known

    @property
    def utf8(self) -> list[bytes]:
        """`flat` as bytes."""
        known: list[bytes] | None = self.memo.get("utf8")
        if known is None:
            known = self.memo["utf8"] = list(map(str.encode, self.flat))
        return known

    def add(self, example: Example) -> None:
        """One more row, whole."""
        self.path = self.path or example.place.path
        self._examples[len(self.lines)] = example
        self.lines.append(example.place.line)
        self.offsets.append(example.place.byte_offset)
        self.roles.append(None)
        self.texts.append([])
        self.memo.clear()

    def extend(
        self,
        first: int,
        offsets: list[int],
        rows: tuple[Iterable[tuple[str, ...]], Iterable[list[str]], list[bytes] | None],
    ) -> None:
        """More rows, plain ones, of adjacent lines: their roles, their texts, and those as bytes where they are
        known already."""
        roles, texts, utf8 = rows
        if utf8 is not None and not self.texts:
            self.memo["utf8"] = utf8
        else:
            self.memo.clear()
        self.lines.extend(range(first, first + len(offsets)))
        self.offsets.extend(offsets)
        self.roles.extend(roles)
        self.texts.extend(texts)

    def example(self, row: int) -> Example:
        """The example of a row."""
        example = self._examples.get(row)
        if example is None:
            assert self.format is not None
            example = self._examples[row] = Example(
                place=self.place(row),
                format=self.format,
                messages=tuple(
                    Message(role=role, content=text)
                    for role, text in zip(self.roles[row] or (), self.texts[row], strict=True)
                ),
            )
        return example

    def place(self, row: int) -> Place:
        """Where the example of a row stands."""
        return Place(path=self.path, line=self.lines[row], byte_offset=self.offsets[row])
