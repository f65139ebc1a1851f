"""The repository's own JSON Schema for examples: asked of every line, beside the format that the line has.

Nothing is fetched: references stay in the schema. Patterns take linear time: they run on re2, and one that re2 does not
know (look-around, back references) is refused. jsonschema-rs, when it is installed, says quickly that a line fits;
jsonschema says what does not, and has the last word.
"""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from ftgate.edges.json_scan import child, clip
from ftgate.edges.misfit import Misfit
from ftgate.errors import SettingsError
from ftgate.graders.patterns import linear, pattern_problems

MAX_ERRORS = 100
"""Errors of one line that are told."""
_DRAFTS = ("draft-07/schema", "draft/2019-09/schema", "draft/2020-12/schema")


class ExampleSchema:
    """Says of a value whether it fits, and what does not. Draft 2020-12 unless `$schema` says 2019-09 or 07."""

    def __init__(self, path: str, content: bytes) -> None:
        """Raises SettingsError for what is no schema, or one that could fetch or take for ever."""
        self.path = path
        self._schema = _read(path, content)
        self._validator = self._explaining()
        self.surely_accepts = self._compiled()

    def __reduce__(self) -> tuple[Any, ...]:
        return ExampleSchema, (self.path, json.dumps(self._schema).encode())

    def accepts(self, value: Any) -> bool:
        """Whether a parsed line fits."""
        return self.surely_accepts(value) or next(self._validator.iter_errors(value), None) is None

    def misfits(self, value: Any) -> Iterator[Misfit]:
        """Everything that does not fit, each at its place."""
        for error in islice(self._validator.iter_errors(value), MAX_ERRORS):
            pointer = ""
            for part in error.absolute_path:
                pointer = child(pointer, part)
            advice = f"The schema is {self.path}."
            yield Misfit(pointer, f"Does not fit the schema: {clip(error.message, 200)}.", advice)

    def _compiled(self) -> Callable[[Any], bool]:
        try:
            rs = importlib.import_module("jsonschema_rs")
        except ImportError:
            return lambda value: False
        compiled = rs.validator_for(
            self._schema, validate_formats=False, retriever=_refuse, pattern_options=rs.RegexOptions()
        )
        accepts: Callable[[Any], bool] = compiled.is_valid
        return accepts

    def _explaining(self) -> Any:
        from jsonschema import validators
        from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

        kind = validators.validator_for(self._schema, default=validators.Draft202012Validator)
        linear = validators.extend(  # type: ignore[no-untyped-call]
            kind,
            {
                "pattern": self._pattern,
                "patternProperties": self._pattern_properties,
                "additionalProperties": self._additional_properties,
            },
        )
        return linear(self._schema, registry=REGISTRY)

    def _pattern(self, _validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[Any]:
        from jsonschema import ValidationError

        if isinstance(value, str) and not linear(pattern).search(value):
            yield ValidationError(f"{clip(value)!r} does not match {pattern!r}")

    def _pattern_properties(self, validator: Any, patterns: Any, value: Any, _schema: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            for pattern, inner in patterns.items():
                for key in filter(linear(pattern).search, value):
                    yield from validator.descend(value[key], inner, path=key, schema_path=pattern)

    def _additional_properties(self, validator: Any, inner: Any, value: Any, schema: Any) -> Iterator[Any]:
        from jsonschema import ValidationError

        if not isinstance(value, dict):
            return
        known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for key in value:
            if key not in known and not any(linear(pattern).search(key) for pattern in patterns):
                if inner is False:
                    yield ValidationError(f"the key {clip(key)!r} is not expected", path=(key,))
                else:
                    yield from validator.descend(value[key], inner, path=key)


def _read(path: str, content: bytes) -> Mapping[str, Any] | bool:
    from ftgate.graders.json_schema import problems

    try:
        schema = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: not JSON: {error}") from error
    if isinstance(schema, bool) or not isinstance(schema, dict):
        raise SettingsError(f"{path}: not a JSON Schema of examples: it is no object")
    dialect = schema.get("$schema", _DRAFTS[-1])
    if not isinstance(dialect, str) or not dialect.rstrip("#").endswith(_DRAFTS):
        raise SettingsError(
            f"{path}: $schema is not one that is known here", advice="Known: draft 2020-12, 2019-09 and 07."
        )
    _patterns(path, schema)
    if wrong := problems(schema):
        raise SettingsError("\n".join(f"{path}: {problem}" for problem in wrong))
    return schema


def _patterns(path: str, schema: Any) -> None:
    """Raises SettingsError for patterns that take more than linear time, and where there is no engine for any."""
    try:
        wrong = pattern_problems(schema)
    except ImportError as error:
        raise SettingsError(
            "patterns of a schema need google-re2, which is not installed", advice="pip install google-re2"
        ) from error
    if wrong:
        raise SettingsError("\n".join(f"{path}: {problem}" for problem in wrong))


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is not in the schema; nothing else is read")
