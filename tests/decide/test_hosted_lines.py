"""The file that a service gets: its bytes, and what is refused before it is sent."""

import json

import pytest

from ftgate.decide import hosted_lines
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place


def example(*messages: Message, line: int = 1) -> Example:
    return Example(place=Place(path="a.jsonl", line=line), format=Format.SHAREGPT, messages=messages)


USER = Message(role="user", content="Grüße")
REPLY = Message(role="assistant", content="ok")
GOOD = tuple(example(USER, REPLY, line=n) for n in range(1, 11))


def test_a_line_is_messages_whatever_the_format_was() -> None:
    assert json.loads(hosted_lines.line(GOOD[0])) == {
        "messages": [{"role": "user", "content": "Grüße"}, {"role": "assistant", "content": "ok"}]
    }
    assert "Grüße".encode() in hosted_lines.line(GOOD[0]), (
        "characters are not escaped: bytes are estimated by"
    )


def test_weights_tools_and_calls_are_written_as_the_api_has_them() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    tools = ({"type": "function", "function": {"name": "f"}},)
    turns = (
        USER,
        Message(role="assistant", content="no", weight=0),
        USER,
        Message(role="assistant", tool_calls=(call,)),
    )
    written = Example(
        place=Place(path="a", line=1), format=Format.CONVERSATION, messages=turns, tools=tools, source="web"
    )
    plain = json.loads(hosted_lines.line(written))
    assert plain["messages"][1]["weight"] == 0 and plain["tools"] == list(tools) and "source" not in plain
    assert plain["messages"][3]["tool_calls"][0]["function"]["arguments"] == '{"a": 1}'
    assert plain["messages"][3]["content"] is None


def test_good_data_is_taken() -> None:
    assert hosted_lines.refusal(GOOD, GOOD[:1], 65_536) == ""


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (example(REPLY), "fewer than two messages"),
        (example(REPLY, USER), "last message is not the assistant's"),
        (
            example(USER, Message(role="assistant", content="no", weight=0)),
            "no message of the assistant is trained",
        ),
        (example(Message(role="human", content="x"), REPLY), "no role 'human'"),
        (example(Message(role="user", content="x", weight=1), REPLY), "a weight is 0 or 1"),
        (example(USER, Message(role="assistant", content="x", weight=2)), "a weight is 0 or 1"),
        (example(Message(role="user"), REPLY), "neither content nor tool calls"),
        (example(Message(role="user", content="x", name="a b"), REPLY), "a name is"),
        (example(Message(role="user", content="x" * 5_000), REPLY), "1,000 are trained"),
    ],
)
def test_what_a_service_would_refuse_is_named_with_its_place(bad: Example, says: str) -> None:
    assert says in hosted_lines.refusal((*GOOD, bad), (), 1_000)
    found = hosted_lines.refusal(GOOD, (bad,), 1_000)
    assert "a.jsonl:1: " in found and says in found, "the held-out set goes there too"


def test_too_few_and_too_many_problems() -> None:
    assert "10 examples at least, and there are 9" in hosted_lines.refusal(GOOD[:9], (), 99)
    many = tuple(example(REPLY, USER, line=n) for n in range(1, 30))
    assert hosted_lines.refusal(many, (), 99).endswith("and 24 more")


def test_tokens_are_estimates_and_say_so() -> None:
    survey = hosted_lines.survey(GOOD)
    assert survey.exact is False and len(survey.tokens) == 10
    assert survey.tokens[0] == -(-len(hosted_lines.line(GOOD[0])) // 4)
    assert survey.trained[0] == 1, "the reply of two letters"
    assert hosted_lines.survey(GOOD[::-1]).sha256 == survey.sha256, "the same lines"
    assert hosted_lines.survey(GOOD[:9]).sha256 != survey.sha256


def test_turns_without_weight_are_not_counted_as_trained() -> None:
    quiet = Message(role="assistant", content="x" * 400, weight=0)
    [trained] = hosted_lines.survey([example(USER, quiet, USER, REPLY)]).trained
    assert trained == 1
