"""The comment as it is posted: who may replace it, what is said of a stale one, what stays of the ones before."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ftgate.report.posted import (
    SUMMARY_DROPPED,
    SUMMARY_LIMIT,
    Posting,
    in_progress,
    job_summary,
    standing,
    stopped,
    verdict,
)
from ftgate.report.stamp import MARKER, Stamp, line, read, supersedes
from tests.report import runs
from tests.report.foreign import texts
from tests.report.hostile import hostile
from tests.report.page import assert_inert

OLD, NEW = "a" * 40, "b" * 40
URL = "https://github.com/acme/bank/actions/runs/1"

stamps = st.builds(
    Stamp,
    head=st.sampled_from([OLD, NEW]),
    run=st.integers(1, 3),
    attempt=st.integers(1, 2),
    state=st.sampled_from(["in-progress", "final"]),
)


def final(head: str = NEW, run: int = 1, attempt: int = 1) -> Stamp:
    return Stamp(head=head, run=run, attempt=attempt)


def judged(stamp: Stamp) -> Posting:
    return verdict(runs.failed(), stamp)


def put(posting: Posting, *own: str, head: str = NEW) -> str:
    text = standing(posting, own, head)
    assert text is not None
    return text


@given(stamps)
def test_a_stamp_is_read_as_it_was_written(stamp: Stamp) -> None:
    assert read(line(stamp) + "\n## Fail") == stamp


@pytest.mark.parametrize(
    "text", ["", "## Fail", f"> {line(final())}", f"{MARKER} head=x -->", f"{MARKER} head={OLD} run=1 -->"]
)
def test_what_is_no_stamp_is_none(text: str) -> None:
    assert read(text) is None


@given(stamps, stamps, st.sampled_from([OLD, NEW]))
def test_of_two_different_stamps_one_replaces_the_other(one: Stamp, other: Stamp, head: str) -> None:
    there, back = supersedes(one, other, head), supersedes(other, one, head)
    assert there or back
    if there and back:
        assert one.order == other.order


@given(st.lists(stamps, min_size=1, max_size=6), st.sampled_from([OLD, NEW]))
def test_in_any_order_the_newest_stands(written: list[Stamp], head: str) -> None:
    text = ""
    for stamp in written:
        text = standing(judged(stamp), [text] if text else [], head) or ""
    about_head = [stamp for stamp in written if stamp.head == head]
    if about_head:
        newest = max(stamp.order for stamp in about_head)
        assert (stands := read(text)) is not None
        assert (stands.head, stands.order) == (head, newest)
    else:
        assert text == ""


def test_a_later_run_for_a_head_that_is_gone_yields() -> None:
    present = put(judged(final(NEW, run=5)))
    assert put(judged(final(OLD, run=9)), present) == present


def test_what_stood_for_a_head_that_is_gone_again_is_replaced_by_an_older_run() -> None:
    stood = put(judged(final(NEW, run=9)))
    assert read(put(judged(final(OLD, run=3)), stood, head=OLD)) == final(OLD, run=3)


def test_a_text_that_is_out_of_date_says_so_and_is_not_begun() -> None:
    assert standing(judged(final(OLD)), [], NEW) is None
    early = put(in_progress(Stamp(head=OLD, run=1, attempt=1, state="in-progress")), head=OLD)
    late = put(judged(final(OLD)), early)
    assert f"⚠️ **Out of date**: this is about `{OLD[:12]}`; the head is now `{NEW[:12]}`." in late
    assert "Out of date" not in put(judged(final(OLD)), early, head=OLD)


def test_the_verdict_replaces_its_own_early_text_and_never_the_other_way_round() -> None:
    early = in_progress(Stamp(head=NEW, run=4, attempt=2, state="in-progress"), URL)
    begun = put(early)
    assert begun.startswith(f"{MARKER} head={NEW} run=4 attempt=2 state=in-progress -->\n## ⏳ In progress: ")
    done = put(judged(final(run=4, attempt=2)), begun)
    assert "In progress" not in done
    assert put(early, done) == done


def test_a_run_that_was_stopped_ends_in_words() -> None:
    early = put(in_progress(Stamp(head=NEW, run=4, attempt=1, state="in-progress")))
    for posting in (
        stopped(final(run=4), URL, "out: there is no run.json"),
        verdict(replace(runs.failed(), verdict=None), final(run=4), URL),
    ):
        text = put(posting, early)
        assert "## 🛑 No verdict: " in text and "In progress" not in text
        assert "does not let it pass" in text
        assert f"[run 4, attempt 1]({URL})" in text


def test_three_earlier_verdicts_stay_folded() -> None:
    text = ""
    for run in range(1, 7):
        text = put(judged(final(run=run)), *([text] if text else []))
        early = Stamp(head=NEW, run=run + 1, attempt=1, state="in-progress")
        text = put(in_progress(early), text)
    fold = text[text.index("<summary>Earlier verdicts</summary>") :]
    assert re.findall(r"run (\d)", fold) == ["6", "5", "4"]
    assert fold.count("❌ Fail: ") == 3
    assert_inert(text)


def test_writing_again_changes_nothing() -> None:
    first = put(judged(final(run=1)))
    second = put(judged(final(run=2)), first)
    assert put(judged(final(run=2)), second) == second
    assert second.count("Earlier verdicts") == 1


def test_of_two_comments_the_newest_text_moves_to_the_oldest_comment() -> None:
    older, newer = put(judged(final(run=1))), put(judged(final(run=2)))
    assert put(judged(final(run=1)), older, newer) == newer
    assert put(judged(final(run=1)), newer, older) == newer


def test_without_numbers_the_last_writer_stands() -> None:
    stood = put(judged(Stamp(head=NEW)))
    assert read(put(in_progress(Stamp(head=NEW, state="in-progress")), stood)) != read(stood)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x/) @octocat", "http://github.com/x", ""])
def test_an_address_that_is_none_is_not_linked(url: str) -> None:
    assert "](" not in put(stopped(final(), url, "why"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts)
def test_foreign_text_never_acts_in_what_is_posted(text: str) -> None:
    first = put(verdict(hostile(text), final(run=1)))
    again = put(stopped(final(run=2), text, text), first)
    for shown in (first, again):
        assert len(shown.encode()) <= 60_000
        assert shown.count("<!--") == 1
        assert_inert(shown)
    assert read(again) == final(run=2)


def test_the_summary_fits_beside_what_is_there() -> None:
    run = runs.failed()
    whole = job_summary(run)
    assert whole.startswith(MARKER) and len(whole.encode()) <= SUMMARY_LIMIT
    nearly = job_summary(run, SUMMARY_DROPPED - 6_000)
    assert 0 < len(nearly.encode()) <= 5_000
    assert job_summary(run, SUMMARY_DROPPED - 3_000) == ""
