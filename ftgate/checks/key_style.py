"""How the keys of JSON are spelled."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

KeyStyle = Literal["snake_case", "camelCase", "kebab-case"]
STYLES: tuple[KeyStyle, ...] = ("snake_case", "camelCase", "kebab-case")

_JOINTS = {"snake_case": "_", "camelCase": "", "kebab-case": "-"}
_PREFIX = "_$@"
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+|[^\W_A-Za-z0-9]+")


def fits(key: str, style: KeyStyle) -> bool:
    """Whether a key is spelled so. Keys without letters are data, and a leading _, $ or @ is free."""
    bare, joint = key.lstrip(_PREFIX), _JOINTS[style]
    if not any(char.isalpha() for char in bare):
        return True
    if not all(char.isalnum() or char == joint for char in bare):
        return False
    return not bare[0].isupper() if style == "camelCase" else not any(char.isupper() for char in bare)


def spell(key: str, style: KeyStyle) -> str:
    """The key in a style; "" when no words are found in it."""
    words = [word.lower() for word in _WORDS.findall(key)]
    if style == "camelCase":
        return "".join(words[:1] + [word.capitalize() for word in words[1:]])
    return _JOINTS[style].join(words)


@lru_cache(maxsize=4096)
def telling_style(key: str) -> KeyStyle | None:
    """The one style that a key fits; None when it fits several ("id") or none."""
    styles = [style for style in STYLES if fits(key, style)]
    return styles[0] if len(styles) == 1 else None


def keys_of(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Every key at any depth with its JSON Pointer."""
    if isinstance(value, dict):
        for key, item in value.items():
            inner = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            yield inner, key
            yield from keys_of(item, inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from keys_of(item, f"{pointer}/{index}")
