"""What an `expect` may say: graders by name, and under `not` graders that must fail."""

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ftgate.graders.base import Grader, failed, passed, show_type
from ftgate.values.evaluation import Completion, Grade, Outcome, Prompt

NOT = "not"
DEEPEST = 64
"""Levels of an expectation; a schema or value that is nested deeper is not read."""
Fault = tuple[tuple[str, ...], str]
"""Keys within `expect`, and what is wrong there."""
_NO_TEXT = ("judge", "similarity", "language", "length")
"""Graders that look at more than the text, or cannot tell of a short one."""


def faults_of(expect: Any, graders: Mapping[str, Grader]) -> list[Fault]:
    """Everything that is wrong with an expectation; empty when it can be graded by."""
    if not isinstance(expect, Mapping) or not expect:
        return [((), f"must name at least one grader: {', '.join(graders)}")]
    if too_deep(expect):
        return [((), f"is nested more than {DEEPEST} levels deep")]
    found = [fault for name, told in expect.items() if name != NOT for fault in _faults(name, told, graders)]
    if NOT in expect:
        found += list(_negated_faults(expect[NOT], graders))
    return found or list(_contradictions(expect, graders))


def negated(given: Grade) -> Grade:
    """The grade of `not`: a pass fails, a fail passes, ungraded stays so.

    The score is 0 or 1; the judge's is 6 less its own, so that more is better here too.
    """
    name = f"{NOT} {given.grader}"
    if given.outcome is Outcome.UNGRADED:
        return msgspec.structs.replace(given, grader=name)
    verdict = failed if given.outcome is Outcome.PASSED else passed
    turned = verdict(name, f"must not: {given.reason}")
    if given.grader == "judge" and given.score is not None:
        return msgspec.structs.replace(turned, score=6.0 - given.score)
    return turned


def too_deep(value: Any, deepest: int = DEEPEST) -> bool:
    """Whether mappings and lists are nested deeper than that; asks without recursion."""
    level = [value]
    for _ in range(deepest):
        level = [
            inner
            for outer in level
            if isinstance(outer, (Mapping, list, tuple))
            for inner in (outer.values() if isinstance(outer, Mapping) else outer)
        ]
        if not level:
            return False
    return True


def _faults(name: Any, argument: Any, graders: Mapping[str, Grader]) -> Iterator[Fault]:
    path = (str(name),)
    if name in graders:
        try:
            found = graders[name].problems(argument)
        except RecursionError:
            found = ["is nested too deep, or refers to itself"]
        except ImportError as error:
            found = [f"cannot be checked: {error}"]
        yield from ((path, text) for text in found)
        return
    close = difflib.get_close_matches(str(name), [*graders, NOT], 1)
    meant = f"did you mean {close[0]}?" if close else f"known are {', '.join(graders)}, and {NOT}"
    yield path, f"there is no grader of this name; {meant}"


def _negated_faults(expect: Any, graders: Mapping[str, Grader]) -> Iterator[Fault]:
    if not isinstance(expect, Mapping):
        yield (NOT,), f"must be a mapping of graders that must fail, not {show_type(expect)}"
    elif not expect:
        yield (NOT,), "names no grader, which every completion would satisfy"
    else:
        for name, argument in expect.items():
            if name == NOT:
                yield (NOT, NOT), "stands within not: name the grader above it"
                continue
            found = list(_faults(name, argument, graders))
            if not found and name == "tool_call":
                found = [((str(name),), text) for text in graders[name].negated_problems(argument)]  # type: ignore[attr-defined]
            yield from (((NOT, *path), text) for path, text in found)


def _contradictions(expect: Mapping[str, Any], graders: Mapping[str, Grader]) -> Iterator[Fault]:
    """What no completion can satisfy: the same demand with and without `not`, and a text that other graders refuse."""
    forbidden = expect.get(NOT, {})
    for name, argument in forbidden.items():
        if name in expect and _same(expect[name], argument):
            yield (NOT, name), f"says the same as {name}: nothing could pass"
    if "equals" not in expect:
        return
    told = expect["equals"]
    text = told["text"] if isinstance(told, Mapping) else told
    if isinstance(told, Mapping) and told.get("ignore_case"):
        return
    alone = Completion(text=text.strip(), finish="stop", tokens=0)
    asked = Prompt(id="", kind="regression", protects="", messages=(), expect={})
    for path, argument in _others(expect):
        name = path[-1]
        if name in ("equals", *_NO_TEXT):
            continue
        passes = graders[name].grade(argument, asked, alone).outcome is Outcome.PASSED
        if passes is (path[0] == NOT):
            yield path, "refuses the text of equals: nothing could pass"


def _others(expect: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, argument in expect.items():
        if name != NOT:
            yield (name,), argument
    for name, argument in expect.get(NOT, {}).items():
        yield (NOT, name), argument


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)
