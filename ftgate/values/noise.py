"""How often the gate is wrong where nothing changed, and right where something did: measured, not promised."""

from collections.abc import Mapping

from msgspec import Struct

NOISE_SCHEMA = "ftgate.noise/1"


class Level(Struct, frozen=True, kw_only=True):
    """Candidates of one revision against baselines of the base revision, every pair of two seeds judged.

    `blocked` are the pairs that did not pass, `failed` those that failed; `by_reason` counts the pairs that each
    rule would have blocked by itself. Pairs that share a training are not independent: `candidates` is the number
    of trainings behind them.
    """

    name: str
    candidates: int
    pairs: int
    failed: int
    blocked: int
    by_reason: Mapping[str, int]


class Noise(Struct, frozen=True, kw_only=True):
    """`same` is the base revision against itself: every block in it is a false alarm."""

    schema: str = NOISE_SCHEMA
    base: str
    seeds: tuple[int, ...]
    same: Level
    others: tuple[Level, ...] = ()
