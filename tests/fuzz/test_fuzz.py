"""Hostile bytes and names through everything: by grammar, by nesting, and guided by coverage where atheris is there."""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.edges.reading import GOOD, turns
from tests.edges.test_jsonl import BYTES
from tests.fuzz.everything import through_everything, through_fixing
from tests.report.foreign import texts

NAMES = st.one_of(
    st.sampled_from(
        [
            "a\n::error file=x::no.jsonl",
            "\x1b[2J\x1b]0;title\x07.jsonl",
            "b\udcff\udc80.jsonl",
            "%0A::error::%25.jsonl",
            "a,line=9::b:c.jsonl",
            "##[error]x.jsonl",
            "::set-output name=x::y.jsonl",
            "\u202egnp.jsonl",
            "]]>&<!--.jsonl",
            "a\r\nb\t.jsonl",
            " ",
        ]
    ),
    texts.filter(bool),
    st.binary(min_size=1, max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    texts,
    st.sampled_from(["user", "assistant", "system", "tool", "human", "gpt", '{"a": "b"}', "AKIA", "x@y.zz"]),
)
_WORDS = (
    "messages role content tools tool_calls id function name arguments type tool_call_id weight conversations "
    "from value instruction input output prompt completion chosen rejected metadata"
)
KEYS = st.one_of(st.sampled_from(_WORDS.split()), st.text(max_size=3))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=14,
)
ROLES = st.sampled_from(["system", "user", "assistant", "tool", "User"])
CALLS = st.fixed_dictionaries(
    {"id": texts, "function": st.fixed_dictionaries({"name": texts, "arguments": texts | VALUES})}
)
TURNS = st.one_of(
    st.fixed_dictionaries({"role": ROLES, "content": texts}),
    st.fixed_dictionaries({"role": ROLES, "content": SCALARS, "tool_calls": st.lists(CALLS, max_size=2)}),
    VALUES,
)
TOOLS = st.fixed_dictionaries({"type": st.just("function"), "function": VALUES})
RECORDS = st.one_of(
    st.fixed_dictionaries({"messages": st.lists(TURNS, max_size=5)}),
    st.fixed_dictionaries(
        {"messages": st.lists(TURNS, max_size=4), "tools": st.lists(TOOLS | VALUES, max_size=2)}
    ),
    st.fixed_dictionaries({"prompt": texts | VALUES, "completion": texts | VALUES}),
    st.fixed_dictionaries({"instruction": texts, "output": texts | VALUES}),
    VALUES,
)


def _line(value: object, ascii_only: bool, end: bytes) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") + end


LINES = st.builds(_line, RECORDS, st.booleans(), st.sampled_from([b"\n", b"\r\n", b"", b",\n", b"\n\n"]))
NEAR = st.lists(LINES | BYTES, max_size=6).map(b"".join)


@st.composite
def torn(draw: st.DrawFn) -> bytes:
    """Near-JSON with a few bytes lost or put in."""
    data = bytearray(draw(NEAR))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=3))
    return bytes(data)


SLOW = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(st.one_of(torn(), BYTES), NAMES)
@SLOW
def test_any_bytes_under_any_name_go_through_everything(data: bytes, name: str) -> None:
    through_everything(data, name)


@given(torn())
@SLOW
def test_any_bytes_can_be_mended(data: bytes) -> None:
    through_fixing(data)


BOMBS: dict[str, bytes] = {
    "100,000 arrays": b"[" * 100_000,
    "10 MB of arrays": b"[" * 10_000_000,
    "9 MB of arrays, closed": b"[" * 4_500_000 + b"]" * 4_500_000 + b"\n",
    "100,000 objects": b'{"a":' * 100_000,
    "1 MB of lines that open": b"[\n" * 500_000,
    "lines that open objects": b"{\n" * 20_000,
    "arrays in a message": b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    "arrays in a reply": turns(("user", "q"), ("assistant", "[" * 100_000)),
    "closed arrays in a reply": turns(("user", "q"), ("assistant", "[" * 100_000 + "]" * 100_000)),
    "objects in a reply": turns(("user", "q"), ("assistant", '{"a":' * 100_000 + "1" + "}" * 100_000)),
    "arrays in arguments": json.dumps(
        {
            "messages": [
                {"role": "user", "content": "q"},
                {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": "1",
                            "type": "function",
                            "function": {"name": "f", "arguments": "[" * 100_000 + "]" * 100_000},
                        }
                    ],
                },
            ]
        }
    ).encode(),
    "arrays in tools": b'{"messages": [{"role": "user", "content": "q"}], "tools": '
    + b"[" * 100_000
    + b"]" * 100_000
    + b"}",
    "quotes": b'"' * 1_000_000,
    "backslashes": b'{"a": "' + b"\\" * 1_000_001,
    "a million keys": b"{" + b'"a":1,' * 300_000 + b'"a":1}\n',
    "a million values": b'{"messages": [' + b"1," * 500_000 + b"1]}\n",
    "half surrogates": b'{"messages": "' + b"\\ud800" * 100_000 + b'"}\n',
    "no UTF-8": b"\xff\xfe\xff" * 300_000 + b"\n",
    "carriage returns": b"\r" * 1_000_000,
    "blank lines": b"\n" * 500_000,
    "byte order marks": b"\xef\xbb\xbf" * 300_000 + GOOD,
    "a number": b'{"a": ' + b"9" * 1_000_000 + b"}\n",
}
LIMIT = 20.0
"""Seconds for one bomb through everything, on a busy machine; what is not linear takes hours."""


@pytest.mark.parametrize("name", BOMBS)
def test_no_bomb_goes_off(name: str) -> None:
    started = time.process_time()
    through_everything(BOMBS[name])
    through_fixing(BOMBS[name])
    assert time.process_time() - started < LIMIT


@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="atheris is not installed")
def test_twenty_seconds_guided_by_coverage(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.reader", "--seconds", "20", "--artifacts", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
