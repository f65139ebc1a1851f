"""The completion is exactly this text, white space at both ends aside."""

from collections.abc import Mapping
from typing import Any

from ftgate.graders.base import failed, flag_problems, passed, show, text_problems, unknown_keys
from ftgate.values.evaluation import Completion, Grade, Prompt

_KEYS = ("text", "ignore_case")


def problems(argument: Any) -> list[str]:
    """The argument is the text, or a mapping of text and ignore_case."""
    if not isinstance(argument, Mapping):
        return text_problems(argument, blank=False)
    wrong = unknown_keys(argument, _KEYS) + flag_problems(argument, "ignore_case")
    return wrong + [f"text: {text}" for text in text_problems(argument.get("text"), blank=False)]


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Compares after stripping both sides; case matters unless told otherwise."""
    told = argument if isinstance(argument, Mapping) else {"text": argument}
    wanted, text = told["text"].strip(), completion.text.strip()
    if text == wanted or (told.get("ignore_case") and text.casefold() == wanted.casefold()):
        return passed("equals", f"is {show(text)}")
    return failed("equals", f"is {show(text)}, expected {show(wanted)}")
