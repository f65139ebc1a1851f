"""The completion is a JSON object whose named fields have these values; other fields are not looked at."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ftgate.graders.base import failed, is_json, passed, same_json, show, show_type, strict_json
from ftgate.values.evaluation import Completion, Grade, Prompt


def problems(argument: Any) -> list[str]:
    """The argument maps field names to the JSON values that they must have."""
    if not isinstance(argument, Mapping):
        return [f"must map fields to values, not be {show_type(argument)}"]
    if not argument:
        return ["names no field, which every completion would satisfy"]
    names = [
        f"field {name!r} must be a text; put it in quotes" for name in argument if not isinstance(name, str)
    ]
    values = [
        f"field {name!r} has {show_type(value)} that JSON cannot say; put it in quotes"
        for name, value in argument.items()
        if not is_json(value)
    ]
    return names + values


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Compares as JSON values. The score is the share of fields that are right; each field's own is recorded."""
    wrong: dict[str, str] = {}
    try:
        value = strict_json(completion.text)
    except ValueError as error:
        return _scored(failed("json_fields", f"is not JSON: {error}"), argument, set(argument))
    if not isinstance(value, dict):
        given = failed("json_fields", f"is {show_type(value)}, not a JSON object")
        return _scored(given, argument, set(argument))
    wrong = {name: text for name, expected in argument.items() if (text := _wrong(name, expected, value))}
    if wrong:
        given = failed("json_fields", "; ".join(wrong.values()), 1 - len(wrong) / len(argument))
    else:
        given = passed("json_fields", f"{len(argument)} of {len(argument)} fields are right")
    return _scored(given, argument, set(wrong))


def _scored(given: Grade, argument: Mapping[str, Any], wrong: set[str]) -> Grade:
    scores = {name: 0.0 if name in wrong else 1.0 for name in argument}
    return msgspec.structs.replace(given, fields=scores)


def _wrong(name: str, expected: Any, value: dict[str, Any]) -> str:
    if name not in value:
        return f"{name} is missing, expected {show(expected)}"
    if same_json(value[name], expected):
        return ""
    return f"{name} is {show(value[name])}, expected {show(expected)}"
