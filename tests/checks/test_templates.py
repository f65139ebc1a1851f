"""A template around every question: what it makes alike is no finding, what is planted is found."""

import random
import re

import pytest

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding
from tests.checks.examples import example

CHANCE = random.Random(3)
WORDS = ["".join(CHANCE.choices("abcdefghijklmnop", k=CHANCE.randint(3, 9))) for _ in range(3000)]
BEFORE, AFTER = (" ".join(CHANCE.choices(WORDS, k=count)) for count in (200, 20))


def questions(count: int) -> list[str]:
    return [" ".join(CHANCE.choices(WORDS, k=25)) for _ in range(count)]


@pytest.mark.parametrize(("before", "after"), [(BEFORE, AFTER), ("", AFTER), (BEFORE, ""), ("", "")])
def test_only_what_is_planted_is_told(before: str, after: str) -> None:
    reserved, asked = questions(400), questions(2000)
    again = asked[7].split()
    again[7] = "changed"
    quoting = [" ".join([*reserved[n].split()[5:20], *CHANCE.choices(WORDS, k=14)]) for n in range(4)]
    lines = [*asked, " ".join(again), *quoting, reserved[9]]

    def around(question: str, line: int) -> Example:
        asks = ("user", f"{before}\n\nText: {question}\n\n{after}")
        return example(asks, ("assistant", f"reply {line}"), line=line)

    held_out = tuple(around(question, line) for line, question in enumerate(reserved, start=1))
    checks = Checks(Context(held_out=held_out))
    found: list[Finding] = []
    for line, question in enumerate(lines, start=1):
        found.extend(checks.see(around(question, line)))
    found.extend(checks.finish())
    told = {
        (finding.check, finding.severity.value, finding.line)
        for finding in found
        if finding.check in ("near-duplicate", "contamination")
    }
    assert told == {
        ("near-duplicate", "warning", 8),
        *(("contamination", "warning", 2002 + n) for n in range(4)),
        ("contamination", "error", 2006),
    }
    quoted = [finding.message for finding in found if "Thirteen" in finding.message]
    for number, message in enumerate(quoted):
        (words,) = re.findall('"(.*?)…?"', message)
        assert words in reserved[number]


def test_a_fixed_ending_of_replies_is_no_contamination() -> None:
    def reply(question: str, said: str, line: int) -> Example:
        text = f"Dear customer, {said}. {AFTER} {BEFORE}"
        return example(("user", question), ("assistant", text), line=line)

    reserved = [" ".join(CHANCE.choices(WORDS, k=30)) for _ in range(300)]
    held_out = tuple(reply(f"reserved {n}", said, n + 1) for n, said in enumerate(reserved))
    said = [*(" ".join(CHANCE.choices(WORDS, k=30)) for _ in range(1500)), f"as I said: {reserved[5]}"]
    checks = Checks(Context(held_out=held_out))
    found: list[Finding] = []
    for line, text in enumerate(said, start=1):
        found.extend(checks.see(reply(f"question {line} {text[:9]}", text, line)))
    found.extend(checks.finish())
    told = [finding for finding in found if finding.check == "contamination"]
    assert [(finding.line, "a.jsonl:6" in finding.message) for finding in told] == [(1501, True)]
