"""The slow explanation of a line and the fast parser say the same."""

from collections.abc import Iterator

import jiter
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftgate.edges import lines as physical
from ftgate.edges.json_scan import MAX_DEPTH, scan_json
from ftgate.values.finding import Severity
from tests.edges.reading import read


def texts() -> Iterator[str]:
    yield from (
        "",
        " ",
        "-",
        "01",
        "1.",
        "1e5",
        "-0",
        "[1,]",
        '{"a":1,}',
        '{"a" 1}',
        '{"a":}',
        "[,1]",
        "tru",
        "truex",
    )
    yield from (
        '"\\u12"',
        '"\\x"',
        '"a\nb"',
        '{"a":1}}',
        "[1 2]",
        "\ufeff{}",
        "{,}",
        '{"a":1 "b":2}',
        "nul",
        "+1",
        ".5",
    )
    yield from (
        "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        '{"a":[{"b":"\\ud83d\\ude00"}]}',
        '"\\ud83d\\u0041"',
        "1" * 4300,
    )


JSON_LIKE = st.text(alphabet='{}[]",:\\ua0019eE+-.truefalsn \n\t', max_size=25)


def agree(text: str) -> None:
    scan = scan_json(text)
    try:
        value = jiter.from_json(text.encode(), catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError:
        assert scan.problems
    else:
        stricter = [p for p in scan.problems if "too large" not in p.message and "NUL" not in p.message]
        assert not stricter
        assert scan.problems or scan.value == value


@pytest.mark.parametrize("text", list(texts()))
def test_explanation_agrees_with_the_fast_parser(text: str) -> None:
    agree(text)


@given(JSON_LIKE)
@settings(max_examples=500, deadline=None)
def test_explanation_agrees_with_the_fast_parser_on_anything(text: str) -> None:
    agree(text)


@pytest.mark.parametrize(
    ("raw", "opened"),
    [(b'{"a": [', 2), (b"}]", -2), (b'{"[": "\\"{"}', 0), (b'{"a', None), (b'"\\"' * 3, None), (b"", 0)],
)
def test_brackets_are_counted_outside_of_strings(raw: bytes, opened: int | None) -> None:
    assert physical.brackets(raw) == opened


def test_unterminated_strings_take_linear_time() -> None:
    assert physical.brackets(b'\\"' * 1_000_000) is None
    assert read(b'{"messages": "' + b'\\"' * 1_000_000)[1][0].severity is Severity.ERROR
