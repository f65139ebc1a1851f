"""Graders read completions. They never load, generate or ask; a judge comes as a function to ask it with."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from referencing.exceptions import Unresolvable

from ftgate.errors import FtgateError
from ftgate.graders import (
    contains,
    equals,
    json_fields,
    json_schema,
    json_valid,
    label,
    language,
    length,
    no_refusal,
    numeric,
    regex,
    similarity,
    starts_with,
    tool_call,
)
from ftgate.graders import judge as judging
from ftgate.graders.base import Ask, Grader, ungraded
from ftgate.graders.expectation import NOT, Fault, faults_of, negated
from ftgate.values.evaluation import Completion, Grade, Prompt

GRADERS: dict[str, Grader] = {
    "equals": equals,
    "contains": contains,
    "starts_with": starts_with,
    "regex": regex,
    "label": label,
    "numeric": numeric,
    "length": length,
    "language": language,
    "no_refusal": no_refusal,
    "similarity": similarity,
    "json_valid": json_valid,
    "json_fields": json_fields,
    "json_schema": json_schema,
    "tool_call": tool_call,
    "judge": judging,
}
FAILURES = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    ImportError,
    RecursionError,
    Unresolvable,
    re.error,
)
"""What a grader or its library raises when it cannot grade."""


def problems(expect: Any) -> list[str]:
    """What is wrong with a prompt's `expect`, all at once; empty when every grader can work with it."""
    return [f"{'.'.join(('expect', *path))}{': ' if path else ' '}{text}" for path, text in faults(expect)]


def faults(expect: Any) -> list[Fault]:
    """The same, each with the keys that lead to it: ("not", "contains"); () is `expect` itself."""
    return faults_of(expect, GRADERS)


def grade(
    prompt: Prompt,
    completion: Completion,
    judge: Ask | None = None,
    *,
    salt: str = "",
    pass_score: int = judging.DEFAULT_PASS_SCORE,
) -> tuple[Grade, ...]:
    """One grade for each entry of `prompt.expect`, in its order; what cannot be graded is ungraded.

    An entry under `not` gives a grade named "not NAME", which passes where NAME fails. `judge` asks the judge, `salt`
    is random per run, `pass_score` holds where an expectation names none.
    """
    asking = _Judge(judge, salt, pass_score)
    grades = []
    for name, argument in prompt.expect.items():
        if name != NOT:
            grades.append(_grade(name, argument, prompt, completion, asking))
            continue
        if not isinstance(argument, Mapping) or not argument:
            grades.append(ungraded(NOT, "the expectation cannot be used: not must name a grader"))
            continue
        for inner, told in argument.items():
            grades.append(negated(_grade(inner, told, prompt, completion, asking, (NOT,))))
    return tuple(_noting_cut(given, completion) for given in grades)


class _Judge(msgspec.Struct, frozen=True):
    ask: Ask | None
    salt: str
    pass_score: int

    def grade(self, argument: Any, prompt: Prompt, completion: Completion) -> Grade:
        if self.ask is None:
            return judging.grade(argument, prompt, completion)
        votes = self.ask(judging.question(argument, prompt, completion, self.salt))
        return judging.read(votes, argument, self.pass_score)


def _grade(
    name: Any,
    argument: Any,
    prompt: Prompt,
    completion: Completion,
    judge: _Judge,
    above: tuple[str, ...] = (),
) -> Grade:
    told = {name: argument}
    wrong = [text for _, text in faults({above[0]: told} if above else told)]
    if wrong:
        return ungraded(str(name), f"the expectation cannot be used: {'; '.join(wrong)}")
    grader = judge if name == "judge" else GRADERS[name]
    try:
        return grader.grade(argument, prompt, completion)
    except FtgateError as error:
        return ungraded(name, error.message)
    except ImportError as error:
        return ungraded(name, f"{error}; in the clone of ftgate: pip install '.[graders]'")
    except FAILURES as error:
        return ungraded(name, f"the grader failed: {type(error).__name__}: {str(error)[:200]}")


def _noting_cut(grade: Grade, completion: Completion) -> Grade:
    if completion.finish != "length":
        return grade
    return msgspec.structs.replace(
        grade, reason=f"{grade.reason} (the completion was cut at the token limit)"
    )
