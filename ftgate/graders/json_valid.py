"""The completion is JSON, and nothing else stands around it."""

from collections.abc import Mapping
from typing import Any

from ftgate.graders.base import failed, passed, show, show_type, strict_json, unknown_keys
from ftgate.values.evaluation import Completion, Grade, Prompt

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "number": "a number",
    "boolean": "a truth value",
    "null": "nothing",
}


def problems(argument: Any) -> list[str]:
    """The argument is true, or a mapping of type: object, array, string, number, boolean or null."""
    if argument is True:
        return []
    if argument is False:
        return ["must be true; write not: {json_valid: true} for text that is no JSON"]
    if not isinstance(argument, Mapping):
        return [f"must be true or a mapping with type, not {show_type(argument)}"]
    wrong = unknown_keys(argument, ("type",))
    kind = argument.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        wrong.append(f"type: must be one of {', '.join(_TYPES)}, not {show(str(kind))}")
    return wrong


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Strict: no duplicate keys, no NaN, no fence, no second value."""
    try:
        value = strict_json(completion.text)
    except ValueError as error:
        return failed("json_valid", f"is not JSON: {error}")
    if isinstance(argument, Mapping) and show_type(value) != _TYPES[argument["type"]]:
        return failed("json_valid", f"is {show_type(value)}, not a JSON {argument['type']}")
    return passed("json_valid", "is JSON")
