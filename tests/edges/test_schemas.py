"""The reader and the published JSON Schemas say the same about a line."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ftgate.edges.jsonl import read_jsonl
from ftgate.values.dataset import Example, Format

SCHEMAS = Path(__file__).parent.parent.parent / "schemas"

U, A = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ASKS = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWERS = {"role": "tool", "content": "1", "tool_call_id": "c"}
PART = {"type": "text", "text": "q"}
H, G = {"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}


def each(*values: Any) -> tuple[Any, ...]:
    return values


LINES: dict[Format, list[Any]] = {
    Format.CONVERSATION: [
        *(
            {"messages": turns}
            for turns in each([U, A], [], [5], "x", None, {}, [U, ASKS, ANSWERS], [U, {**A, "weight": 0}])
        ),
        *({"messages": [U, {**A, "weight": weight}]} for weight in (0, 1, 2, True, 0.5, None, "1")),
        *(
            {"messages": [U, {**A, "content": content}]}
            for content in each("", None, 5, [], [{"type": "text"}], {})
        ),
        *(
            {"messages": [{**U, "content": content}, {**A, "content": [PART]}]}
            for content in each([PART], [PART, PART], [], [5], [{"type": "text"}], [{**PART, "x": 1}])
        ),
        {"messages": [{**U, "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]},
        *(
            {"messages": [{**U, "role": role}]}
            for role in ("User", "human", "", None, 5, "system", "developer")
        ),
        *(
            {"messages": [turn]}
            for turn in ({"role": "user"}, {"content": "q"}, {**U, "x": 1}, {**U, "name": "n"})
        ),
        *(
            {"messages": [turn]}
            for turn in ({**U, "name": 5}, {**U, "tool_calls": [CALL]}, {**U, "tool_call_id": "c"})
        ),
        *(
            {"messages": [U, {**ASKS, "tool_calls": calls}]}
            for calls in each([], None, [5], {}, [{**CALL, "type": "x"}])
        ),
        *(
            {"messages": [U, {**ASKS, "tool_calls": [call]}]}
            for call in ({}, {**CALL, "id": 5}, {**CALL, "x": 1})
        ),
        *(
            {"messages": [U, {**ASKS, "tool_calls": [{**CALL, "function": f}]}]}
            for f in ({}, 5, {"name": "f"})
        ),
        {"messages": [U, {**ASKS, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]}]},
        {"messages": [U, {"role": "assistant", "tool_calls": [CALL]}]},
        {"messages": [U, {**ASKS, "content": 5}]},
        {"messages": [U, ASKS, {"role": "tool", "content": "1"}]},
        {"messages": [U, ASKS, {**ANSWERS, "content": None}]},
        *({"messages": [U, A], "tools": tools} for tools in each([], [{}], [5], {}, None)),
        *(
            {"messages": [U, A], key: "x"}
            for key in ("id", "source", "group", "tags", "metadata", "weight", "input")
        ),
        *({"messages": [U, A], key: 5} for key in ("id", "source", "group", "tags", "metadata")),
        {"messages": [U, A], "tags": ["a"], "metadata": {"any": [1, None]}},
        {"messages": [U, A], "tags": [1]},
        {},
        5,
        [],
    ],
    Format.INSTRUCTION: [
        {"instruction": "a", "output": "b"},
        {"instruction": "a", "input": "", "output": "b", "system": "s"},
        *({"instruction": "a", "output": output} for output in each(None, 5, {"a": 1}, [])),
        *({"instruction": "a", "output": "b", key: None} for key in ("input", "system", "history", "id")),
        {"instruction": "a"},
        {"instruction": 5, "output": "b"},
    ],
    Format.PROMPT_COMPLETION: [
        {"prompt": "a", "completion": "b"},
        {"prompt": [U], "completion": [A], "tools": []},
        {"prompt": [U], "completion": "b"},
        {"prompt": [{**U, "content": [PART]}], "completion": [{**A, "content": [PART]}]},
        {"prompt": "a", "completion": [A]},
        {"prompt": [], "completion": [A]},
        {"prompt": [U], "completion": [{"role": "x", "content": "b"}]},
        {"prompt": "a", "completion": None},
        {"prompt": 5, "completion": "b"},
        {"prompt": "a", "completion": "b", "label": 1},
        {"prompt": "a"},
    ],
    Format.SHAREGPT: [
        {"conversations": [H, G]},
        {"conversations": [{"from": "system", "value": "s"}, H, G], "id": "x"},
        {"conversations": []},
        {"conversations": None},
        *({"conversations": [{**H, "from": role}]} for role in ("Human", "function_call", None, 5)),
        *(
            {"conversations": [turn]}
            for turn in ({"from": "human"}, {"value": "q"}, {**H, "weight": 1}, {**H, "value": 5})
        ),
        {"conversations": [H, G], "system": "s"},
    ],
}
CASES = [(format, line) for format, lines in LINES.items() for line in lines]


def test_schemas_are_valid_and_say_what_they_are() -> None:
    for format in Format:
        schema = json.loads((SCHEMAS / f"{format}.schema.json").read_bytes())
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"].endswith("2020-12/schema")
        assert schema["title"] and schema["description"]


@pytest.mark.parametrize(("format", "line"), CASES, ids=lambda value: json.dumps(value)[:60])
def test_reader_and_schema_agree(format: Format, line: Any) -> None:
    schema = json.loads((SCHEMAS / f"{format}.schema.json").read_bytes())
    content = json.dumps(line).encode() + b"\n"
    accepted = [isinstance(t, Example) for t in read_jsonl("f", io.BytesIO(content), format.value)]
    assert all(accepted) == Draft202012Validator(schema).is_valid(line)
    assert accepted
