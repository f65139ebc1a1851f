"""An example as the trainer sees it: marks that data cannot forge, and a summary that counts everything."""

import json

import pytest

from ftgate.report.tokens import (
    Spans,
    Surveyed,
    example_json,
    example_lines,
    summary_json,
    summary_lines,
)
from ftgate.values.tokens import Seen, SeenRow, Stretch, TokenSurvey


def row(*stretches: Stretch) -> SeenRow:
    return SeenRow(
        tokens=sum(each.tokens for each in stretches),
        trained=sum(each.tokens for each in stretches if each.trained),
        stretches=stretches,
    )


def piece(
    text: str, tokens: int = 1, *, trained: bool = False, stop: bool = False, beyond: bool = False
) -> Stretch:
    return Stretch(text=text, tokens=tokens, trained=trained, stop=stop, beyond=beyond)


def text(lines: list[Spans]) -> str:
    return "\n".join("".join(span.text for span in line) for line in lines)


SEEN = Seen(
    path="a.jsonl",
    line=7,
    rows=(
        row(
            piece("<user>hi\n", 3),
            piece("yes", 2, trained=True),
            piece("<end>", trained=True, stop=True),
            piece("\n"),
        ),
    ),
)


def test_marks_stand_around_what_carries_loss() -> None:
    shown = text(example_lines(SEEN, "bundled:tiny", 100, marks=True))
    assert shown.startswith("a.jsonl:7 · bundled:tiny\n\n7 tokens, 3/7 · 42.8% carry loss\n")
    assert "│ <user>hi⏎\n│ ⟦yes<end>⟧■⏎\n" in shown


def test_colours_take_the_place_of_brackets() -> None:
    lines = example_lines(SEEN, "bundled:tiny", 100, marks=False)
    assert "⟦" not in text(lines)
    styles = {span.style: span.text for line in lines[3:5] for span in line}
    assert styles["loss"] == "yes" and styles["stop"] == "<end>"


def test_the_limit_is_marked_where_it_falls() -> None:
    cut = Seen(
        path="a",
        line=1,
        rows=(row(piece("abc", 3), piece("de", 2, trained=True), piece("f", trained=True, beyond=True)),),
    )
    shown = text(example_lines(cut, "m", 5, marks=True))
    assert "│ abc⟦de✂f⟧" in shown and "more than 5: ftgate drops this line" in shown


def test_two_replies_in_a_row_stay_apart() -> None:
    two = (piece("a", trained=True), piece("E", trained=True, stop=True)) * 2
    assert "│ ⟦aE⟧■⟦aE⟧■" in text(
        example_lines(Seen(path="a", line=1, rows=(row(*two),)), "m", 9, marks=True)
    )


def test_rows_are_told_apart_and_a_model_that_would_not_stop_is_told() -> None:
    one = row(piece("a"), piece("b", trained=True))
    seen = Seen(path="a", line=1, rows=(one, one), stopped=False)
    shown = text(example_lines(seen, "m", 9, marks=True))
    assert "row 1 of 2: " in shown and "row 2 of 2: " in shown and "would not stop" in shown


def test_what_is_dropped_says_so_and_an_example_of_several_rows_is_dropped_whole() -> None:
    silent = Seen(path="a", line=1, rows=(row(piece("abc", 3)),))
    assert "\nnothing carries loss: ftgate drops this line\n" in text(
        example_lines(silent, "m", 5, marks=True)
    )
    short, long = row(piece("a", trained=True)), row(piece("abc", 9, trained=True))
    shown = text(example_lines(Seen(path="a", line=1, rows=(short, long)), "m", 5, marks=True))
    assert shown.count("more than 5: ftgate drops this line and all its rows") == 1
    assert "nothing carries loss" not in shown


def test_a_refusal_stands_alone() -> None:
    shown = text(example_lines(Seen(path="a", line=1, refused="no\x1b[2J tools"), "m", 9, marks=True))
    assert shown == "a:1 · m\nnot trained: no␛[2J tools"


@pytest.mark.parametrize("marks", [True, False])
def test_data_cannot_act_in_a_terminal_or_forge_a_mark(marks: bool) -> None:
    hostile = "\x1b]0;x\x07\r\n::set-env name=a::b\n##[error]x\u202e⟧■✂⟦\t"
    seen = Seen(
        path="\x1b[2Ja",
        line=1,
        rows=(
            row(
                piece(hostile),
                piece("##", trained=True),
                piece("[group]"),
                piece("#"),
                piece("#["),
            ),
        ),
    )
    lines = example_lines(seen, "m", 9, marks=marks)
    shown = text(lines)
    assert not any(ord(c) < 0x20 and c != "\n" for c in shown) and "\u202e" not in shown
    assert "##[" not in shown and not any(line.lstrip().startswith("::") for line in shown.split("\n"))
    body = shown.split("carry loss\n")[1].rpartition("\n\n")[0]
    assert body.count("⟦") == body.count("⟧") == (1 if marks else 0) and "■" not in body and "✂" not in body
    assert "##[" not in example_json(seen, "m", 9)
    assert json.loads(example_json(seen, "m", 9))["rows"][0]["stretches"][0]["text"] == hostile


SURVEY = TokenSurvey(
    sha256="0" * 64,
    tokens=(10, 30, 0, 2500, 12, 9),
    trained=(5, 10, 0, 3, 0, 4),
    unstopped=(5,),
    refused=((2, "the template leaves out tool calls. Take another."),),
    longest=(10, 15, 0, 2500, 12, 9),
    rows=(1, 2, 0, 1, 1, 1),
)
DONE = Surveyed("a.jsonl", "bundled:tiny", 2048, [1, 2, 4, 5, 6, 9], 1, SURVEY)


def test_a_summary_counts_everything_and_names_what_is_not_trained() -> None:
    shown = text(summary_lines(DONE))
    assert "6 examples, 6 rows, 2,561 tokens" in shown and "carry loss: 22/2,561 · 0.8%" in shown
    assert "longest: line 5 (2,500), line 2 (15), line 6 (12), line 1 (10), line 9 (9)" in shown
    assert "1 line cannot be read" in shown
    assert "more than 2,048 tokens, dropped: lines 5" in shown
    assert "nothing carries loss, dropped: lines 6" in shown
    assert "not trained: lines 4: the template leaves out tool calls. Take another." in shown
    assert "the model would not stop: lines 9" in shown
    assert not DONE.is_clean


def test_bins_hold_every_example_that_is_rendered() -> None:
    plain = json.loads(summary_json(DONE))
    assert plain["schema"] == "ftgate.tokens/1"
    assert sum(each["examples"] for each in plain["histogram"]) == 5
    assert len(plain["histogram"]) <= 10
    assert all(
        b["from"] == a["to"] + 1 for a, b in zip(plain["histogram"], plain["histogram"][1:], strict=False)
    )
    assert (plain["over"], plain["unstopped"], plain["without_loss"], plain["unread"]) == ([5], [9], [6], 1)
    assert plain["refused"] == [{"line": 4, "reason": "the template leaves out tool calls. Take another."}]


def test_a_file_without_examples_has_a_summary() -> None:
    empty = Surveyed("a.jsonl", "m", 9, [], 0, TokenSurvey(sha256="", tokens=(), trained=()))
    assert "0 examples, 0 rows, 0 tokens" in text(summary_lines(empty))
    assert json.loads(summary_json(empty))["histogram"] == []
