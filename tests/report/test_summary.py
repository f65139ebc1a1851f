import msgspec
import pytest
from hypothesis import given, settings

from ftgate.report.quote import columns
from ftgate.report.summary import WIDTH, plain, summary
from tests.report.foreign import texts
from tests.report.hostile import hostile
from tests.report.kinds import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_fits_and_ends_with_the_next_step(kind: str) -> None:
    lines = summary(KINDS[kind]())
    assert all(columns(line.text) <= WIDTH for line in lines)
    last = [line for line in lines if line.style != "command"][-1]
    assert last.text.startswith("Next: ")
    assert not lines[-1].text.endswith("…")


def test_a_long_remedy_is_wrapped_and_not_cut() -> None:
    run = KINDS["failed"]()
    assert run.verdict is not None
    remedy = " ".join(["word"] * 60)
    reasons = tuple(msgspec.structs.replace(r, remedy=remedy) for r in run.verdict.reasons)
    lines = summary(
        msgspec.structs.replace(run, verdict=msgspec.structs.replace(run.verdict, reasons=reasons))
    )
    told = [line.text for line in lines if "word word" in line.text]
    assert len(told) > len(reasons) and not any(text.endswith("…") for text in told)


@pytest.mark.parametrize(
    ("kind", "style"),
    [("passed", "pass"), ("failed", "fail"), ("inconclusive", "inconclusive"), ("not_applicable", "dim")],
)
def test_the_first_line_is_the_verdict(kind: str, style: str) -> None:
    assert summary(KINDS[kind]())[0].style == style


@settings(max_examples=50, deadline=None)
@given(texts)
def test_foreign_text_stays_on_its_line(text: str) -> None:
    lines = summary(hostile(text))
    assert plain(lines).count("\n") == len(lines)
    for line in lines:
        assert columns(line.text) <= WIDTH
        assert "\x1b" not in line.text and "##[" not in line.text
        assert not line.text.lstrip().startswith("::")
