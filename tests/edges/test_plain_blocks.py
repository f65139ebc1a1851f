"""What the fast path takes for plain is what the careful path reads, whatever stands in the lines."""

import io
import json
import random
from itertools import pairwise
from typing import Any

import pytest

from ftgate.edges.jsonl import read_jsonl
from ftgate.edges.lines import BLOCK
from ftgate.values.batch import Batch
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding

GOOD = '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}'
USER, REPLY = '{"role": "user", "content": "q"}', '{"role": "assistant", "content": "a"}'


def line(*turns: str) -> str:
    """A conversation of turns as they are written."""
    return f'{{"messages": [{", ".join(turns)}]}}'


HIDDEN = {
    "a key twice": line('{"role": "user", "role": "user", "content": "q"}', REPLY),
    "a key twice, once escaped": line('{"role": "user", "r\\u006fle": "user", "content": "q"}', REPLY),
    "the text twice": line('{"role": "user", "content": "x", "content": "q"}', REPLY),
    "all messages twice": f'{{"messages": [{USER}], "messages": [{USER}, {REPLY}]}}',
    "messages twice, once escaped": f'{{"m\\u0065ssages": [{USER}], "messages": [{USER}, {REPLY}]}}',
    "an escaped colon pays for a key twice": line(
        '{"role": "user", "role": "user", "content": "q\\u003a"}', REPLY
    ),
    "an escaped colon in capitals": line(
        '{"role": "user", "role": "user", "content": "q\\u003A and \\u003a"}', REPLY
    ),
    "an escaped backslash before u003a": line(
        '{"role": "user", "role": "user", "content": "q\\\\u003a"}', REPLY
    ),
    "a text full of colons": line('{"role": "user", "content": ":::\\": \\"role\\": :"}', REPLY),
    "a text full of colons, a key twice": line(
        '{"role": "user", "content": "::", "content": ":::\\": \\"role\\":"}', REPLY
    ),
    "a weight": line(USER, '{"role": "assistant", "content": "a", "weight": 1}'),
    "a weight twice": line(USER, '{"role": "assistant", "content": "a", "weight": 1, "weight": 0}'),
    "a name": line('{"role": "user", "name": "k:v", "content": "q"}', REPLY),
    "an object for a text": line('{"role": "user", "content": {"a": 1, "a": 2}}', REPLY),
    "a tool call": line(
        USER,
        '{"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", '
        '"function": {"name": "f", "arguments": "{\\"a\\": 1, \\"a\\": 2}"}}]}',
    ),
    "an escaped NUL": line('{"role": "user", "content": "q\\u0000"}', REPLY),
    "two values on a line": f"{GOOD} {GOOD}",
    "two values on a line, close together": f"{GOOD}{GOOD}",
    "spread over two lines": GOOD.replace(", {", ",\n{"),
    "spread over two lines, without a comma": GOOD.replace(", {", "\n{"),
    "two on one line and one on two": f"{GOOD} {GOOD}\n{GOOD}".replace(': [{"role"', ':\n[{"role"', 1),
    "one on two lines, then two on one": GOOD.replace("}, {", "},\n{") + f"\n{GOOD}{GOOD}",
    "a blank line": f"\n{GOOD}",
    "a line end in a text": GOOD.replace('"q"', '"}\n{"'),
    "a blank after the end": f"{GOOD} ",
    "a blank before the begin": f" {GOOD}",
    "a comma after the end": f"{GOOD},",
    "a lone surrogate": GOOD.replace('"q"', '"\\ud800"'),
    "no messages": '{"messages": []}',
    "an empty object": "{}",
}


def read(data: bytes, *, batches: bool) -> tuple[Any, ...]:
    """Examples and findings of a file, by either way."""
    stream = read_jsonl("f.jsonl", io.BytesIO(data))
    examples: list[Example] = []
    findings: list[Finding] = []
    for thing in stream.batches() if batches else stream:
        if isinstance(thing, Batch):
            examples.extend(thing.example(row) for row in range(len(thing)))
        elif isinstance(thing, Example):
            examples.append(thing)
        else:
            findings.append(thing)
    return examples, sorted(findings, key=lambda f: (f.line, f.column, f.message)), stream.file


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("name", HIDDEN)
def test_a_line_among_others(name: str, end: str) -> None:
    data = f"{GOOD}\n{GOOD}\n{HIDDEN[name]}\n{GOOD}{end}".encode()
    assert read(data, batches=True) == read(data, batches=False)


@pytest.mark.parametrize(("one", "other"), [*pairwise([*HIDDEN, *reversed(HIDDEN)])])
def test_what_one_line_lacks_another_does_not_pay_for(one: str, other: str) -> None:
    data = f"{GOOD}\n{HIDDEN[one]}\n{HIDDEN[other]}\n{GOOD}\n".encode()
    assert read(data, batches=True) == read(data, batches=False)


@pytest.mark.parametrize("seed", range(20))
def test_many_blocks(seed: int) -> None:
    chance, lines, size = random.Random(seed), [GOOD], 0
    while size < 3 * BLOCK:
        text = "".join(chance.choices(["é", ":", "x" * 200, '"', "\\", "\u2028", "{}", "1.0"], k=9))
        good = json.dumps(
            json.loads(GOOD.replace('"q"', json.dumps(text))), ensure_ascii=chance.random() < 0.5
        )
        lines.append(chance.choice([*HIDDEN.values()]) if chance.random() < 0.005 * (seed % 3) else good)
        size += len(lines[-1])
    data = "\n".join(lines).encode() + b"\n" * (seed % 2)
    assert read(data, batches=True) == read(data, batches=False)
