"""A pattern is found somewhere in the completion.

Python's own engine: patterns come from the base branch, whose maintainers can also edit the workflow.
"""

import re
from typing import Any

from ftgate.graders.base import failed, passed, show, text_problems
from ftgate.values.evaluation import Completion, Grade, Prompt


def problems(argument: Any) -> list[str]:
    """The argument is a pattern that compiles."""
    if wrong := text_problems(argument):
        return wrong
    try:
        re.compile(argument)
    except (re.error, OverflowError, RecursionError) as error:
        return [f"is no regular expression: {error}"]
    return []


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Searches; anchors and flags are the pattern's own affair."""
    if match := re.search(argument, completion.text):
        return passed("regex", f"found {show(match.group())}")
    return failed("regex", f"found nowhere: {show(argument)}")
