"""A number of the completion is this number, within a tolerance.

Read are plain numbers: a sign, digits, groups of three, a decimal part, an exponent. Not read are number words,
ranges ("3-5"), dates, fractions as one number ("3/4" is 3 and 4), and units: "1.2 million" is 1.2. Digits within a
word ("A4", "5km") are no number.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ftgate.graders.base import failed, is_number, passed, show, show_type, unknown_keys
from ftgate.values.evaluation import Completion, Grade, Prompt

_KEYS = ("value", "tolerance", "relative", "which", "decimal")
_WHICH = ("only", "first", "last")
_CHUNK = re.compile(r"[\w.,+\u2212-]+")
# A chunk is short, so that the time is linear in the text.
_NUMBERS = {
    ".": re.compile(r"[+\u2212-]?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII),
    ",": re.compile(r"[+\u2212-]?\d+(?:\.\d{3})*(?:,\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII),
}
_DIGITS = 60
"""Characters from which a run of digits is no quantity."""


def problems(argument: Any) -> list[str]:
    """The argument is a number, or a mapping of value, tolerance, relative, which and decimal.

    `tolerance` is a distance, `relative` a share of the value; either is enough. `which` number of the text counts:
    only (the default; several different ones fail), first or last. `decimal` is the decimal sign, a point or a comma.
    """
    if not isinstance(argument, Mapping):
        return [] if is_number(argument) else [f"must be a number, not {_said(argument)}"]
    wrong = unknown_keys(argument, _KEYS)
    if not is_number(argument.get("value")):
        wrong.append(f"value: must be a number, not {_said(argument.get('value'))}")
    for key in ("tolerance", "relative"):
        if key in argument and not (is_number(argument[key]) and argument[key] >= 0):
            wrong.append(f"{key}: must be a number of at least 0, not {_said(argument[key])}")
    if argument.get("which", "only") not in _WHICH:
        wrong.append(f"which: must be only, first or last, not {show(str(argument['which']))}")
    if argument.get("decimal", ".") not in (".", ","):
        wrong.append(f'decimal: must be "." or ",", not {show(str(argument["decimal"]))}')
    if not wrong and argument.get("relative", 0) >= 1:
        wrong.append("relative: is a share of the value and must be below 1")
    if not wrong and "relative" in argument and argument["value"] == 0:
        wrong.append("relative: is a share of a value that is 0; give a tolerance")
    return wrong


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Compares decimally: 0.1 is 0.1. The text is read to its end; the numbers in it are the evidence."""
    told = argument if isinstance(argument, Mapping) else {"value": argument}
    found = _numbers(completion.text, told.get("decimal", "."))
    if not found:
        return failed("numeric", "holds no number")
    which = told.get("which", "only")
    if which == "only" and len(set(found)) > 1:
        named = ", ".join(map(str, found[:5])) + (" …" if len(found) > 5 else "")
        return failed("numeric", f"holds several numbers ({named}) and must hold one")
    number = found[-1] if which == "last" else found[0]
    value = Decimal(str(told["value"]))
    room = max(Decimal(str(told.get("tolerance", 0))), abs(value) * Decimal(str(told.get("relative", 0))))
    said = f"expected {value}" + (f" within {room.normalize():f}" if room else "")
    if abs(number - value) <= room:
        return passed("numeric", f"is {number}, {said}")
    return failed("numeric", f"is {number}, {said}")


def _numbers(text: str, sign: str) -> list[Decimal]:
    """Numbers of a text in order; runs of digits longer than any quantity are no numbers."""
    group = "," if sign == "." else "."
    found = []
    for chunk in _CHUNK.findall(text):
        bare = chunk.rstrip(".,+-\u2212").lstrip(".,")
        if len(bare) <= _DIGITS and _NUMBERS[sign].fullmatch(bare):
            found.append(Decimal(bare.replace(group, "").replace(",", ".").replace("\u2212", "-")))
    return found


def _said(value: Any) -> str:
    return str(value) if isinstance(value, float) else show_type(value)
