"""Lines that are taken in a row say what lines one by one say, however a key that stands twice is hidden."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftgate.checks.base import Context
from ftgate.checks.secrets import Secrets
from ftgate.edges.example_schema import ExampleSchema
from ftgate.edges.jsonl import read_jsonl
from ftgate.values.batch import Batch
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding
from tests.edges.reading import GOOD

SCHEMA = ExampleSchema("s.json", json.dumps({"required": ["messages"]}).encode())
TURN = '{"role": "user", "content": "q"}'


def both(data: bytes, schema: ExampleSchema | None = None) -> tuple[list[Any], list[Any]]:
    """Examples and findings, read one by one and in batches."""
    one = list(read_jsonl("f", io.BytesIO(data), schema=schema))
    many: list[Example | Finding] = []
    for thing in read_jsonl("f", io.BytesIO(data), schema=schema).batches():
        many.extend(
            [thing.example(row) for row in range(len(thing))] if isinstance(thing, Batch) else [thing]
        )
    return sorted(one, key=_place), sorted(many, key=_place)


def _place(thing: Example | Finding) -> tuple[int, int, str]:
    return (thing.place.line, 0, "") if isinstance(thing, Example) else (thing.line, 1, thing.message)


def line(*turns: str) -> bytes:
    return ('{"messages": [' + ", ".join(turns) + "]}\n").encode()


TWICE = {
    "role": '{"role": "user", "role": "assistant", "content": "a"}',
    "content": '{"role": "assistant", "content": "a", "content": "b"}',
    "escaped key": '{"role": "assistant", "\\u0072ole": "user", "content": "a"}',
    "space before the colon": '{"role" : "user", "role"\t: "assistant", "content" :"a"}',
    "a colon hidden": '{"role": "user", "role": "assistant", "content": "a\\u003a"}',
    "a colon hidden, capital": '{"role": "user", "role": "assistant", "content": "a\\u003A"}',
    "a colon in the text that is lost": '{"role": "assistant", "content": ":", "content": "b"}',
    "hidden in the text that is lost": '{"role": "assistant", "content": "\\u003a", "content": "\\u003ab"}',
}


@pytest.mark.parametrize("case", TWICE)
@pytest.mark.parametrize("schema", [None, SCHEMA])
def test_a_key_that_stands_twice_is_found_in_a_row_of_lines(case: str, schema: ExampleSchema | None) -> None:
    bad = line(TURN, TWICE[case])
    one, many = both(GOOD + GOOD + bad + GOOD, schema)
    assert many == one
    assert [f.line for f in many if isinstance(f, Finding)] == [3]


def test_the_list_of_turns_that_stands_twice() -> None:
    bad = b'{"messages": [' + TURN.encode() + b'], "messages": [' + TURN.encode() + b"]}\n"
    one, many = both(GOOD + bad + GOOD)
    assert many == one
    assert [f.line for f in many if isinstance(f, Finding)] == [2]


def test_colons_that_are_only_text_are_no_keys() -> None:
    answer = json.dumps({"a": {"b": "::", "c": "\\u003a"}})
    good = json.dumps(
        {"messages": [{"role": "user", "content": ":"}, {"role": "assistant", "content": answer}]}
    )
    one, many = both(GOOD + good.encode() + b"\n" + good.replace(":", " : ").encode() + b"\n")
    assert many == one
    assert all(isinstance(thing, Example) for thing in many)


def test_a_nul_is_found_in_a_row_of_lines() -> None:
    one, many = both(GOOD + line('{"role": "user", "content": "a\\u0000b"}') + GOOD)
    assert many == one
    assert [f.line for f in many if isinstance(f, Finding)] == [2]


KEYS = st.sampled_from(["role", "content", "messages", "from", "\\u0072ole", "rol\\u0065", "name"])
COLONS = st.sampled_from([":", " :", ":  ", "\t: ", ""])
TEXTS = st.sampled_from(
    [
        *('"user"', '"assistant"', '"sys:tem"', '"a\\u003a"', '"\\u003A"', '":"', '"x\\u0000"', '"\\ud800"'),
        *('"\\"role\\": "', '"\\\\"', '"\x01"', "5", "null", '["a"]', '"\xe9\\/"', "1e999", "NaN", '""'),
    ]
)
TURNS = st.lists(st.tuples(KEYS, COLONS, TEXTS), min_size=1, max_size=4).map(
    lambda members: "{" + ", ".join(f'"{key}"{colon}{text}' for key, colon, text in members) + "}"
)


@given(st.lists(st.lists(TURNS | st.sampled_from([TURN, *TWICE.values()]), max_size=3), max_size=6))
@settings(max_examples=300, deadline=None)
def test_any_spelling_is_the_same_in_a_row_of_lines(lines: list[list[str]]) -> None:
    data = GOOD + b"".join(line(*turns) for turns in lines)
    for schema in (None, SCHEMA):
        one, many = both(data, schema)
        assert many == one


@given(st.lists(st.binary(max_size=6), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_bytes_in_a_text_are_the_same_in_a_row_of_lines(texts: list[bytes]) -> None:
    told = b"".join(
        b'{"messages": [{"role": "user", "content": "' + text.replace(b"\n", b"") + b'"}]}\n'
        for text in texts
    )
    one, many = both(GOOD + told)
    assert many == one


@pytest.mark.parametrize(
    "text", [b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xc3", b"\x1f"]
)
def test_bytes_that_are_no_text_do_not_pass(text: bytes) -> None:
    one, many = both(GOOD + b'{"messages": [{"role": "user", "content": "' + text + b'"}]}\n')
    assert many == one
    assert any(isinstance(thing, Finding) for thing in many)


@pytest.mark.parametrize("at", range(20))
def test_a_secret_is_found_however_it_is_escaped(at: int) -> None:
    key = "AKIA" + "IOSFODNN7" + "EXAMPLE"
    hidden = f"{key[:at]}\\u{ord(key[at]):04x}{key[at + 1 :]}"
    for spelled in (key, hidden):
        told = f'{{"role": "user", "content": "my key: {spelled}"}}'
        data = GOOD + GOOD + line(told, '{"role": "assistant", "content": "no"}') + GOOD
        found = [
            finding.line
            for thing in read_jsonl("f", io.BytesIO(data)).batches()
            if isinstance(thing, Batch)
            for finding in Secrets(Context()).see_all(thing)
        ]
        assert found == [3]
