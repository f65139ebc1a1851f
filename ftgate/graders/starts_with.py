"""The completion begins with this text, or with one of these; white space before it aside."""

from collections.abc import Mapping
from typing import Any

from ftgate.graders.base import (
    failed,
    flag_problems,
    list_problems,
    passed,
    show,
    text_problems,
    unknown_keys,
)
from ftgate.values.evaluation import Completion, Grade, Prompt

_KEYS = ("any", "ignore_case")


def problems(argument: Any) -> list[str]:
    """The argument is a text, a list of texts (one of them), or a mapping of any (a list) and ignore_case."""
    if isinstance(argument, Mapping):
        wrong = unknown_keys(argument, _KEYS) + flag_problems(argument, "ignore_case")
        return wrong + [f"any: {text}" for text in list_problems(argument.get("any"), blank=False)]
    checked = text_problems if isinstance(argument, str) else list_problems
    return checked(argument, blank=False)


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Case matters unless told otherwise."""
    told = argument if isinstance(argument, Mapping) else {"any": argument}
    wanted = [told["any"]] if isinstance(told["any"], str) else list(told["any"])
    fold = str.casefold if told.get("ignore_case") else str
    text = completion.text.lstrip()
    for start in wanted:
        if fold(text).startswith(fold(start.lstrip())):
            return passed("starts_with", f"begins with {show(start)}")
    return failed("starts_with", f"begins with {show(text[:40])}, expected {show(wanted)}")
