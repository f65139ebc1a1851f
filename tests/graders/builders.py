"""Prompts and completions for graders, in a line each."""

from typing import Any

from ftgate.graders import grade
from ftgate.values.dataset import Message
from ftgate.values.evaluation import Completion, Grade, Outcome, Prompt

PASSED, FAILED, UNGRADED = Outcome.PASSED, Outcome.FAILED, Outcome.UNGRADED


def prompt(expect: Any = None, *, reference: str | None = None, text: str = "What is my balance?") -> Prompt:
    return Prompt(
        id="balance-1",
        kind="regression",
        protects="balance questions",
        messages=(Message(role="user", content=text),),
        expect=expect or {},
        reference=reference,
    )


def completion(text: str, finish: Any = "stop") -> Completion:
    return Completion(text=text, finish=finish, tokens=len(text.split()))


def graded(name: str, argument: Any, text: str, finish: Any = "stop") -> Grade:
    """The grade of one grader through the front door."""
    [given] = grade(prompt({name: argument}), completion(text, finish))
    assert given.grader == name
    return given
