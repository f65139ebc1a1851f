"""Which examples are held out: a pure function of their content, so that adding lines never moves an old one."""

import hashlib
from collections.abc import Mapping
from typing import Any

from ftgate.values.dataset import Example

SHARE = 0.15
"""The seed's test split."""


def is_held_out(key: str, share: float, seed: str = "") -> bool:
    """Whether what has this key is held out. Larger shares hold out the same and more."""
    digest = hashlib.sha256(f"{seed}\x1f{key}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def reserve_key(example: Example, line: Mapping[str, Any], field: str) -> str:
    """What decides about an example: its group, else its user turns without case and outer space.

    `field` names the group: a key of the line, or `metadata.key`. Without one, the same question is on one side.
    """
    value = group_of(line, field)
    if value is not None:
        return f"group\x1f{value}"
    return "text\x1f" + " ".join(example.user_text.casefold().split())


def group_of(line: Mapping[str, Any], field: str) -> Any:
    """What a line has under a key, or under `metadata.key`; None where it has nothing."""
    value: Any = line
    for part in field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
