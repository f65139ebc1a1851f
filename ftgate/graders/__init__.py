"""Graders read completions. They never load, generate or ask; a judge comes as a function to ask it with."""

import difflib
from collections.abc import Mapping
from typing import Any

import msgspec
from referencing.exceptions import Unresolvable

from ftgate.errors import FtgateError
from ftgate.graders import contains, equals, json_fields, json_schema, regex
from ftgate.graders import judge as judging
from ftgate.graders.base import Ask, Grader, ungraded
from ftgate.values.evaluation import Completion, Grade, Prompt

GRADERS: dict[str, Grader] = {
    "equals": equals,
    "contains": contains,
    "regex": regex,
    "json_fields": json_fields,
    "json_schema": json_schema,
    "judge": judging,
}


def problems(expect: Any) -> list[str]:
    """What is wrong with a prompt's `expect`, all at once; empty when every grader can work with it."""
    if not isinstance(expect, Mapping) or not expect:
        return [f"expect must name at least one grader: {', '.join(GRADERS)}"]
    return [
        f"expect.{name}: {text}" for name, argument in expect.items() for text in _problems(name, argument)
    ]


def grade(
    prompt: Prompt,
    completion: Completion,
    judge: Ask | None = None,
    *,
    salt: str = "",
    pass_score: int = judging.DEFAULT_PASS_SCORE,
) -> tuple[Grade, ...]:
    """One grade for each entry of `prompt.expect`, in its order; what cannot be graded is ungraded.

    `judge` asks the judge, `salt` is random per run, `pass_score` holds where an expectation names none.
    """
    return tuple(
        _noting_cut(_grade(name, argument, prompt, completion, _Judge(judge, salt, pass_score)), completion)
        for name, argument in prompt.expect.items()
    )


class _Judge(msgspec.Struct, frozen=True):
    ask: Ask | None
    salt: str
    pass_score: int

    def grade(self, argument: Any, prompt: Prompt, completion: Completion) -> Grade:
        if self.ask is None:
            return judging.grade(argument, prompt, completion)
        votes = self.ask(judging.question(argument, prompt, completion, self.salt))
        return judging.read(votes, argument, self.pass_score)


def _grade(name: str, argument: Any, prompt: Prompt, completion: Completion, judge: _Judge) -> Grade:
    if wrong := _problems(name, argument):
        return ungraded(name, f"the expectation cannot be used: {'; '.join(wrong)}")
    grader = judge if name == "judge" else GRADERS[name]
    try:
        return grader.grade(argument, prompt, completion)
    except FtgateError as error:
        return ungraded(name, error.message)
    except (ValueError, TypeError, RecursionError, Unresolvable) as error:
        return ungraded(name, f"the grader failed: {type(error).__name__}: {error}")


def _problems(name: Any, argument: Any) -> list[str]:
    if name in GRADERS:
        return GRADERS[name].problems(argument)
    close = difflib.get_close_matches(str(name), GRADERS, 1)
    meant = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(GRADERS)}"
    return [f"there is no grader of this name{meant}"]


def _noting_cut(grade: Grade, completion: Completion) -> Grade:
    if completion.finish != "length":
        return grade
    return msgspec.structs.replace(
        grade, reason=f"{grade.reason} (the completion was cut at the token limit)"
    )
