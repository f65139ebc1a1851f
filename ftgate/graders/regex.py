"""A pattern is found in the completion, or is the whole of it.

The engine is re2: linear time whatever the pattern and the completion are, and so without look-around and back
references. `$` is the very end of the text, `\\d` and `\\w` are ASCII; `\\p{L}` is any letter.
"""

from collections.abc import Mapping
from typing import Any

from ftgate.graders.base import failed, flag_problems, passed, show, text_problems, unknown_keys
from ftgate.graders.patterns import PatternRefused, linear
from ftgate.values.evaluation import Completion, Grade, Prompt

_KEYS = ("pattern", "match", "ignore_case")
_MATCHES = ("search", "full")
# Nothing that anybody asks for is found in all of these, so what is found in all of them is found everywhere.
_PROBES = ("", "\x01", "x", "Zq7\n\u4e00", "~ ~")


def problems(argument: Any) -> list[str]:
    """The argument is a pattern, or a mapping of pattern, match (search or full) and ignore_case."""
    told = _told(argument)
    wrong = []
    if isinstance(argument, Mapping):
        wrong = unknown_keys(argument, _KEYS) + flag_problems(argument, "ignore_case")
        if told.get("match", "search") not in _MATCHES:
            wrong.append(f"match: must be search or full, not {show(str(told['match']))}")
    prefix = "pattern: " if isinstance(argument, Mapping) else ""
    if texts := text_problems(told.get("pattern")):
        return wrong + [prefix + text for text in texts]
    if wrong:
        return wrong
    try:
        found = _finder(told)
    except PatternRefused as error:
        return [f"{prefix}is no regular expression that re2 takes: {error}"]
    if all(found(probe) for probe in _PROBES):
        return [f"{prefix}is found in every text, so every completion would satisfy it"]
    return []


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Searches, or compares the whole completion, white space at its ends aside."""
    told = _told(argument)
    full = told.get("match") == "full"
    if match := _finder(told)(completion.text.strip() if full else completion.text):
        return passed("regex", f"found {show(match.group())}")
    return failed("regex", f"{'is not wholly' if full else 'found nowhere:'} {show(told['pattern'])}")


def _told(argument: Any) -> Mapping[str, Any]:
    return argument if isinstance(argument, Mapping) else {"pattern": argument}


def _finder(told: Mapping[str, Any]) -> Any:
    compiled = linear(told["pattern"], ignore_case=bool(told.get("ignore_case")))
    return compiled.fullmatch if told.get("match") == "full" else compiled.search
