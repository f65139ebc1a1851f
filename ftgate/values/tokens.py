"""How long an example is for the model that is trained."""

from collections.abc import Callable

from msgspec import Struct

from ftgate.values.dataset import Example

LONGEST = 2048
"""Tokens of an example at most, unless the settings or the model say otherwise. The seed's recipe."""


class Counted(Struct, frozen=True, kw_only=True):
    """Tokens of an example with its template, those of them that carry loss, and those that still do when the example
    is cut at the limit.

    Of several `rows` (TokenSurvey says when) `tokens` is the longest one, and `over` have more than the limit.
    """

    tokens: int
    trained: int
    kept: int
    rows: int = 1
    over: int = 1


class TokenSurvey(Struct, frozen=True, kw_only=True):
    """What a dataset is for the trainer: token ids and labels, told as numbers.

    `sha256` (64 hex digits) covers ids and labels of all examples in order. `tokens` and `trained` count, for each
    example in order, its tokens and those that carry loss; both are 0 for one of `refused`, which names the index of
    an example that cannot be rendered and the reason. `unstopped` are indexes of examples in which a trained turn has
    no end-of-turn token inside the loss. `template_sha256` is that of the chat template. Where `exact` is False there
    is no tokenizer, and the counts are estimates from bytes.

    An example becomes several rows where the template renders earlier turns otherwise than the last one: `rows` says
    how many, `longest` how many tokens the longest of them has, and `tokens` counts all of them. Both are empty where
    every example is one row.
    """

    sha256: str
    tokens: tuple[int, ...]
    trained: tuple[int, ...]
    unstopped: tuple[int, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()
    template_sha256: str = ""
    exact: bool = True
    longest: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()

    @property
    def widths(self) -> tuple[int, ...]:
        """Tokens of the longest row of each example: what must fit into max_length."""
        return self.longest or self.tokens

    @property
    def row_counts(self) -> tuple[int, ...]:
        """Rows of each example: what optimiser steps are counted in."""
        return self.rows or tuple(1 for _ in self.tokens)


class Stretch(Struct, frozen=True, kw_only=True):
    """Tokens in a row that are alike: their text, whether they carry loss, whether a generation ends at them, and
    whether they stand behind the limit."""

    text: str
    tokens: int
    trained: bool = False
    stop: bool = False
    beyond: bool = False


class SeenRow(Struct, frozen=True, kw_only=True):
    """One row as the trainer sees it."""

    tokens: int
    trained: int
    stretches: tuple[Stretch, ...]


class Seen(Struct, frozen=True, kw_only=True):
    """One example as the trainer sees it; without rows where it cannot be trained, and `refused` says why.

    `stopped` is whether every trained turn ends in a token at which a generation ends.
    """

    path: str
    line: int
    rows: tuple[SeenRow, ...] = ()
    refused: str = ""
    stopped: bool = True


class Meter(Struct, frozen=True, kw_only=True):
    """What can count tokens, and the limit. `count` returns a reason where an example cannot be rendered."""

    limit: int
    count: Callable[[Example], Counted | str]
