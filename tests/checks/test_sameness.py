"""When two prompts, outputs or keys are the same."""

import pytest

from ftgate.checks.key_style import KeyStyle, fits, keys_of, spell, telling_style
from ftgate.checks.places import Places
from ftgate.checks.turns import output_key, prompt_key, turn_pointer
from ftgate.checks.words import normalised
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place
from tests.checks.examples import answer, example

# --- keys of prompts and outputs


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', True),
        ('{"a": 1.0}', '{"a": 1}', True),
        ('{"a": [1e2]}', '{"a": [100]}', True),
        ('{"a": 1}', '{"a": true}', False),
        ('{"a": 1}', '{"a": "1"}', False),
        ("late", " late\n", True),
        ("late", '"late"', False),
        ("late", "Late", False),
        ("[1, 2]", "[2, 1]", False),
        ('{"a": 1, "a": 2}', '{"a": 2}', False),
        ("007", "7", False),
    ],
)
def test_outputs_are_compared_as_values(one: str, other: str, same: bool) -> None:
    assert (output_key(answer(one)) == output_key(answer(other))) is same


def test_prompts_differ_by_every_part() -> None:
    prompts = [
        example(("user", "a"), ("assistant", "x")),
        example(("user", "b"), ("assistant", "x")),
        example(("system", "a"), ("assistant", "x")),
        example(("system", "s"), ("user", "a"), ("assistant", "x")),
        example(("user", "a"), ("user", ""), ("assistant", "x")),
        example(("user", "a\x1fuser\x1f0\x1f"), ("assistant", "x")),
    ]
    assert len({prompt_key(prompt) for prompt in prompts}) == len(prompts)
    assert prompt_key(example(("user", " a "), ("assistant", "y"))) == prompt_key(prompts[0])


def test_tool_calls_are_outputs_without_their_ids() -> None:
    def calling(call_id: str, arguments: str) -> Example:
        call = {"id": call_id, "function": {"name": "f", "arguments": arguments}}
        turn = Message(role="assistant", tool_calls=(call,))
        user = Message(role="user", content="q")
        return Example(place=Place(path="a"), format=Format.CONVERSATION, messages=(user, turn))

    assert output_key(calling("1", '{"a": 1}')) == output_key(calling("2", '{"a":1}'))
    assert output_key(calling("1", '{"a": 1}')) != output_key(calling("1", '{"a": 2}'))


@pytest.mark.parametrize(
    ("format", "pointers"),
    [
        (Format.CONVERSATION, ["/messages/0/content", "/messages/1/content", "/messages/2/content"]),
        (Format.SHAREGPT, ["/conversations/0/value", "/conversations/1/value", "/conversations/2/value"]),
        (Format.INSTRUCTION, ["/system", "", "/output"]),
        (Format.PROMPT_COMPLETION, ["/prompt", "/prompt", "/completion"]),
    ],
)
def test_pointers_name_the_fields_of_the_format(format: Format, pointers: list[str]) -> None:
    one = example(("system", "s"), ("user", "q"), ("assistant", "a"), format=format)
    assert [turn_pointer(one, index) for index in range(3)] == pointers


def test_places_survive_packing() -> None:
    places = Places()
    kept = [places.keep(Place(path=path, line=line)) for path in ("a", "b") for line in (1, 2**39)]
    assert [places.name(number) for number in kept] == ["a:1", f"a:{2**39}", "b:1", f"b:{2**39}"]


# --- contamination


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Where is it?", "where is it", True),
        ("Where  is\nit", "Where is it", True),
        ("“Quoted”, text…", '"quoted" text', True),
        ("ﬁne Ａ", "fine a", True),
        ("STRASSE", "straße", True),
        ("top-up", "top up", True),
        ("2 + 3", "2 - 3", False),
        ("C++", "C#", False),
        ("3.5", "35", False),
        ("कि", "का", False),
        ("???", "!!!", False),
        ("_a_", "a", True),
    ],
)
def test_what_normalises_to_the_same(one: str, other: str, same: bool) -> None:
    assert (normalised(one) == normalised(other)) is same


# --- key style


@pytest.mark.parametrize(
    ("key", "snake", "camel", "kebab"),
    [
        ("needs_human", True, False, False),
        ("needsHuman", False, True, False),
        ("needs-human", False, False, True),
        ("id", True, True, True),
        ("_id", True, True, True),
        ("NeedsHuman", False, False, False),
        ("needs human", False, False, False),
        ("2024-01-01", True, True, True),
        ("line1", True, True, True),
        ("größe", True, True, True),
        ("", True, True, True),
    ],
)
def test_key_styles(key: str, snake: bool, camel: bool, kebab: bool) -> None:
    assert [fits(key, "snake_case"), fits(key, "camelCase"), fits(key, "kebab-case")] == [snake, camel, kebab]


@pytest.mark.parametrize(
    ("key", "style", "right"),
    [
        ("needsHuman", "snake_case", "needs_human"),
        ("HTTPServerURL", "snake_case", "http_server_url"),
        ("needs-human now", "camelCase", "needsHumanNow"),
        ("needs_human", "kebab-case", "needs-human"),
        ("line2Total", "snake_case", "line2_total"),
        ("!", "snake_case", ""),
    ],
)
def test_right_spelling(key: str, style: KeyStyle, right: str) -> None:
    assert spell(key, style) == right


def test_keys_at_any_depth() -> None:
    value = {"a": [{"b/c": {"~": 1}}], "d": 2}
    assert list(keys_of(value)) == [("/a", "a"), ("/a/0/b~1c", "b/c"), ("/a/0/b~1c/~0", "~"), ("/d", "d")]
    assert [telling_style(key) for key in ("id", "a_b", "aB", "A B")] == [
        None,
        "snake_case",
        "camelCase",
        None,
    ]
