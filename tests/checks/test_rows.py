"""Keys of many examples at once are those of each, however its reply spells its JSON."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ftgate.checks.json_values import canonical, objects_of, strict_json
from ftgate.checks.rows import has_empty_texts, output_keys, prompt_keys, replies, said
from ftgate.checks.turns import answers, output_key, packed, prompt_key
from ftgate.values.batch import Batch, Rows
from ftgate.values.dataset import Format

NUMBERS = (
    *(
        "0",
        "-0",
        "-0.0",
        "1",
        "1.0",
        "1.00",
        "1e0",
        "10e-1",
        "0.1",
        "0.10",
        "1e2",
        "100",
        "1E2",
        "1.5",
        "15e-1",
    ),
    *("1e400", "-1e400", "1e-400", "9007199254740993", "9007199254740993.0", "18446744073709551616", "1e308"),
    "123456789012345678901234567890",
)
TEXTS = (
    '""',
    '" a "',
    '"\\u003a"',
    '":"',
    '"\\u0000"',
    '"\\ud83d\\ude00"',
    '"\\ud800"',
    '"{"',
    '"\\n"',
    '"1.0"',
)
LEAVES = st.sampled_from([*NUMBERS, *TEXTS, "true", "null", "NaN", "{}", "[]"])
KEYS = st.sampled_from(['"a"', '"b"', '"a:"', '"\\u0061"', '"b\\u003a"', '"é"', '"{"'])
SPACE = st.sampled_from(["", " ", "\n", " \t"])


def _members(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.lists(st.tuples(KEYS, SPACE, inner), max_size=4)
    return members.map(
        lambda all_: "{" + ", ".join(f"{key}{space}: {value}" for key, space, value in all_) + "}"
    )


JSON = st.recursive(
    LEAVES, lambda inner: _members(inner) | st.lists(inner, max_size=3).map(lambda x: f"[{','.join(x)}]")
)
SPOKEN = st.one_of(
    _members(JSON),
    JSON,
    st.tuples(SPACE, _members(JSON), SPACE).map("".join),
    st.sampled_from(
        [
            "",
            " ",
            "plain",
            "{x}",
            "{",
            "}",
            "{} {}",
            "{}{}",
            '{"a": 1}, {"a": 2}',
            "\u00a0{}",
            "{}\u3000",
            "true",
            "tea",
        ]
    ),
)
ROLES = st.sampled_from(
    [
        ("user", "assistant"),
        ("system", "user", "assistant"),
        ("user",),
        ("assistant",),
        ("user", "assistant", "user"),
    ]
)


@given(
    st.lists(st.tuples(ROLES, SPOKEN, st.sampled_from(["q", " q", "q\u00a0", ""])), min_size=1, max_size=12)
)
@example([(("user", "assistant"), '{"a": 1, "a": 2}', "q"), (("user", "assistant"), '{"a": 1}', "q")])
@example([(("user", "assistant"), '{"a": 1e400}', "q"), (("user", "assistant"), '{"a": null}', "q")])
@example([(("user", "assistant"), '{"a": "\\u003a", "a": ":"}', "q")])
@settings(max_examples=400, deadline=None)
def test_many_have_the_keys_that_each_has(lines: list[tuple[tuple[str, ...], str, str]]) -> None:
    rows = Rows.none()
    for roles, reply, prompt in lines:
        rows.add(roles, [prompt] * (len(roles) - 1) + [reply])
    batch = Batch("f", Format.CONVERSATION)
    batch.extend(1, list(range(len(lines))), rows)
    alone = [batch.example(row) for row in range(len(lines))]
    assert list(output_keys(batch)) == [packed([output_key(one)])[0] for one in alone]
    assert [key for key, one in zip(prompt_keys(batch), alone, strict=True) if answers(one)] == [
        prompt_key(one) for one in alone if answers(one)
    ]
    assert has_empty_texts(batch) == any(not (m.content or "").strip() for one in alone for m in one.messages)
    for text, value in zip(replies(batch), said(batch).values, strict=True):
        if text is not None:
            assert _value(value) == _value(_strict(text.decode()))


def _strict(text: str) -> Any:
    try:
        return strict_json(text)
    except ValueError:
        return ...


def _value(value: Any) -> Any:
    return canonical(value) if isinstance(value, (dict, list, int, float, str, type(None))) else "none"


@pytest.mark.parametrize("one", NUMBERS)
@pytest.mark.parametrize("other", NUMBERS)
def test_numbers_are_equal_when_they_are_the_same_number(one: str, other: str) -> None:
    both = [canonical(strict_json(f'{{"n": {number}}}')) for number in (one, other)]
    assert (both[0] == both[1]) == (json.loads(one) == json.loads(other))


def test_a_key_that_stands_twice_is_never_taken_at_once() -> None:
    assert objects_of([b'{"a": 1}', b'{"a": 1, "a": 1}']) is None
    assert objects_of([b'{"a": ":"}', b'{"a": "\\u003a", "a": 1}']) is None
    assert objects_of([b'{"a": 1}{"b": 2}', b"{"]) is None
    found = objects_of([b'{"b": 1.0, "a": [1]}', b"{\n}"])
    assert found is not None and found.values == [{"b": 1, "a": [1]}, {}] and not found.nested
