"""Types of what _plain.c makes."""

from collections.abc import Callable
from typing import Any

Order = tuple[str, ...]
Form = tuple[bytes, bytes, bytes, tuple[tuple[bytes, str], ...]]
Columns = tuple[list[Order], list[str], list[int], list[bytes], list[bytes], list[int]]

def block(
    form: Form, known: dict[Order, Order], block: bytes, at: int, /
) -> tuple[Columns, list[int], int]: ...
def accepted(
    names: tuple[str, str, str], roles: list[Order], flat: list[str], accepts: Callable[[Any], bool], /
) -> int: ...
