"""Examples side by side, field by field: what checks look through when there are very many."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place

Recall = Callable[[str, int, int], Example]
"""Reads one example again: path, line, byte offset."""


class Rows(NamedTuple):
    """Plain examples side by side, column by column.

    `roles` of each, all texts in a row in `flat`, and where those of each end in `ends`. `prompts` are the texts before
    the last one without outer white space, with a NUL between them, `replies` the last one as it is, both in UTF-8.
    Rows that are not in `edges` surely have neither an empty text nor outer white space.
    """

    roles: list[tuple[str, ...]]
    flat: list[str]
    ends: list[int]
    prompts: list[bytes]
    replies: list[bytes]
    edges: list[int]

    @classmethod
    def none(cls) -> "Rows":
        """No rows."""
        return cls([], [], [], [], [], [])

    def first(self, count: int) -> "Rows":
        """The first of them."""
        texts = self.ends[count - 1] if count else 0
        return Rows(
            self.roles[:count],
            self.flat[:texts],
            self.ends[:count],
            self.prompts[:count],
            self.replies[:count],
            [row for row in self.edges if row < count],
        )

    def add(self, roles: tuple[str, ...], texts: list[str]) -> None:
        """One more."""
        self.edges.append(len(self.roles))
        self.roles.append(roles)
        self.flat.extend(texts)
        self.ends.append(len(self.flat))
        self.prompts.append(bare_prompt(texts))
        self.replies.append(texts[-1].encode())


def bare_prompt(texts: list[str]) -> bytes:
    """All texts of an example but the last, without outer white space, with a NUL between them: no text has one."""
    return "\0".join(map(str.strip, texts[:-1])).encode()


class Batch:
    """Adjacent examples of one file.

    A *plain* example is nothing but turns with a role and a text: `roles` has its roles, `flat` the texts of all plain
    rows one after the other, and `ends` where those of each row end; `prompts`, `replies` and `edges` as in Rows.
    `roles` is None for any other example, which has no texts here; `example(row)` gives every one whole. `memo` keeps
    what several checks ask of the same rows. `block` is what the plain rows were read from, and more, and `start` its
    offset in the file.
    """

    __slots__ = (
        "_examples",
        "block",
        "edges",
        "ends",
        "flat",
        "format",
        "lines",
        "memo",
        "offsets",
        "path",
        "prompts",
        "replies",
        "roles",
        "start",
    )

    def __init__(self, path: str, format: Format | None = None) -> None:
        self.path = path
        self.lines: list[int] = []
        self.offsets: list[int] = []
        self.roles: list[tuple[str, ...] | None] = []
        self.flat: list[str] = []
        self.ends: list[int] = []
        self.prompts: list[bytes] = []
        self.replies: list[bytes] = []
        self.edges: list[int] = []
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
    def begins(self) -> list[int]:
        """Where the texts of each row begin in `flat`."""
        known: list[int] | None = self.memo.get("begins")
        if known is None:
            known = self.memo["begins"] = [0, *self.ends[:-1]] if self.ends else []
        return known

    @property
    def texts(self) -> list[list[str]]:
        """The texts of each row; none of one that is not plain."""
        known: list[list[str]] | None = self.memo.get("texts")
        if known is None:
            flat = self.flat
            known = self.memo["texts"] = [
                flat[begin:end] for begin, end in zip(self.begins, self.ends, strict=True)
            ]
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
        self.ends.append(len(self.flat))
        self.prompts.append(b"")
        self.replies.append(b"")
        self.memo.clear()

    def extend(self, first: int, offsets: list[int], rows: Rows) -> None:
        """More rows, plain ones, of adjacent lines."""
        above, texts = len(self.lines), len(self.flat)
        self.memo.clear()
        self.lines.extend(range(first, first + len(offsets)))
        self.offsets.extend(offsets)
        self.roles.extend(rows.roles)
        self.flat.extend(rows.flat)
        self.ends.extend([texts + end for end in rows.ends] if texts else rows.ends)
        self.prompts.extend(rows.prompts)
        self.replies.extend(rows.replies)
        self.edges.extend([above + row for row in rows.edges] if above else rows.edges)

    def example(self, row: int) -> Example:
        """The example of a row."""
        example = self._examples.get(row)
        if example is None:
            assert self.format is not None
            begin = self.ends[row - 1] if row else 0
            texts = self.flat[begin : self.ends[row]]
            example = self._examples[row] = Example(
                place=self.place(row),
                format=self.format,
                messages=tuple(
                    Message(role=role, content=text)
                    for role, text in zip(self.roles[row] or (), texts, strict=True)
                ),
            )
        return example

    def place(self, row: int) -> Place:
        """Where the example of a row stands."""
        return Place(path=self.path, line=self.lines[row], byte_offset=self.offsets[row])
