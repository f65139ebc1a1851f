"""What the bot writes: an answer in the sticky comment, and a prompt explained. Both are inert and bounded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ftgate.report.comment import comment
from ftgate.report.explain import explain
from ftgate.report.help import HELP, MARK, gone, with_answer
from ftgate.report.posted import standing, verdict
from ftgate.report.stamp import Stamp, read
from ftgate.values.trust import Admission
from tests.report import runs, trusted
from tests.report.foreign import texts
from tests.report.hostile import hostile
from tests.report.kinds import KINDS
from tests.report.page import assert_inert


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_changes_nothing_else_and_replaces_the_last(kind: str) -> None:
    body = comment(KINDS[kind]())
    once = with_answer(body, "wim, status: Run 3, attempt 1: queued.")
    twice = with_answer(once, "maria, help: no.")
    assert once.splitlines()[:2] == body.splitlines()[:2]
    assert (once.count(MARK), twice.count(MARK)) == (1, 1)
    assert "wim" not in twice
    assert with_answer(twice, "maria, help: no.") == twice
    without = [
        line
        for line in twice.splitlines()
        if line and "ftgate:answer" not in line and "maria, help" not in line
    ]
    assert without == [line for line in body.splitlines() if line]


@settings(max_examples=60, deadline=None)
@given(texts)
def test_an_answer_is_inert_and_cannot_end_early(text: str) -> None:
    body = comment(runs.passed())
    shown = with_answer(body, text)
    assert shown.count(MARK) == 1
    assert with_answer(shown, "x").count("ftgate:answer") == 2
    assert_inert(shown)


def test_an_answer_leaves_the_stamp_and_the_earlier_verdicts_to_the_next_run() -> None:
    run = runs.failed()
    head = run.plan.head
    first = standing(verdict(run, Stamp(head=head, run=1, attempt=1)), [], head)
    assert first is not None
    second = standing(
        verdict(run, Stamp(head=head, run=2, attempt=1)), [with_answer(first, "wim, run: yes.")], head
    )
    assert second is not None
    third = standing(
        verdict(run, Stamp(head=head, run=3, attempt=1)), [with_answer(second, "wim, run: yes.")], head
    )
    assert third is not None
    assert "wim" not in third
    stamp = read(third)
    assert stamp is not None and stamp.run == 3
    assert third.count("· run 1, attempt 1") == 1
    assert third.count("· run 2, attempt 1") == 1


def test_help_and_a_missing_run_are_inert_too() -> None:
    for text in (HELP, gone("a" * 40, "https://github.com/acme/bank/actions/runs/1"), gone("x", "")):
        assert_inert(with_answer(comment(runs.passed()), text))


@settings(max_examples=25, deadline=None)
@given(texts, st.sampled_from([12_000, 60_000]))
def test_an_explanation_is_inert_and_fits(text: str, limit: int) -> None:
    run = hostile(text)
    assert run.evaluation is not None
    for prompt in run.evaluation.prompts[:2]:
        shown = explain(run, prompt.id, limit=limit)
        assert shown is not None
        assert len(shown.encode()) <= limit
        assert_inert(shown)


def test_an_explanation_names_every_arm() -> None:
    run = runs.failed()
    assert run.evaluation is not None and run.comparison is not None
    shown = explain(run, run.comparison.broken[0])
    assert shown is not None
    for word in ("base", "baseline", "candidate", "Expected"):
        assert f"**{word}" in shown
    assert explain(run, "no-such-prompt") is None
    assert explain(replace(run, evaluation=None), run.comparison.broken[0]) is None


def test_a_waived_run_shows_who_and_why_and_what_is_void() -> None:
    shown = comment(trusted.waived())
    assert shown.splitlines()[1].startswith("## 🔓 Waived: maria accepts")
    assert "the bank answers these by phone since May" in shown
    assert "void, as it is for the data" in shown
    assert "/ftgate waive" not in shown
    partly = comment(trusted.partly_waived())
    assert f"/ftgate waive held-out.worse {trusted.DATA[:40]} because" in partly
    assert "/ftgate waive regression.broken" not in partly


def test_a_run_that_waits_says_what_to_type() -> None:
    run = trusted.waits()
    shown = comment(run)
    assert f"/ftgate run {run.plan.head}" in shown
    assert shown.splitlines()[1].startswith("## 🟡 Inconclusive: not trained before")


def test_whose_word_admitted_a_head_is_told() -> None:
    run = trusted.waived()
    why = "wim (write) said `/ftgate run 0123456789ab`"
    told = comment(replace(run, admission=Admission(admitted=True, head=run.plan.head, why=why)))
    assert "| admitted | wim (write) said `/ftgate run 0123456789ab` |" in told
