"""What the checks say about real data: what a person agrees with, and nothing that a person would not."""

import io
import re
from collections import Counter
from functools import cache

import pytest

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.edges.jsonl import read_jsonl
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding
from tests.real_data import SYSTEM, Pair, as_file, banking77, gsm8k, needs_real_data

FORMATS = ("conversation", "instruction", "prompt-completion", "sharegpt")
SETS = {"banking77": banking77, "gsm8k": gsm8k}

pytestmark = needs_real_data


def read(pairs: list[Pair], format: str, path: str, system: str = "") -> list[Example | Finding]:
    return list(read_jsonl(path, io.BytesIO(as_file(pairs, format, system))))


@cache
def checked(name: str, format: str = "conversation", system: str = "") -> list[Finding]:
    load = SETS[name]
    held_out = read(load("test"), format, "test.jsonl", system)
    checks = Checks(Context(held_out=tuple(e for e in held_out if isinstance(e, Example))))
    found: list[Finding] = []
    for thing in read(load("train"), format, "train.jsonl", system):
        found.extend(checks.see(thing) if isinstance(thing, Example) else [thing])
    return [*found, *checks.finish()]


def told(findings: list[Finding]) -> Counter[tuple[str, str]]:
    return Counter((f.check, f.severity.value) for f in findings)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", SETS)
def test_every_format_says_the_same_and_nothing_else(name: str, format: str) -> None:
    expected = {
        "banking77": {
            ("contamination", "error"): 11,
            ("contamination", "warning"): 70,
            ("duplicate", "warning"): 4,
            ("near-duplicate", "warning"): 52,
        },
        "gsm8k": {("contamination", "warning"): 4, ("near-duplicate", "warning"): 1},
    }
    assert told(checked(name, format)) == expected[name]


def test_a_shared_system_prompt_changes_nothing() -> None:
    long = f"{SYSTEM} " * 60
    assert told(checked("banking77", system=long)) == told(checked("banking77"))


def prompts(findings: list[Finding], check: str, words: str = "") -> set[frozenset[str]]:
    """The texts that each finding of a check is about."""
    texts = {
        "train": [text.strip() for text, _ in banking77("train")],
        "test": [text.strip() for text, _ in banking77("test")],
    }
    groups = set()
    for finding in findings:
        if finding.check == check and words in finding.message:
            named = re.findall(r"(train|test)\.jsonl:(\d+)", finding.message)
            named.append(("train", str(finding.line)))
            groups.add(frozenset(texts[split][int(line) - 1] for split, line in named))
    return groups


def test_what_a_person_agrees_with() -> None:
    findings = checked("banking77")
    alike = prompts(findings, "near-duplicate")
    assert {
        "I transferred some money but it hasn't arrived.",
        "I transferred some money but it hasn't arrived yet",
    } in alike
    assert {
        "I have one other credit card from the US. Do you take that?",
        "I have one other credit card from the US. Do you take it?",
    } in alike
    assert {"How do I unblock my PIN?"} in prompts(findings, "contamination", "but for case")
    near = prompts(findings, "contamination", "nearly")
    assert any("What's broken?" in text for group in near for text in group)


def test_false_alarms_that_were_seen_stay_away() -> None:
    findings = checked("banking77")
    for check in ("near-duplicate", "contamination"):
        for group in prompts(findings, check):
            assert (
                not {"What should I do if I lost my card?", "What should I do if I lost my phone?"} <= group
            )
            assert not {"Can I change my PIN abroad?", "Can I change my PIN online?"} <= group
            assert not {"Did you revert my top up?", "Why did you revert my top up?"} <= group
            assert not {"How do I verify my identity?", "How do I verify my identity online"} <= group
            assert not {"What do I need to do for a PIN?", "What do I need to do for a refund?"} <= group
