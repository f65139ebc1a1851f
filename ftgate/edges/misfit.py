"""One thing that does not fit, and how it is said: shared by everything that judges a line."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from ftgate.edges.json_scan import child, clip

_ALIASES = {"human": "user", "gpt": "assistant", "bot": "assistant", "model": "assistant", "ai": "assistant"}
_ALIASES |= {"developer": "system", "function": "tool", "observation": "tool"}
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (str, "a string"),
    (dict, "an object"),
    (list, "a list"),
    (int, "a number"),
    (float, "a number"),
)


class Misfit(Struct, frozen=True):
    """One thing that does not fit the format, at a JSON Pointer."""

    pointer: str
    message: str
    advice: str = ""


def unknown(
    value: Mapping[str, Any], pointer: str, known: tuple[str, ...], advice: str = ""
) -> Iterator[Misfit]:
    """Keys that a place does not have."""
    for key in value:
        if key not in known:
            near = meant(key, known)
            hint = f"Did you mean {near}?" if near else advice or f"Known keys: {', '.join(known)}."
            yield Misfit(child(pointer, key), f'The key "{clip(key)}" is unknown here.', hint)


def meant(word: str, known: tuple[str, ...]) -> str | None:
    """The known word that was probably meant."""
    folded = word.casefold().strip()
    if folded in known:
        return folded
    if (alias := _ALIASES.get(folded, folded)) in known:
        return alias
    return next(iter(difflib.get_close_matches(folded[:100], known, n=1, cutoff=0.75)), None)


def bad_role(pointer: str, role: Any, roles: tuple[str, ...]) -> Misfit:
    """Says which roles there are."""
    if not isinstance(role, str):
        return expected(pointer, "a string", role)
    near = meant(role, roles)
    advice = f'Did you mean "{near}"?' if near else f"Roles: {', '.join(roles)}."
    return Misfit(pointer, f'The role "{clip(role)}" is unknown.', advice)


def string(value: Mapping[str, Any], key: str, pointer: str) -> Iterator[Misfit]:
    """A key that must be there and hold a text."""
    if key not in value:
        yield Misfit(pointer, f"The key {key} is missing.", f"Add {key}, or remove the line.")
    elif not isinstance(value[key], str):
        yield expected(f"{pointer}/{key}", "a string", value[key])


def objects(items: Any, pointer: str, *, filled: bool = False) -> Iterator[Misfit]:
    """What must be a list of objects; `filled`: of one at least."""
    if not isinstance(items, list):
        yield expected(pointer, "a list of objects", items)
        return
    if filled and not items:
        yield Misfit(pointer, "The list is empty.", "Leave the key out.")
    for i, item in enumerate(items):
        if not isinstance(item, dict):
            yield expected(f"{pointer}/{i}", "an object", item)


def expected(pointer: str, wanted: str, value: Any) -> Misfit:
    """Another type was wanted."""
    found = next((name for kind, name in _KINDS if isinstance(value, kind)), "null")
    advice = ""
    if wanted == "a string" and value is not None:
        is_nested = isinstance(value, dict | list)
        advice = "Write the JSON as text, in a string." if is_nested else "Write it in double quotes."
    return Misfit(pointer, f"Found {found}, expected {wanted}.", advice)
