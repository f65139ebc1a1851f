import re
import unicodedata

import pytest
from hypothesis import example, given

from ftgate.report import quote
from ftgate.report.markdown import details, table
from tests.report.foreign import texts
from tests.report.page import assert_inert
from tests.report.render import to_html


@given(texts)
def test_prose_is_inert_in_every_position(text: str) -> None:
    shown = quote.prose(text)
    assert_inert(f"- {shown}\n- **{shown}** end\n\n{shown}\n\n{table(['a', shown], [[shown, 'b']])}\n")


@given(texts)
def test_code_is_inert_in_every_position(text: str) -> None:
    shown = quote.code(text)
    assert_inert(f"## {shown}\n\nx {shown} and {shown}\n\n- {shown}: x\n\n{table([shown], [[shown]])}\n")


@given(texts)
@example("```\n````\n`````")
def test_a_block_cannot_be_closed_from_within(text: str) -> None:
    page = assert_inert(f"before\n\n{details('title', quote.block(text))}\n\nafter\n")
    assert page.words[-2:] == ["after", "\n"]


@given(texts)
@example("$``0`")
@example("a\\|b\\\\|c|")
def test_a_cell_stays_one_cell(text: str) -> None:
    markdown = table(["a", "b"], [[quote.code(text), quote.prose(text)]]) + "\n\nend\n"
    assert_inert(markdown)
    assert to_html(markdown).count("<td") == 2


@given(texts)
def test_a_terminal_line_moves_nothing_and_commands_nothing(text: str) -> None:
    line = quote.terminal(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in line)
    assert not set("\u202e\u200b\u2066\ufeff") & set(line)
    assert not line.lstrip().startswith("::")
    assert "##[" not in line


@given(texts)
def test_a_workflow_command_stays_one_line(text: str) -> None:
    message, value = quote.command_message(text), quote.command_property(text)
    assert "\n" not in message and "\r" not in message and "##[" not in message
    assert not set(",:\n\r") & set(value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "`plain`"),
        ("two\nlines", "`two ⏎ lines`"),
        ("`a`", "`` `a` ``"),
        ("a``b", "```a``b```"),
        ("", "*(empty)*"),
        ("\n", "`  ⏎  `"),
        ("  ", "*(only white space)*"),
        ("a\x1b[0m\u202e", "`a␛[0m<U+202E>`"),
    ],
)
def test_code(text: str, shown: str) -> None:
    assert quote.code(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the key `needsHuman` is wrong", "the key `needsHuman` is wrong"),
        ("thanks @octocat, see #12", "thanks `@octocat`, see `#12`"),
        ("a <b> & *c* snake_case _d_", "a &lt;b&gt; &amp; \\*c\\* snake_case \\_d\\_"),
        ("one | two", "one &#124; two"),
        ("# no heading", "\\# no heading"),
        ("1. no list", "1\\. no list"),
        ("costs $5", "costs `$5`"),
        ("(see @octocat!)", "(see `@octocat`!)"),
        ("ship :shipit: it", "ship `:shipit`: it"),
    ],
)
def test_prose(text: str, shown: str) -> None:
    assert quote.prose(text) == shown


def test_cuts_say_how_much_is_missing() -> None:
    assert quote.code("x" * 1500, 20) == f"`{'x' * 20}` … 1,480 more characters"
    assert quote.block("line\n" * 30, lines=2).endswith("```\n\n… 141 more characters")


def test_joiners_stay_where_writing_needs_them() -> None:
    family = "👩\u200d👧"
    assert quote.visible(family) == family
    assert quote.visible("ad\u200dmin") == "ad<U+200D>min"


def test_everything_visible_can_be_written_as_utf8() -> None:
    shown = quote.visible("".join(map(chr, range(0x110000))))
    assert shown.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", shown)


def test_width_counts_columns() -> None:
    assert quote.fit("日本語", 4) == "日…"
    assert quote.columns("e\u0301") == 1
