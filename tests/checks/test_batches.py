"""A check finds in a batch what it finds one by one, and repeats are told whatever the batches are."""

import io
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftgate.checks import CHECKS, Checks
from ftgate.checks.base import Context
from ftgate.checks.sameness import Sameness
from ftgate.checks.targets import TARGETS
from ftgate.edges.jsonl import read_jsonl
from ftgate.values.batch import Batch, Rows
from ftgate.values.dataset import Example, Format
from ftgate.values.finding import Finding
from ftgate.values.settings import DataSettings, Limits
from tests.checks.examples import answer
from tests.edges.reading import GOOD, turns
from tests.edges.test_jsonl import BYTES, MATRIX

TEXTS = st.sampled_from(
    [
        *("", " ", "yes", " yes", "true", "\u00a0null", "{'a': 1}", "12", '"x"', "é — ü", "[[1e2]]"),
        *('{"a": 1}', '{"a": 1.0}', '{ "b": [{"c_d": 1}], "a": 2 }'),
        *("write to jane@mail.shop.org", "key AKIA" + "IOSFODNN7" + "EXAMPLE", "+43 660 1234567"),
    ]
)
ROLES = st.sampled_from(["system", "user", "assistant"])
LINES = st.lists(st.lists(st.tuples(ROLES, TEXTS), min_size=1, max_size=4), min_size=1, max_size=30)
CONTEXTS = (
    Context(),
    Context(declared=True, held_out=(answer("yes"),)),
    Context(data=DataSettings(train=(), system_prompt="yes", target="together", key_style="snake_case")),
    Context(output_schema={"type": "object"}),
    Context(declared=True, max_length=40, data=DataSettings(train=(), general_sources=("chat",))),
    *(Context(data=DataSettings(train=(), target=target)) for target in TARGETS),
)


def both(data: bytes, context: Context) -> tuple[list[Finding], list[Finding]]:
    single, batched = Checks(context), Checks(context)
    one = [
        f
        for thing in read_jsonl("f", io.BytesIO(data))
        for f in (single.see(thing) if isinstance(thing, Example) else [thing])
    ]
    many = [
        f
        for thing in read_jsonl("f", io.BytesIO(data)).batches()
        for f in (batched.see_all(thing) if isinstance(thing, Batch) else [thing])
    ]
    return [*one, *single.finish()], [*many, *batched.finish()]


def key(finding: Finding) -> Any:
    return (
        finding.line,
        list(CHECKS).index(finding.check) if finding.check in CHECKS else -1,
        finding.pointer,
        finding.message,
    )


def sharegpt(*pairs: tuple[str, str]) -> bytes:
    names = {"user": "human", "assistant": "gpt", "system": "system"}
    return json.dumps({"conversations": [{"from": names[r], "value": text} for r, text in pairs]}).encode()


@given(LINES, st.booleans())
@settings(max_examples=60, deadline=None)
def test_batches_change_nothing(lines: list[list[tuple[str, str]]], plain: bool) -> None:
    write = turns if plain else lambda *line: sharegpt(*line) + b"\n"
    data = b"".join(write(*line) for line in [[("user", "q"), ("assistant", "a")], *lines])
    for context in CONTEXTS:
        one, many = both(data, context)
        assert sorted(many, key=key) == sorted(one, key=key)


def test_reading_in_batches_gives_the_same_examples() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    odd = {
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0}],
        "id": "x",
    }
    tool = {
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ]
    }
    rows = [
        odd,
        tool,
        {"messages": [{"role": "user", "content": "a\u0000b"}]},
        [1],
        {"messages": {}},
        {"messages": ["role"]},
    ]
    data = b"".join(
        (turns(("user", f"q{n}"), ("assistant", "a")) + json.dumps(row).encode() + b"\n")
        for n, row in enumerate(rows)
    )
    things = list(read_jsonl("f", io.BytesIO(data)))
    stream = read_jsonl("f", io.BytesIO(data))
    batched: list[Example | Finding] = []
    for thing in stream.batches():
        batched.extend(
            [thing.example(row) for row in range(len(thing))] if isinstance(thing, Batch) else [thing]
        )
    assert [t for t in batched if isinstance(t, Example)] == [t for t in things if isinstance(t, Example)]
    assert [t for t in batched if isinstance(t, Finding)] == [t for t in things if isinstance(t, Finding)]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_repeats_are_found_while_the_table_grows(size: int) -> None:
    chance, sameness = random.Random(size), Sameness()
    seen: dict[int, int] = {}
    told = 0
    for start in range(0, 5000, size):
        batch = Batch("f", Format.CONVERSATION)
        for line in range(start, start + size):
            number = chance.randrange(3000)
            rows = Rows.none()
            rows.add(("user", "assistant"), [f"q{number}", "a"])
            batch.extend(line, [0], rows)
            told += number in seen
            seen.setdefault(number, line)
        for same in sameness.see(batch):
            text = same.example.messages[0].content or ""
            assert same.again == f"f:{seen[int(text[1:])]}"
            told -= 1
    assert told == 0


def things(data: bytes, *, batches: bool) -> tuple[Any, Any, Any]:
    stream = read_jsonl("f.jsonl", io.BytesIO(data))
    examples: list[Example] = []
    findings: list[Finding] = []
    for thing in stream.batches() if batches else stream:
        if isinstance(thing, Batch):
            examples.extend(thing.example(row) for row in range(len(thing)))
        else:
            (examples if isinstance(thing, Example) else findings).append(thing)  # type: ignore[arg-type]
    return examples, sorted(findings, key=lambda f: (f.line, f.column, f.message)), stream.file


@pytest.mark.parametrize("case", [*MATRIX, "spaces without end"])
def test_bad_input_is_the_same_in_batches(case: str) -> None:
    data = MATRIX[case][0] if case in MATRIX else GOOD + GOOD[:-1] + b" " * 10_000_000 + b"\n" + GOOD
    assert things(data, batches=True) == things(data, batches=False)


@pytest.mark.parametrize("longest", [1, 20, 63, 64, 65, 5000])
def test_a_limit_below_a_block_is_the_same_in_batches(longest: int) -> None:
    long = [turns(("user", "q" * (n % 90)), ("assistant", "a")) for n in range(300)]
    data = GOOD + b"".join(long) + turns(("user", "q" * 9000), ("assistant", "a")) + GOOD
    limits = Limits(line_bytes=longest)
    streams = [read_jsonl("f.jsonl", io.BytesIO(data), limits=limits) for _ in range(2)]
    one, many = list(streams[0]), list(streams[1].batches())
    assert [thing for thing in many if isinstance(thing, Finding)] == [
        thing for thing in one if isinstance(thing, Finding)
    ]
    assert [
        batch.example(row) for batch in many if isinstance(batch, Batch) for row in range(len(batch))
    ] == [thing for thing in one if isinstance(thing, Example)]
    assert streams[0].file == streams[1].file


@given(BYTES)
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_the_same_in_batches(data: bytes) -> None:
    for start in (b"", GOOD):
        assert things(start + data, batches=True) == things(start + data, batches=False)
