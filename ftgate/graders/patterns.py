"""Patterns in linear time: re2, which knows neither look-around nor back references, and a validator that uses it."""

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

Search = Callable[[str], Any]

LONGEST = 10_000
"""Characters of a pattern."""
_MEMORY = 8 << 20
_BYTE = re.compile(r"(?<!\\)\\(?:\\\\)*C")


class PatternRefused(ValueError):
    """A pattern that re2 does not take; the message says why."""


@lru_cache(maxsize=4096)
def linear(pattern: str, *, ignore_case: bool = False) -> Any:
    """A compiled pattern of re2. Raises PatternRefused, and ImportError without google-re2."""
    re2 = importlib.import_module("re2")
    if len(pattern) > LONGEST:
        raise PatternRefused(f"is longer than {LONGEST:,} characters")
    if _BYTE.search(pattern):
        raise PatternRefused("\\C is one byte, which may be part of a character")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        raise PatternRefused(
            said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        ) from error


def pattern_problems(schema: Any) -> list[str]:
    """What is wrong with the patterns of a JSON Schema."""
    found = sorted(set(_patterns(schema)))
    wrong = []
    for pattern in found:
        try:
            linear(pattern)
        except PatternRefused as error:
            text = f"the pattern {pattern[:80]!r} cannot be searched for in linear time ({error})"
            wrong.append(f"{text}; leave out look-around and back references")
    if _has_empty_enum(schema):
        wrong.append("holds an empty enum, which nothing satisfies")
    if found and _has_key(schema, "patternProperties") and _has_key(schema, "unevaluatedProperties"):
        wrong.append("patternProperties beside unevaluatedProperties is not supported here")
    return wrong


@lru_cache
def linear_validator(kind: Any) -> Any:
    """A validator class of jsonschema whose patterns run on re2."""
    from jsonschema import validators

    return validators.extend(  # type: ignore[no-untyped-call]
        kind,
        {
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": _additional_properties,
        },
    )


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(value, str) and not linear(pattern).search(value):
        yield ValidationError(f"{value[:80]!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, value: Any, _schema: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for pattern, inner in patterns.items():
            for key in filter(linear(pattern).search, value):
                yield from validator.descend(value[key], inner, path=key, schema_path=pattern)


def _additional_properties(validator: Any, inner: Any, value: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not isinstance(value, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [key for key in value if key not in known and not any(linear(p).search(key) for p in patterns)]
    if inner is False and extra:
        verb = "was" if len(extra) == 1 else "were"
        named = ", ".join(map(repr, extra[:5]))
        yield ValidationError(f"Additional properties are not allowed ({named} {verb} unexpected)")
    elif inner is not False:
        for key in extra:
            yield from validator.descend(value[key], inner, path=key)


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(pattern := schema.get("pattern"), str):
            yield pattern
        if isinstance(patterns := schema.get("patternProperties"), Mapping):
            yield from patterns
    for inner in _inner(schema):
        yield from _patterns(inner)


def _has_key(schema: Any, key: str) -> bool:
    here = isinstance(schema, Mapping) and key in schema
    return here or any(_has_key(inner, key) for inner in _inner(schema))


def _has_empty_enum(schema: Any) -> bool:
    here = isinstance(schema, Mapping) and schema.get("enum") == []
    return here or any(_has_empty_enum(inner) for inner in _inner(schema))


def _inner(schema: Any) -> Iterable[Any]:
    if isinstance(schema, Mapping):
        return schema.values()
    return schema if isinstance(schema, (list, tuple)) else ()
