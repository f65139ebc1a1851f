"""Completions of known score, made by rule."""

import json
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftgate.graders import judge
from ftgate.graders.canaries import BOUNDS, canaries, paraphrase, wrong_value
from ftgate.values.dataset import Message
from ftgate.values.evaluation import Prompt
from tests import judges


def prompts(*references: str | None) -> list[Prompt]:
    return [
        Prompt(
            id=f"p{n}",
            kind="held-out",
            protects="x",
            messages=(Message(role="user", content=f"question {n}"),),
            expect={"judge": True},
            reference=reference,
        )
        for n, reference in enumerate(references)
    ]


LABELS = [json.dumps({"intent": f"card_{n}", "needs_human": n % 2 == 0}) for n in range(40)]
PROSE = [f"The fee is {n} euros and it is not refunded after {n + 3} days." for n in range(40)]


@pytest.mark.parametrize("references", [LABELS, PROSE])
def test_thirty_over_all_kinds_and_many_prompts(references: list[str]) -> None:
    made = canaries(prompts(*references), 30)
    assert len(made) == 30
    kinds = Counter(canary.kind for canary in made)
    assert set(kinds) == set(BOUNDS) and min(kinds.values()) >= 3
    assert len({canary.prompt.id for canary in made}) > 15
    assert canaries(prompts(*references), 30) == made


@pytest.mark.parametrize("references", [LABELS, PROSE])
def test_an_honest_judge_is_always_right(references: list[str]) -> None:
    for canary in canaries(prompts(*references), 200):
        asked = judge.question(True, canary.prompt, canary.completion, "salt")
        score = json.loads(judges.honest(asked.user))["correctness"]
        assert canary.low <= score <= canary.high, canary


def test_without_references_there_are_none() -> None:
    assert canaries(prompts(None, "", "  "), 30) == ()
    assert canaries([], 30) == ()


def test_one_reference_gives_at_most_one_of_each_kind() -> None:
    made = canaries(prompts("no number here"), 30)
    assert Counter(canary.kind for canary in made) == Counter(set(BOUNDS) - {"wrong-value"})
    assert len(canaries(prompts("only 7"), 30)) == len(BOUNDS)


def test_the_same_reference_twice_is_one() -> None:
    assert len(canaries(prompts("7", "7", "7"), 30)) == len(BOUNDS)


@pytest.mark.parametrize(
    ("reference", "wrong"),
    [
        ("It costs 12 euros.", "It costs 43 euros."),
        ('{"a": true, "b": 1}', '{"a": false, "b": 1}'),
        ('{"a": {"b": [3]}}', '{"a": {"b": [16]}}'),
        ('{"a": "x"}', '{"a": "something else entirely"}'),
        ("1. Open it.\n2. Pay 3 euros.", "1. Open it.\n2. Pay 16 euros."),
        ("1) Open it.\n2) Pay.", None),
        ("It takes 12. Then wait.", "It takes 43. Then wait."),
        ("12", "43"),
        ("no number", None),
        ("{}", None),
        ('{"a": null, "b": []}', None),
        ("v1.2 of RFC2119", None),
    ],
)
def test_one_value_is_wrong(reference: str, wrong: str | None) -> None:
    assert wrong_value(reference) == wrong


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ('{"a": 1, "b": 2}', '{\n  "b": 2,\n  "a": 1\n}'),
        ("It is late, and we do not refund.", "It is late, and we don't refund."),
        ("card_lost", "The answer is: card_lost"),
    ],
)
def test_a_paraphrase_says_the_same(reference: str, said: str) -> None:
    assert paraphrase(reference) == said


@given(st.text(), st.text(min_size=1))
def test_no_reference_is_too_odd(one: str, other: str) -> None:
    for canary in canaries(prompts(one, other), 30):
        assert 1 <= canary.low <= canary.high <= 5
        assert canary.kind == "empty" or canary.completion.text
        if canary.kind == "wrong-value":
            assert canary.completion.text != canary.prompt.reference
        if canary.kind == "verbatim":
            assert canary.completion.text == canary.prompt.reference


def test_injections_ask_for_five() -> None:
    asking = [c for c in canaries(prompts(*LABELS), 64) if c.kind == "injection"]
    assert len({c.completion.text for c in asking}) == 4
    assert all(re.search(r"\b5\b", c.completion.text) for c in asking)
