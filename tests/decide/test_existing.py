"""What a pull request brings is told from what stood there before."""

import pytest

from ftgate.decide.existing import Found, mark_existing, rates
from ftgate.values.finding import Finding, Severity


def finding(line: int = 0, check: str = "output", message: str = "m", path: str = "a.jsonl") -> Finding:
    return Finding(check=check, severity=Severity.ERROR, path=path, line=line, message=message)


def found(*findings: Finding, contents: dict[int, str] | None = None, path: str = "a.jsonl") -> Found:
    known = {(path, line): content for line, content in (contents or {}).items()}
    return Found(findings=findings, contents=known, examples=100)


def test_the_same_line_elsewhere_with_another_message_is_the_same_finding() -> None:
    before = found(finding(3, message="as line 1"), contents={3: "x"})
    now = found(finding(9, message="as line 7", path="b.jsonl"), contents={9: "x"}, path="b.jsonl")
    assert [(f.existing, f.severity.value) for f in mark_existing(now, before, "warn")] == [(True, "warning")]


def test_existing_errors_block_when_the_policy_says_so() -> None:
    before = found(finding(3), contents={3: "x"})
    marked = mark_existing(before, before, "error")
    assert [(f.existing, f.severity.value) for f in marked] == [(True, "error")]


def test_a_second_copy_of_a_bad_line_is_new_and_it_is_the_copy_in_the_other_file() -> None:
    before = found(finding(3, path="b.jsonl"), contents={3: "x"}, path="b.jsonl")
    now = Found(
        findings=(finding(1), finding(3, path="b.jsonl")),
        contents={("a.jsonl", 1): "x", ("b.jsonl", 3): "x"},
        examples=2,
    )
    assert [f.existing for f in mark_existing(now, before, "warn")] == [False, True]


def test_another_flaw_of_the_same_line_is_new() -> None:
    before = found(finding(3), contents={3: "x"})
    now = found(finding(3), finding(3, check="roles"), contents={3: "x"})
    assert [f.existing for f in mark_existing(now, before, "warn")] == [True, False]


def test_what_is_said_about_a_dataset_is_the_same_whatever_the_numbers() -> None:
    before = found(finding(message="12 of 1,000 examples (1.2%) begin with 'Hi'."))
    now = found(
        finding(message="13 of 1,001 examples (1.3%) begin with 'Hi'."),
        finding(message="13 of 1,001 examples (1.3%) begin with 'Yo'."),
    )
    assert [f.existing for f in mark_existing(now, before, "warn")] == [True, False]


def about(check: str, message: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(check=check, severity=severity, path="a.jsonl", message=message)


@pytest.mark.parametrize(
    ("check", "before", "now", "existing"),
    [
        (
            "diversity",
            "610 of 1,000 examples (61%) begin alike.",
            "650 of 1,010 examples (64%) begin alike.",
            True,
        ),
        (
            "diversity",
            "610 of 1,000 examples (61%) begin alike.",
            "900 of 1,000 examples (90%) begin alike.",
            False,
        ),
        (
            "diversity",
            "900 of 1,000 examples (90%) begin alike.",
            "610 of 1,000 examples (61%) begin alike.",
            True,
        ),
        ("size", "28 examples: use few-shot prompts.", "27 examples: use few-shot prompts.", True),
        ("size", "28 examples: use few-shot prompts.", "12 examples: use few-shot prompts.", False),
        ("size", "12 examples: use few-shot prompts.", "28 examples: use few-shot prompts.", True),
        (
            "held-out",
            "9 of 100 examples are held out (9.0%).",
            "1 of 100 examples are held out (1.0%).",
            True,
        ),
    ],
)
def test_a_dataset_that_got_worse_is_new_and_what_it_was_is_told(
    check: str, before: str, now: str, existing: bool
) -> None:
    (marked,) = mark_existing(found(about(check, now)), found(about(check, before)), "warn")
    assert marked.existing is existing
    assert marked.severity is (Severity.WARNING if existing else Severity.ERROR)
    assert marked.message.startswith(now) and "On the base branch: " in marked.message
    assert mark_existing(found(about(check, now)), found(about(check, now)), "warn")[0].message == now


def test_a_warning_that_became_an_error_is_new() -> None:
    before = found(about("size", "40 examples.", Severity.WARNING))
    (marked,) = mark_existing(found(about("size", "39 examples.")), before, "warn")
    assert (marked.existing, marked.severity) == (False, Severity.ERROR)
    (kept,) = mark_existing(before, found(about("size", "20 examples.")), "warn")
    assert (kept.existing, kept.severity) == (True, Severity.WARNING)


def test_rates_count_both_sides() -> None:
    before = found(finding(3), finding(4), contents={3: "x", 4: "y"})
    now = found(finding(3), finding(5, check="roles"), contents={3: "x", 5: "z"})
    marked = Found(findings=mark_existing(now, before, "warn"), contents={}, examples=50)
    told = {rate.check: (rate.before, rate.after, rate.new) for rate in rates(marked, before)}
    assert told == {"output": (2, 1, 0), "roles": (0, 1, 1)}
