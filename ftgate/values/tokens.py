"""How long an example is for the model that is trained."""

from collections.abc import Callable

from msgspec import Struct

from ftgate.values.dataset import Example

LONGEST = 2048
"""Tokens of an example at most, unless the settings or the model say otherwise. The seed's recipe."""


class Counted(Struct, frozen=True, kw_only=True):
    """Tokens of an example with its template, those of them that carry loss, and those that still do when the example
    is cut at the limit."""

    tokens: int
    trained: int
    kept: int


class Meter(Struct, frozen=True, kw_only=True):
    """What can count tokens, and the limit. `count` returns a reason where an example cannot be rendered."""

    limit: int
    count: Callable[[Example], Counted | str]
