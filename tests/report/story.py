"""A bank fine-tunes a model that triages its customers' messages: who asks, and what each arm says."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec.structs import replace

from ftgate.values.comparison import Comparison, Paired
from ftgate.values.dataset import Message
from ftgate.values.digest import digest
from ftgate.values.evaluation import (
    Arm,
    ArmEvaluation,
    Completion,
    Evaluation,
    Grade,
    Item,
    Outcome,
    Prompt,
    Sentinel,
)

BASE, HEAD, MERGE_BASE = (digest(name)[:40] for name in ("base", "head", "merge base"))
DATA = "data/train/banking.jsonl"
MORE = "data/train/more.jsonl"
SYSTEM = (
    "You triage messages sent to a bank. Reply with one JSON object with the keys intent and needs_human."
)

MESSAGES = {
    "card_arrival": (
        "I still haven't received my card, where is it?",
        "How long does a new card take to get to Spain?",
        "My card was sent two weeks ago and is not here",
    ),
    "lost_or_stolen_card": (
        "Someone took my wallet on the train",
        "I can't find my card anywhere, please block it",
        "My card was stolen last night | what now?",
    ),
    "exchange_rate": (
        "What rate do you use for dollars?",
        "Is your exchange rate updated on weekends?",
        "Why was the rate worse than on the news?",
    ),
    "country_support": (
        "Can I use the account in Norway?",
        "Which countries do you support?",
        "Do you serve customers in Japan?",
    ),
    "change_pin": (
        "How do I change my PIN?",
        "I want a PIN that I can remember",
        "Can I set a new PIN at a cash machine?",
    ),
}
SWAPPED = {
    "card_arrival": "lost_or_stolen_card",
    "lost_or_stolen_card": "card_arrival",
    "exchange_rate": "country_support",
    "country_support": "exchange_rate",
}
NEEDS_HUMAN = {"lost_or_stolen_card"}

Answer = Callable[[str, int], str]
"""What an arm says to the n-th prompt about an intent."""


def reply(intent: str) -> str:
    return json.dumps({"intent": intent, "needs_human": intent in NEEDS_HUMAN})


def right(intent: str, number: int) -> str:
    return reply(intent)


def swapped(intent: str, number: int) -> str:
    return reply(SWAPPED.get(intent, intent))


def mostly_right(intent: str, number: int) -> str:
    return reply("change_pin") if number % 11 == 10 else reply(intent)


def slightly_worse(intent: str, number: int) -> str:
    return reply("change_pin") if number % 7 == 6 else reply(intent)


def chatty(intent: str, number: int) -> str:
    return f"Sure! This message is about {intent.replace('_', ' ')}."


def prompts(held_out: int) -> tuple[Prompt, ...]:
    regression = [
        prompt(f"{intent}-{n}", text, intent)
        for intent, texts in MESSAGES.items()
        for n, text in enumerate(texts)
    ]
    intents = list(MESSAGES)
    reserved = [
        replace(
            prompt(f"held-out-{n}", f"{MESSAGES[intent][n % 3]} ({n})", intent),
            kind="held-out",
            protects="",
            source=f"data/held_out.jsonl:{n + 1}",
        )
        for n in range(held_out)
        for intent in [intents[n % len(intents)]]
    ]
    return (*regression, *reserved)


def prompt(id: str, text: str, intent: str) -> Prompt:
    return Prompt(
        id=id,
        kind="regression",
        protects=f"{intent.replace('_', ' ')} messages reach the right queue",
        messages=(Message(role="system", content=SYSTEM), Message(role="user", content=text)),
        expect={"json_fields": json.loads(reply(intent))},
        reference=reply(intent),
    )


def arm(name: Arm, asked: Sequence[Prompt], answer: Answer, *, reused: bool = False) -> ArmEvaluation:
    items = [
        item(each, answer(json.loads(each.reference or "")["intent"], n)) for n, each in enumerate(asked)
    ]
    return ArmEvaluation(
        arm=name,
        adapter_sha256=None if name is Arm.BASE else digest(f"adapter of {name}"),
        sentinel=None if name is Arm.BASE else Sentinel(lora_b_norm=3.2, logit_difference=1.7),
        items=tuple(items),
        seconds=41.5,
        reused=reused,
    )


def item(asked: Prompt, text: str) -> Item:
    return Item(
        prompt=asked.id,
        completion=Completion(text=text, finish="stop", tokens=len(text) // 4),
        grades=(grade(asked, text),),
    )


def grade(asked: Prompt, text: str) -> Grade:
    if not text.startswith("{"):
        return Grade(
            grader="json_fields", outcome=Outcome.FAILED, reason="is not JSON: line 1, column 1", score=0
        )
    said, expected = json.loads(text), asked.expect["json_fields"]
    wrong = [
        f"{k} is {json.dumps(said[k])}, expected {json.dumps(expected[k])}"
        for k in expected
        if said[k] != expected[k]
    ]
    if wrong:
        return Grade(grader="json_fields", outcome=Outcome.FAILED, reason="; ".join(wrong), score=0.5)
    return Grade(grader="json_fields", outcome=Outcome.PASSED, reason="2 of 2 fields are right", score=1)


def compared(
    evaluation: Evaluation, half_width: float, needed: int | None, reference: Arm = Arm.BASELINE
) -> Comparison:
    regression = flips(evaluation, "regression", reference)
    return Comparison(
        reference=reference,
        fixed=tuple(regression[False, True]),
        broken=tuple(regression[True, False]),
        same=(*regression[True, True], *regression[False, False]),
        new=(),
        missing=(),
        ungraded=(),
        held_out=paired(evaluation, half_width, needed, reference),
    )


def flips(
    evaluation: Evaluation, kind: Literal["regression", "held-out"], reference: Arm
) -> dict[tuple[bool, bool], list[str]]:
    """Prompt ids by whether the reference arm and the candidate passed."""
    before, after = evaluation.items(reference), evaluation.items(Arm.CANDIDATE)
    found: dict[tuple[bool, bool], list[str]] = {(a, b): [] for a in (True, False) for b in (True, False)}
    for id in evaluation.ids(kind):
        found[before[id].outcome is Outcome.PASSED, after[id].outcome is Outcome.PASSED].append(id)
    return found


def paired(evaluation: Evaluation, half_width: float, needed: int | None, reference: Arm) -> Paired:
    held_out = flips(evaluation, "held-out", reference)
    total = len(evaluation.ids("held-out"))
    fixed, broken = len(held_out[False, True]), len(held_out[True, False])
    difference = (fixed - broken) / total
    return Paired(
        reference=reference,
        total=total,
        graded=total,
        fixed=fixed,
        broken=broken,
        difference=difference,
        lower=difference - half_width,
        upper=difference + half_width,
        p_worse=sum(math.comb(fixed + broken, k) for k in range(fixed + 1)) / 2 ** (fixed + broken),
        needed=needed,
    )


def evaluated(candidate: Answer, held_out: int, *, baseline: Answer = mostly_right) -> Evaluation:
    asked = prompts(held_out)
    arms = [
        arm(Arm.BASE, asked, chatty, reused=True),
        arm(Arm.BASELINE, asked, baseline, reused=True),
        arm(Arm.CANDIDATE, asked, candidate),
    ]
    measures = {kind: digest(f"measure of {kind}") for kind in ("regression", "held-out")}
    return Evaluation(prompts=asked, arms={each.arm.value: each for each in arms}, measures=measures)
