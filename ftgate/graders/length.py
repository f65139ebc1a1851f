"""The completion is neither too long nor too short, in characters, words or tokens."""

from collections.abc import Mapping
from typing import Any

from ftgate.graders.base import failed, passed, show_type, unknown_keys
from ftgate.values.evaluation import Completion, Grade, Prompt

_UNITS = ("characters", "words", "tokens")


def problems(argument: Any) -> list[str]:
    """The argument maps characters, words or tokens to a mapping of min and max, whole numbers, both included.

    Words are what white space parts, so a text without spaces is one; characters are those of the stripped text.
    """
    if not isinstance(argument, Mapping):
        return [f"must be a mapping of {', '.join(_UNITS)} to min and max, not {show_type(argument)}"]
    wrong = unknown_keys(argument, _UNITS)
    if not argument:
        wrong.append("is empty, which every completion would satisfy")
    return wrong + [
        f"{unit}: {text}" for unit in _UNITS if unit in argument for text in _bounds(argument[unit])
    ]


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Every unit counts."""
    measures = {
        "characters": len(completion.text.strip()),
        "words": len(completion.text.split()),
        "tokens": completion.tokens,
    }
    wrong = []
    for unit, bounds in argument.items():
        if measures[unit] < bounds.get("min", 0):
            wrong.append(f"has {measures[unit]:,} {unit}, at least {bounds['min']:,} expected")
        if measures[unit] > bounds.get("max", measures[unit]):
            wrong.append(f"has {measures[unit]:,} {unit}, at most {bounds['max']:,} expected")
    if wrong:
        return failed("length", "; ".join(wrong))
    return passed("length", ", ".join(f"has {measures[unit]:,} {unit}" for unit in argument))


def _bounds(bounds: Any) -> list[str]:
    if not isinstance(bounds, Mapping):
        return [f"must be a mapping with min and max, not {show_type(bounds)}"]
    wrong = unknown_keys(bounds, ("min", "max"))
    for key, value in bounds.items():
        if key in ("min", "max") and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            wrong.append(f"{key} must be a whole number of at least 0, not {value!r:.40}")
    if wrong:
        return wrong
    if not bounds.get("min") and "max" not in bounds:
        return ["has no bound that a completion could miss"]
    if "max" in bounds and bounds.get("min", 0) > bounds["max"]:
        return [f"min {bounds['min']} is above max {bounds['max']}: nothing could pass"]
    return []
