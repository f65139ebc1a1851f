"""How requests go wrong, planned by call index (from 0) or by method and turn (from 1)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

Fault = Literal[
    "502", "502-after", "reset", "reset-after", "truncated", "hang", "hang-after", "403", "primary", "secondary", "html"
]  # fmt: skip
FAULTS: tuple[Fault, ...] = get_args(Fault)
OBEYED = ("502-after", "reset-after", "truncated", "hang-after")
"""Faults of requests that were obeyed: only the answer is lost."""


@dataclass
class Plan:
    """Which call fails and how; `before` runs just before a call is answered, e.g. to move a head."""

    calls: dict[int, Fault] = field(default_factory=dict)
    turns: dict[tuple[str, int], Fault] = field(default_factory=dict)
    always: dict[str, Fault] = field(default_factory=dict)
    """By method, on every call."""
    before: dict[int, Callable[[], object]] = field(default_factory=dict)
    hang_seconds: float = 3.0
    retry_after: int = 3600

    def of(self, index: int, method: str, turn: int) -> Fault | None:
        return self.calls.get(index) or self.turns.get((method, turn)) or self.always.get(method)
