"""The slices in the comment: what collapsed is named with its prompts and words, the rest is folded, nothing acts."""

from msgspec.structs import replace

from ftgate.decide.gate import decide
from ftgate.decide.slices import slices
from ftgate.report.comment import comment
from ftgate.report.slices import slices_section
from ftgate.values.run import Run
from ftgate.values.settings import Policy
from tests.decide.builders import run
from tests.decide.slicing import Asked, evaluation
from tests.report.page import assert_inert

HELD = [Asked("price", "PP")] * 50 + [Asked("address", "PP")] * 40
LATE = [Asked("late", "PF", ("vip",), f"my box {n} is late") for n in range(9)]


def decided(asked: list[Asked]) -> Run:
    of = run(evaluation=evaluation(asked))
    assert of.evaluation
    of = replace(of, slices=slices(of.evaluation, Policy()))
    return replace(of, verdict=decide(of))


def test_a_collapse_is_open_with_its_prompts_and_words() -> None:
    section = slices_section(decided(HELD + LATE))
    assert section is not None
    assert "| ❌ label `late` | 9/9 · 100.0% | 0/9 · 0.0% | 9 broken, 0 fixed |" in section.full
    assert "label `late` (the same prompts: tag vip) broke `p90`, `p91`" in section.full
    assert "they share `box`, `late`" in section.full
    assert "<summary>2 other slices</summary>" in section.full
    assert "`p90`" not in section.short and "❌ label `late`" in section.short


def test_a_suspicion_is_told_from_a_collapse() -> None:
    section = slices_section(decided(HELD + LATE[:5] + [Asked("late", "PU")]))
    assert section is not None
    assert "🟡 label `late` | 5/5 · 100.0% | 0/5 · 0.0% (1 ungraded)" in section.full


def test_without_a_collapse_all_is_folded() -> None:
    section = slices_section(decided(HELD))
    assert section is not None
    assert section.full.startswith("<details>\n<summary>Slices: 2 slices, none collapsed</summary>")
    assert slices_section(run()) is None


def test_names_of_slices_never_act() -> None:
    hostile = "@team </summary> | `x` <img src=x> https://evil.example #1"
    text = comment(decided(HELD + [Asked(hostile, "PF", text="@all <b>")] * 9))
    assert "@team" in text
    assert_inert(text)


def test_the_comment_of_a_collapse_fits_any_limit() -> None:
    of = decided(HELD + LATE)
    for limit in (4_000, 6_000, 60_000):
        assert len(comment(of, limit=limit).encode()) <= limit
    assert "### Slices" in comment(of)
