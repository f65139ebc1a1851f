"""The schemas that a line brings for its tools, made harmless: they come with the data, so nobody has vouched for them.

References are written out once, within a budget, so that no schema can make checking explode or fetch anything;
patterns are left out, because their engine can be made to run for ever.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ftgate.checks.turns import text_key

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_BUDGET = 5000
_MOST = 1000
"""Different schemas that are kept."""
_HOLDS_SCHEMAS = ("properties", "dependentSchemas")
_DROPPED = ("pattern", "patternProperties", "$defs", "definitions", "$dynamicRef", "$id", "$anchor", "format")
_DATA = ("const", "enum", "default", "examples", "required")


class TooMuch(Exception):
    """A schema that refers to itself, to the outside, or is very large."""


def parameters_of(tools: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    """The parameters of the tool of this name; {} where it declares none, None where there is no such tool."""
    for tool in tools:
        function = tool.get("function", tool)
        if isinstance(function, Mapping) and function.get("name") == name:
            parameters = function.get("parameters", function.get("input_schema"))
            return parameters if isinstance(parameters, Mapping) else {}
    return None


class ToolSchemas:
    """Validators by schema; None for a schema that cannot be used, with the reason in `unusable`."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Draft202012Validator | None, str]] = {}

    def validator(self, schema: Mapping[str, Any]) -> "tuple[Draft202012Validator | None, str]":
        """A validator, or None and why not."""
        key = text_key(json.dumps(schema, sort_keys=True))
        if key not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = _compile(schema)
        return self._known[key]


def _compile(schema: Mapping[str, Any]) -> "tuple[Draft202012Validator | None, str]":
    import jsonschema

    try:
        plain = _Harmless(schema).schema
        jsonschema.Draft202012Validator.check_schema(plain)
    except TooMuch as exc:
        return None, str(exc)
    except jsonschema.SchemaError as exc:
        return None, f"it is no valid JSON Schema: {exc.message[:120]}"
    return jsonschema.Draft202012Validator(plain), ""


class _Harmless:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _BUDGET
        self.schema = self._plain(root, ())

    def _plain(self, schema: Any, path: tuple[str, ...]) -> Any:
        self._left -= 1
        if self._left < 0:
            raise TooMuch("it is very large")
        if isinstance(schema, list):
            return [self._plain(item, path) for item in schema]
        if not isinstance(schema, Mapping):
            return schema
        plain: dict[str, Any] = {}
        for key, value in schema.items():
            if key == "$ref":
                plain.setdefault("allOf", []).append(self._target(str(value), path))
            elif key == "allOf" and isinstance(value, list):
                plain.setdefault("allOf", []).extend(self._plain(value, path))
            elif key not in _DROPPED:
                plain[key] = self._keyword(key, value, path)
        if "patternProperties" in schema:  # what it allows is not known any more
            plain.pop("additionalProperties", None)
            plain.pop("unevaluatedProperties", None)
        return plain

    def _keyword(self, key: str, value: Any, path: tuple[str, ...]) -> Any:
        if key in _DATA:
            return value
        if key in _HOLDS_SCHEMAS and isinstance(value, Mapping):
            return {name: self._plain(inner, path) for name, inner in value.items()}
        return self._plain(value, path)

    def _target(self, reference: str, path: tuple[str, ...]) -> Any:
        if not reference.startswith("#"):
            raise TooMuch("it refers to the outside, and nothing is fetched")
        if reference in path:
            raise TooMuch("it refers to itself")
        found: Any = self._root
        for part in reference.removeprefix("#").removeprefix("/").split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            if part and not (isinstance(found, Mapping) and part in found):
                raise TooMuch(f"there is no {reference[:60]} in it")
            found = found[part] if part else found
        return self._plain(found, (*path, reference))
