"""What the formats become, and what does not fit them."""

import json
from typing import Any

import pytest

from ftgate.values.dataset import Message
from tests.edges.reading import GOOD, read, turns


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (turns(("User", "q")), 'Did you mean "user"?'),
        (turns(("asistant", "q")), 'Did you mean "assistant"?'),
        (turns(("human", "q")), 'Did you mean "user"?'),
        (turns(("pirate", "q")), "Roles: system, user, assistant, tool."),
        (b'{"message": []}\n', "Did you mean messages?"),
        (turns(("user", "q"), tolls=[]), "Did you mean tools?"),
        (b'{"conversations": [{"from": "Human", "value": "q"}]}\n', 'Did you mean "human"?'),
        (b'{"instruction": "a", "outputs": "b"}\n', "Did you mean output?"),
    ],
)
def test_near_words_are_suggested(line: bytes, advice: str) -> None:
    assert advice in [finding.advice for finding in read(line)[1]]


def test_formats_become_messages() -> None:
    user, assistant = Message(role="user", content="a\n\nb"), Message(role="assistant", content="c")
    system = Message(role="system", content="s")
    cases: list[tuple[object, tuple[Message, ...]]] = [
        ({"instruction": "a", "input": "b", "output": "c", "system": "s"}, (system, user, assistant)),
        ({"prompt": "a\n\nb", "completion": "c"}, (user, assistant)),
        (
            {
                "prompt": [{"role": "user", "content": "a\n\nb"}],
                "completion": [{"role": "assistant", "content": "c"}],
            },
            (user, assistant),
        ),
        (
            {"conversations": [{"from": "human", "value": "a\n\nb"}, {"from": "gpt", "value": "c"}]},
            (user, assistant),
        ),
        (
            {"messages": [{"role": "user", "content": "a\n\nb"}, {"role": "assistant", "content": "c"}]},
            (user, assistant),
        ),
    ]
    for value, messages in cases:
        line = json.dumps(value).encode() + b"\n"
        examples, findings, _ = read(line * 2)
        assert (findings, [example.messages for example in examples]) == ([], [messages, messages])
        assert [example.place.byte_offset for example in examples] == [0, len(line)]


def test_tool_calls_are_kept_and_linked() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    asks = {"role": "assistant", "content": None, "tool_calls": [call]}
    answers = {"role": "tool", "content": "1", "tool_call_id": "c"}
    good = {"messages": [{"role": "user", "content": "q"}, asks, answers], "tools": [{"type": "function"}]}
    (example,), findings, _ = read(json.dumps(good).encode() + b"\n")
    assert not findings
    assert (example.messages[1].tool_calls, example.tools) == ((call,), ({"type": "function"},))
    broken: dict[str, list[Any]] = {
        "/messages/1/tool_call_id": [{**answers, "tool_call_id": "z"}],
        "/messages/2/tool_calls/0/id": [asks, asks],
        "/messages/1/tool_calls/0/function/arguments": [
            {**asks, "tool_calls": [{**call, "function": {"name": "f", "arguments": "[1]"}}]}
        ],
        "/messages/1/tool_calls": [{**asks, "role": "user"}],
    }
    for pointer, rest in broken.items():
        line = json.dumps({"messages": [{"role": "user", "content": "q"}, *rest]}).encode() + b"\n"
        assert pointer in [finding.pointer for finding in read(line)[1]]


def test_a_declared_format_is_asked_of_every_line() -> None:
    _, findings, _ = read(GOOD, "instruction")
    assert "declared as instruction" in findings[0].message
    _, findings, _ = read(b'{"a": 1}\n', "conversation")
    assert [f.pointer for f in findings] == ["", "/a"]


def test_one_shape_of_prompt_completion_per_file() -> None:
    lists = {
        "prompt": [{"role": "user", "content": "a"}],
        "completion": [{"role": "assistant", "content": "b"}],
    }
    _, findings, _ = read(b'{"prompt": "a", "completion": "b"}\n' + json.dumps(lists).encode() + b"\n")
    assert [(f.line, f.pointer) for f in findings] == [(2, "/prompt")]
