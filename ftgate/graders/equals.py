"""The completion is exactly this text, white space at both ends aside."""

from typing import Any

from ftgate.graders.base import failed, passed, show, text_problems
from ftgate.values.evaluation import Completion, Grade, Prompt


def problems(argument: Any) -> list[str]:
    """The argument is the text."""
    return text_problems(argument)


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Compares after stripping both sides."""
    if completion.text.strip() == argument.strip():
        return passed("equals", f"is {show(argument.strip())}")
    return failed("equals", f"is {show(completion.text.strip())}, expected {show(argument.strip())}")
