"""A blinded reading by a person: completions of base and candidate in random order, would you ship this."""

from typing import Literal

from msgspec import Struct

VOTES_SCHEMA = "ftgate.votes/1"

Vote = Literal["ship", "no"]


class Card(Struct, frozen=True, kw_only=True):
    """One completion as it is shown. `arm` is sealed: it stands in the key and never on the page."""

    number: int
    prompt: str
    arm: str


class Key(Struct, frozen=True, kw_only=True):
    """What opens a sheet: whose completion each card was. `salt` makes its digest tell nothing.

    `evaluation` is the digest of the evaluation that the completions come from.
    """

    evaluation: str
    salt: str
    cards: tuple[Card, ...]


class Votes(Struct, frozen=True, kw_only=True):
    """What the page exports. `sheet` is the digest of the key, which was sealed before the first vote."""

    schema: str
    sheet: str
    by: str
    votes: dict[str, Vote]


class Tally(Struct, frozen=True, kw_only=True):
    """Votes on the completions of one arm; the rest of `shown` was not voted on."""

    shown: int
    ship: int
    no: int


class SpotCheck(Struct, frozen=True, kw_only=True):
    """A reading, opened. `unshippable` are the prompts whose candidate completion the reader would not ship."""

    sheet: str
    by: str
    candidate: Tally
    base: Tally
    unshippable: tuple[str, ...]
