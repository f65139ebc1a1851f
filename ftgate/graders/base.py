"""What a grader is: a module of two functions that reads a completion and says passed, failed or ungraded."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import jiter

from ftgate.values.evaluation import Completion, Grade, Outcome, Prompt, Question
from ftgate.values.judging import Reply

Ask = Callable[[Question], Sequence[Reply]]
"""Asks a judge: its votes, those without scores included. May raise OutsideError."""

_SHOWN = 80


class Grader(Protocol):
    """One way to grade. `argument` is what the prompt's expectation tells this grader."""

    def problems(self, argument: Any, /) -> list[str]:
        """What is wrong with an argument; empty when it can be graded with. Asked when prompts are loaded."""

    def grade(self, argument: Any, prompt: Prompt, completion: Completion, /) -> Grade:
        """Passed or failed, with the reason. `argument` has no problems."""


def passed(grader: str, reason: str, score: float = 1.0) -> Grade:
    """A grade that passed."""
    return Grade(grader=grader, outcome=Outcome.PASSED, reason=reason, score=score)


def failed(grader: str, reason: str, score: float = 0.0) -> Grade:
    """A grade that failed."""
    return Grade(grader=grader, outcome=Outcome.FAILED, reason=reason, score=score)


def unknown_keys(argument: Mapping[Any, Any], known: Sequence[str]) -> list[str]:
    """A problem for every key that a grader does not know."""
    return [
        f"has the unknown key {show(str(key))}; known are {', '.join(known)}"
        for key in argument
        if key not in known
    ]


def flag_problems(argument: Mapping[Any, Any], *keys: str) -> list[str]:
    """A problem for every one of these keys that is there and neither true nor false."""
    return [
        f"{key}: must be true or false, not {show_type(argument[key])}"
        for key in keys
        if key in argument and not isinstance(argument[key], bool)
    ]


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def list_problems(argument: Any, *, blank: bool = True) -> list[str]:
    """What is wrong with an argument that must be a list of different texts with something in them."""
    if not isinstance(argument, (list, tuple)):
        return [f"must be a list of texts, not {show_type(argument)}"]
    if not argument:
        return ["is an empty list, which every completion would satisfy"]
    wrong = [
        f"entry {n}: {text}"
        for n, entry in enumerate(argument, 1)
        for text in text_problems(entry, blank=blank)
    ]
    return wrong or [
        f"entry {n}: stands in the list twice" for n, entry in enumerate(argument) if entry in argument[:n]
    ]


def ungraded(grader: str, reason: str) -> Grade:
    """No grade: the grader could not tell. It has no score."""
    return Grade(grader=grader, outcome=Outcome.UNGRADED, reason=reason)


def strict_json(text: str) -> Any:
    """The JSON value that a text is, nothing before or after it but white space.

    Raises ValueError, with the place, for anything else: duplicate keys, NaN, infinity, lone surrogates,
    numbers beyond the range of a double, more than 200 levels.
    """
    value = jiter.from_json(
        text.encode("utf-8", "surrogatepass"), allow_inf_nan=False, catch_duplicate_keys=True
    )
    if not _is_finite(value):
        raise ValueError("a number is beyond the range of a double")
    return value


def same_json(one: Any, other: Any) -> bool:
    """Equality of JSON values: 1 equals 1.0, true does not equal 1, the order of keys is nothing."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)


def is_json(value: Any) -> bool:
    """Whether JSON can say it: YAML also has dates, sets, binary, infinity and keys that are no text."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_json(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(is_json, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, (str, bool, int))


def show(value: Any) -> str:
    """A JSON value as a short text for a reason; a long one is cut, and its length said."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


def text_problems(argument: Any, *, blank: bool = True) -> list[str]:
    """What is wrong with an argument that must be a text with something in it; white space may be something."""
    if not isinstance(argument, str):
        return [f"must be a text, not {show_type(argument)}; put it in quotes"]
    if not argument:
        return ["is empty, which every completion would satisfy"]
    return [] if blank or argument.strip() else ["is white space, which is not looked at here"]


def show_type(value: Any) -> str:
    """The type of a value in the words of someone who writes YAML."""
    names = {bool: "a truth value", int: "a number", float: "a number", str: "a text", list: "a list"}
    if value is None:
        return "nothing"
    return "a mapping" if isinstance(value, Mapping) else names.get(type(value), f"a {type(value).__name__}")


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
