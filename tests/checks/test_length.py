"""Only what could be too long is tokenized, and what is cut away is told."""

import logging

import pytest
from msgspec.structs import replace

from ftgate.checks.base import Context, Unmergeable
from ftgate.checks.length import Length, bytes_of
from ftgate.edges.meter import local_meter
from ftgate.values.dataset import Example, Message
from ftgate.values.finding import Finding
from ftgate.values.settings import DataSettings, Settings
from ftgate.values.tokens import Counted, Meter
from ftgate.values.training_settings import TrainingSettings
from tests.checks.examples import answer, example


def said(meter: Meter | None, *examples: Example, declared: bool = True) -> list[Finding]:
    check = Length(Context(declared=declared, meter=meter, max_length=100))
    return [*(f for one in examples for f in check.see(one)), *check.finish()]


def test_what_bytes_prove_to_fit_is_not_tokenized() -> None:
    asked: list[Example] = []

    def count(one: Example) -> Counted:
        asked.append(one)
        return Counted(tokens=90, trained=5, kept=5)

    meter = Meter(limit=100, count=count)
    assert said(meter, answer("a"), answer("é" * 40)) == []
    assert [bytes_of(one) > 100 for one in asked] == [True]


@pytest.mark.parametrize(
    ("trained", "kept", "words"),
    [(10, 0, "no token of a reply is left"), (10, 4, "6 of the 10 tokens"), (10, 10, "the replies survive")],
)
def test_what_happens_to_the_reply_is_told(trained: int, kept: int, words: str) -> None:
    meter = Meter(limit=100, count=lambda one: Counted(tokens=150, trained=trained, kept=kept))
    (finding,) = said(meter, answer("x" * 200))
    assert finding.severity == "error" and words in finding.message


def test_many_are_counted_together() -> None:
    meter = Meter(limit=100, count=lambda one: Counted(tokens=150, trained=1, kept=0))
    findings = said(meter, *(answer("x" * 200, line=n) for n in range(1, 151)))
    assert len(findings) == 101 and findings[-1].message.startswith("50 more") and findings[-1].line == 101


def test_a_template_that_fails_is_told() -> None:
    (finding,) = said(Meter(limit=100, count=lambda one: "no tools here"), answer("x" * 200))
    assert "no tools here" in finding.message


CALLING = Message(role="assistant", tool_calls=({"function": {"name": "f", "arguments": "{}"}},))


def test_tool_calls_are_rendered_whatever_their_length() -> None:
    calling = replace(answer("a"), messages=(Message(role="user", content="a"), CALLING))
    (finding,) = said(Meter(limit=100, count=lambda one: "it leaves out tool calls. Take another."), calling)
    assert finding.severity == "error"
    assert finding.message == "This example cannot be trained: it leaves out tool calls. Take another."
    assert said(None, calling, declared=False) == []


def test_many_that_cannot_be_trained_are_counted_together() -> None:
    meter = Meter(limit=100, count=lambda one: "no")
    findings = said(meter, *(answer("x" * 200, line=n) for n in range(1, 151)))
    assert len(findings) == 101 and findings[-1].line == 101
    assert findings[-1].message == "50 more examples, this one first, cannot be trained."


def test_what_two_processes_saw_is_one() -> None:
    meter = Meter(limit=100, count=lambda one: "no")
    first, second, third = (Length(Context(declared=True, meter=meter, max_length=100)) for _ in range(3))
    for check, lines in ((first, range(1, 61)), (second, range(61, 101)), (third, range(101, 103))):
        assert len([f for n in lines for f in check.see(answer("x" * 200, line=n))]) == len(lines)
    first.merge(second, lambda *place: answer("x"))
    assert list(first.finish()) == []
    with pytest.raises(Unmergeable):
        first.merge(third, lambda *place: answer("x"))


def test_rows_that_are_dropped_are_told_apart() -> None:
    counted = Counted(tokens=150, trained=10, kept=10, rows=3, over=1)
    (finding,) = said(Meter(limit=100, count=lambda one: counted), answer("x" * 200))
    assert "ftgate drops 1 of its 3 rows" in finding.message


def test_without_a_tokenizer_a_notice_says_what_is_open() -> None:
    (finding,) = said(None, answer("a"), answer("x" * 200, line=2), answer("x" * 300, line=3))
    assert (finding.severity, finding.line) == ("notice", 3)
    assert finding.message.startswith("2 example(s) may have more than 100 tokens")
    assert said(None, answer("x" * 200), declared=False) == []


def test_the_bundled_model_counts_and_a_model_that_is_elsewhere_does_not() -> None:
    pytest.importorskip("transformers")
    data = DataSettings(train=("a",))
    training = TrainingSettings(max_length=64)
    meter = local_meter(Settings(data=data, training=training))
    assert meter is not None and meter.limit == 64
    short = meter.count(example(("user", "hello"), ("assistant", "late")))
    long = meter.count(example(("user", "hello " * 200), ("assistant", "late")))
    assert isinstance(short, Counted) and isinstance(long, Counted)
    assert short.tokens < 64 < long.tokens and short.kept == short.trained > 0 == long.kept
    for name in ("nobody/no-such-model", "./no-such-folder", "bundled:none", "not a name"):
        assert local_meter(Settings(data=data, base_model=name)) is None


def test_bytes_are_more_than_the_tokens_of_the_bundled_model() -> None:
    pytest.importorskip("transformers")
    meter = local_meter(Settings(data=DataSettings(train=("a",))))
    assert meter is not None
    for text in ("", "a", "日本語" * 9, "\x00\x01" * 20, "<|im_end|>" * 5, "🙂" * 10):
        one = example(("system", text), ("user", text), ("assistant", text.replace("<|im_end|>", "ok") + "b"))
        counted = meter.count(one)
        assert isinstance(counted, Counted) and counted.tokens < bytes_of(one)


def test_a_line_that_is_far_too_long_is_counted_in_silence() -> None:
    """transformers would say that the model cannot read it, in the midst of the findings that say so already."""
    pytest.importorskip("transformers")
    heard: list[logging.LogRecord] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record)

    ear = Ear()
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.addHandler(ear)
    logger.setLevel(logging.WARNING)
    try:
        meter = local_meter(Settings(data=DataSettings(train=("a",))))
        assert meter is not None
        counted = meter.count(example(("user", "hello " * 3000), ("assistant", "late")))
    finally:
        logger.removeHandler(ear)
        logger.setLevel(level)
    assert isinstance(counted, Counted) and counted.tokens > 3000
    assert heard == []
