"""What a pull request brings is told from what stood there before."""

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


def test_rates_count_both_sides() -> None:
    before = found(finding(3), finding(4), contents={3: "x", 4: "y"})
    now = found(finding(3), finding(5, check="roles"), contents={3: "x", 5: "z"})
    marked = Found(findings=mark_existing(now, before, "warn"), contents={}, examples=50)
    told = {rate.check: (rate.before, rate.after, rate.new) for rate in rates(marked, before)}
    assert told == {"output": (2, 1, 0), "roles": (0, 1, 1)}
