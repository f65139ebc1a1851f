"""Lines that are nearly plain, without end, for a build of _plain.c; what it takes is held against the libraries.

`python -m tests.edges.plain_mutants EXTENSION SECONDS [SEED]`; test_plain_native.py runs it under sanitizers."""

import json
import random
import sys
import time
from collections.abc import Iterator
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from itertools import accumulate
from types import ModuleType

from ftgate.edges.plain_rows import FORMS, _strict
from ftgate.values.batch import Rows
from ftgate.values.dataset import Format

TEXTS = (
    *(
        "",
        "a",
        " a",
        "a ",
        "\u00a0a",
        "\u3000",
        "é",
        "日本",
        "😀",
        "a\u2028b",
        'say "x"',
        "\\",
        "\\\\",
        "a\nb\tc",
    ),
    *(
        ":",
        '{"role": "user"}',
        "\x7f",
        "x" * 9,
        "x" * 70,
        "\ufeff",
        "\U0010ffff",
        "/",
        "\b\f\r",
        "[1, 2]",
        "}",
    ),
)
PIECES = (
    *(
        b"\\u0000",
        b"\\u003a",
        b"\\ud83d\\ude00",
        b"\\ud800",
        b"\\udc00",
        b"\\u00",
        b"\\u",
        b"\\x",
        b"\\",
        b'\\"',
    ),
    *(
        b'"',
        b",",
        b":",
        b"{",
        b"}",
        b"[",
        b"]",
        b" ",
        b"\t",
        b"\r",
        b"\n",
        b"\0",
        b"\x1f",
        b"\x7f",
        b"\xc3",
        b"\xff",
    ),
    *(
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\xaf",
        b"null",
        b"1",
        b'"role"',
        b'"content"',
        b'"messages"',
    ),
    *(b'"role": "user", ', b'"content": "b", ', b'"name": "n", ', b'{"role": "tool", "content": "t"}'),
)


def plain(chance: random.Random) -> bytes:
    """A plain line, in one of the ways in which programs write JSON."""
    key, role, text = chance.choice([("messages", "role", "content"), ("conversations", "from", "value")])
    names = (
        ("system", "user", "assistant") if role == "role" else ("system", "human", "gpt", "user", "assistant")
    )
    turns = [
        dict(chance.sample([(role, chance.choice(names)), (text, chance.choice(TEXTS))], 2))
        for _ in range(chance.choice((1, 2, 3, 3, 3, 4, 70)))
    ]
    marks = chance.choice([(", ", ": "), (",", ":"), (" ,\t", " :  ")])
    return json.dumps({key: turns}, ensure_ascii=chance.random() < 0.5, separators=marks).encode()


def mutants(seed: int) -> Iterator[bytes]:
    """Plain lines with bytes that were put in, taken out, said twice or cut off; every third is left as it is."""
    chance = random.Random(seed)
    while True:
        line = plain(chance)
        for _ in range(chance.choice((0, 1, 2))):
            at, end = sorted((chance.randint(0, len(line)), chance.randint(0, len(line))))
            line = chance.choice(
                (
                    line[:at] + chance.choice(PIECES) + line[at:],
                    line[:at] + chance.choice(PIECES) + line[end:],
                    line[:at] + line[end:],
                    line[:end] + line[at:],
                    line[:at],
                )
            )
        yield line


def compare(native: ModuleType, line: bytes) -> bool:
    """Whether the extension takes a line; what it takes is what the libraries take."""
    took = []
    for form in FORMS.values():
        # What ends in the middle of a line begins another one.
        columns, starts, end = native.block(form.spelled, {}, b"..." + line + b"\n", 3)
        lines = (line + b"\n").split(b"\n")[:-1][: len(starts)]
        begins = [3, *accumulate((len(one) + 1 for one in lines), initial=3)][1:]
        assert [*starts, end] == begins
        rows, slow = Rows(*columns), _strict(form, lines, None)
        assert rows[:3] == slow[:3] and rows.replies == slow.replies, line
        for row in range(len(lines)):
            assert row in rows.edges or rows.prompts[row] == slow.prompts[row], line
        took.append(bool(lines))
    assert not all(took)
    return any(took)


def loaded(path: str) -> ModuleType:
    """The extension in a file."""
    loader = ExtensionFileLoader("ftgate.edges._plain", path)
    spec = spec_from_file_location("ftgate.edges._plain", path, loader=loader)
    assert spec is not None
    native = module_from_spec(spec)
    loader.exec_module(native)
    return native


def main() -> None:
    """As many as there is time for."""
    native = loaded(sys.argv[1])
    end = time.monotonic() + float(sys.argv[2])
    total = took = 0
    for line in mutants(int(sys.argv[3]) if len(sys.argv) > 3 else 1):
        took += compare(native, line)
        total += 1
        if time.monotonic() > end:
            break
    assert Format.CONVERSATION in FORMS and 0 < took < total
    print(f"{total} lines, {took} taken")


if __name__ == "__main__":
    main()
