"""Schemas that come with the data: applied where they are plain, refused where they could do harm."""

import json
import time
from typing import Any

import pytest

from ftgate.checks.base import Context
from ftgate.checks.tool_calls import ToolCalls
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Finding, Place


def calling(parameters: Any, arguments: Any) -> list[Finding]:
    call = {"id": "c", "function": {"name": "f", "arguments": json.dumps(arguments)}}
    turns = (Message(role="user", content="q"), Message(role="assistant", tool_calls=(call,)))
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    one = Example(place=Place(path="a", line=1), format=Format.CONVERSATION, messages=turns, tools=(tool,))
    return list(ToolCalls(Context()).see(one))


def test_errors_point_at_the_arguments() -> None:
    schema = {"properties": {"n": {"type": "integer"}}, "required": ["m"]}
    first, second = calling(schema, {"n": "x"})
    assert {first.pointer, second.pointer} == {"/messages/1/tool_calls/0/function/arguments"}
    assert "at /n: 'x' is not of type 'integer'" in first.message + second.message


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "http://127.0.0.1:9/"}, "nothing is fetched"),
        ({"properties": {"a": {"$ref": "#"}}}, "refers to itself"),
        ({"$ref": "#/$defs/gone"}, "no #/$defs/gone"),
        ({"type": "no-such-type"}, "no valid JSON Schema"),
        ({"anyOf": [{"const": n} for n in range(6000)]}, "very large"),
        (
            {
                "$defs": {str(n): {"anyOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(40)},
                "$ref": "#/$defs/0",
            },
            "",
        ),
    ],
)
def test_schemas_that_are_refused(schema: dict[str, Any], words: str) -> None:
    start = time.monotonic()
    (finding,) = calling(schema, {"a": {}})
    assert "is not applied" in finding.message and words in finding.message
    assert time.monotonic() - start < 5


def test_patterns_are_left_out_and_forbid_nothing() -> None:
    evil = {
        "properties": {"a": {"pattern": "^(a+)+$"}},
        "patternProperties": {"^(a+)+$": {}},
        "additionalProperties": False,
    }
    assert calling(evil, {"a": "a" * 40 + "!", "a" * 40 + "!": 1}) == []
