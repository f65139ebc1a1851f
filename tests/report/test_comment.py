from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ftgate.report.comment import LEAST, MARKER, comment, marker
from ftgate.report.headline import headline
from ftgate.values.run import Reason, Run
from tests.report import golden, runs
from tests.report.foreign import texts
from tests.report.hostile import hostile
from tests.report.kinds import KINDS
from tests.report.page import Page, assert_inert
from tests.report.story import BASE, HEAD

GOLDEN = golden.texts()


@pytest.mark.parametrize("name", GOLDEN)
def test_reads_as_reviewed(name: str) -> None:
    assert (golden.GOLDEN / name).read_text("utf-8") == GOLDEN[name]


def test_no_golden_file_is_forgotten() -> None:
    kept = {path.name for path in Path(golden.GOLDEN).iterdir() if path.suffix in (".md", ".txt")}
    assert kept == {name for name in GOLDEN if name.endswith((".md", ".txt"))}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_opens_with_marker_and_verdict(kind: str) -> None:
    run = KINDS[kind]()
    said = headline(run)
    first, second = comment(run).splitlines()[:2]
    assert first == marker(run)
    assert second.startswith(f"## {said.icon} {said.outcome}: ")
    assert assert_inert(comment(run)).comments == [first[4:-3]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", [LEAST, 6_000, 9_000, 20_000, 60_000])
def test_fits_and_keeps_the_reasons(kind: str, limit: int) -> None:
    run = KINDS[kind]()
    text = comment(run, limit=limit)
    assert len(text.encode()) <= limit
    assert text.startswith(MARKER)
    if run.verdict:
        assert headline(run).outcome in text
        assert text.count("\n- ") >= 1
    assert_inert(text)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts, st.sampled_from([LEAST, 15_000, 60_000]))
def test_foreign_text_never_acts(text: str, limit: int) -> None:
    run = hostile(text)
    shown = comment(run, limit=limit)
    assert len(shown.encode()) <= limit
    assert shown.startswith(marker(run) + "\n## ❌ Fail: ")
    assert shown.count(MARKER) == 1
    assert shown.count("<!--") == 1
    assert len(assert_inert(shown).comments) == 1


def test_what_was_left_out_is_said() -> None:
    text = comment(runs.failed(), limit=LEAST)
    assert "For length, " in text
    assert "provenance" in text.rsplit("For length, ", 1)[1]


def test_the_least_important_goes_first() -> None:
    whole = comment(runs.failed())
    text = comment(runs.failed(), limit=len(whole.encode()) - 100)
    assert "left out: provenance." in text
    assert "### What broke" in text and "```mermaid" in text


def test_too_small_a_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        comment(runs.failed(), limit=LEAST - 1)


def test_a_forged_head_does_not_reach_the_marker() -> None:
    run = runs.failed()
    forged = replace(run, plan=replace(run.plan, head="x --> @octocat"))
    assert marker(forged) == f"{MARKER} head=unknown -->"
    assert len(Page(comment(forged)).comments) == 1


def test_a_rerun_is_quoted_for_the_shell() -> None:
    run = runs.failed()
    assert f"--base {BASE} --head {HEAD}" in comment(run)
    forged = replace(run, plan=replace(run.plan, head="$(reboot)"))
    assert "--head '$(reboot)'" in comment(forged)


def test_reasons_keep_their_order_and_their_ids() -> None:
    text = comment(runs.failed())
    assert text.index("`regression.broken`") < text.index("`held-out.worse`") < text.index("### What broke")


def test_many_reasons_are_counted() -> None:
    run = runs.failed()
    assert run.verdict is not None
    many = tuple(
        Reason(id=f"r{n}", severity=run.verdict.reasons[0].severity, text=f"reason {n}") for n in range(50)
    )
    assert "… and 38 more in `run.json`" in comment(replace(run, verdict=replace(run.verdict, reasons=many)))


def test_advice_is_given_once_and_equal_findings_share_a_line() -> None:
    text = comment(runs.blocked())
    assert text.count("write the keys as production needs them") == 1
    assert "| ❌&nbsp;1\N{NON-BREAKING HYPHEN}5 | `output` |" in text


def _without(run: Run, **parts: None) -> Run:
    return replace(run, **parts)


@pytest.mark.parametrize(
    "part", ["diff", "recipe", "baseline", "candidate", "evaluation", "comparison", "verdict"]
)
@pytest.mark.parametrize("kind", ["failed", "inconclusive", "blocked", "training_failed"])
def test_any_part_may_be_missing(kind: str, part: str) -> None:
    assert_inert(comment(_without(KINDS[kind](), **{part: None})))


def test_a_prompt_without_items_is_shown_as_unknown() -> None:
    run = runs.failed()
    assert run.comparison is not None
    text = comment(replace(run, comparison=replace(run.comparison, broken=("gone",))))
    assert "**`gone`**" in text
    assert "the candidate has no completion" in text


def test_the_headline_falls_back_to_the_first_reason() -> None:
    run = runs.inconclusive()
    assert run.verdict is not None
    reason = replace(run.verdict.reasons[0], text="the candidate was not evaluated; run evaluate")
    verdict = replace(run.verdict, decided_by="evaluate", reasons=(reason,))
    assert headline(replace(run, verdict=verdict)).sentence == reason.text
    assert headline(replace(run, verdict=verdict, comparison=None)).sentence == reason.text


def test_a_drop_without_broken_prompts_is_the_headline() -> None:
    run = runs.failed()
    assert run.comparison is not None
    said = headline(replace(run, comparison=replace(run.comparison, broken=()))).sentence
    assert said == "held-out results changed by −73.0 points against the baseline"
