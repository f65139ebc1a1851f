"""Evaluations by label, for slices; run as a program it prints how often nothing is taken for a collapse.

`python -m tests.decide.slicing`: flips at random, independent or a whole label at a time, as two seeds differ.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ftgate.decide.slices import slices
from ftgate.values.dataset import Message
from ftgate.values.evaluation import Arm, ArmEvaluation, Completion, Evaluation, Grade, Item, Outcome, Prompt
from ftgate.values.settings import Policy
from tests.decide.builders import ACTIVE, OUTCOMES


class Asked(NamedTuple):
    """A prompt with a label, and "PF": passed for the reference, fails for the candidate."""

    label: str
    pair: str
    tags: tuple[str, ...] = ()
    text: str = ""


def evaluation(asked: Sequence[Asked], expect: str = "label") -> Evaluation:
    """`expect` is label (the label grader), equals, or a field's name (json_fields, with its scores)."""
    labels = sorted({each.label for each in asked} | {"other"})
    prompts = tuple(_prompt(n, each, expect, labels) for n, each in enumerate(asked))
    arms = {Arm.BASE: 0, Arm.BASELINE: 0, Arm.CANDIDATE: 1}
    return Evaluation(
        prompts=prompts,
        arms={
            arm.value: ArmEvaluation(
                arm=arm,
                adapter_sha256=None if arm is Arm.BASE else arm.value[0] * 64,
                items=tuple(
                    _item(f"p{n}", each.pair[side], expect)
                    for n, each in enumerate(asked)
                    if each.pair[side] != "-"
                ),
                sentinel=ACTIVE,
            )
            for arm, side in arms.items()
        },
    )


def _prompt(number: int, asked: Asked, expect: str, labels: list[str]) -> Prompt:
    told: Mapping[str, Any] = {"label": {"is": asked.label, "of": labels}}
    if expect == "equals":
        told = {"equals": asked.label}
    elif expect != "label":
        told = {"json_fields": {expect: asked.label, "always": "x"}}
    return Prompt(
        id=f"p{number}",
        kind="held-out" if number % 3 else "regression",
        protects="x",
        messages=(Message(role="user", content=asked.text or f"message {number}"),),
        expect=told,
        tags=asked.tags,
    )


def _item(id: str, letter: str, expect: str) -> Item:
    outcome = OUTCOMES[letter]
    fields = {} if expect in ("label", "equals") else {expect: float(letter == "P"), "always": 1.0}
    grade = Grade(
        grader="label", outcome=outcome, reason="so", fields={} if outcome is Outcome.UNGRADED else fields
    )
    return Item(prompt=id, completion=Completion(text=letter, finish="stop", tokens=1), grades=(grade,))


class Noise(NamedTuple):
    """Nothing has changed: each prompt flips either way with `alone`; a label in `groups` of cases flips together,
    each of its prompts with `together`, in a direction drawn for the label."""

    labels: int
    prompts: int
    alone: float
    groups: float = 0.0
    together: float = 0.0
    passing: float = 0.9


def drawn(noise: Noise, rng: random.Random) -> Evaluation:
    asked = []
    for label in range(noise.labels):
        shaken = rng.random() < noise.groups
        down = rng.random() < 0.5
        for _ in range(noise.prompts):
            before = rng.random() < noise.passing
            rate = noise.together if shaken and before is down else noise.alone
            after = before != (rng.random() < rate)
            asked.append(Asked(f"label-{label}", "FP"[before] + "FP"[after]))
    return evaluation(asked)


def alarms(noise: Noise, runs: int, seed: int = 1) -> tuple[float, float]:
    """Share of runs in which a slice collapsed, and in which one collapsed or was suspect."""
    rng = random.Random(seed)
    collapsed = blocked = 0
    for _ in range(runs):
        states = {each.state for each in slices(drawn(noise, rng), Policy())}
        collapsed += "collapsed" in states
        blocked += bool(states - {"held"})
    return collapsed / runs, blocked / runs


def detection(labels: int, prompts: int, lost: float, runs: int, seed: int = 2) -> tuple[float, float]:
    """The same where two labels lose this share of their prompts, on top of 2 % that flip either way."""
    rng = random.Random(seed)
    collapsed = blocked = 0
    for _ in range(runs):
        asked = []
        for label in range(labels):
            for _ in range(prompts):
                before = rng.random() < 0.95
                rate = lost if label < 2 and before else 0.02
                after = before != (rng.random() < rate)
                asked.append(Asked(f"label-{label}", "FP"[before] + "FP"[after]))
        states = {each.state for each in slices(evaluation(asked), Policy())}
        collapsed += "collapsed" in states
        blocked += bool(states - {"held"})
    return collapsed / runs, blocked / runs


NOISES = [
    *(Noise(6, 10, q) for q in (0.01, 0.03, 0.05, 0.1)),
    *(Noise(6, 25, q) for q in (0.03, 0.1)),
    *(Noise(40, 5, q) for q in (0.03, 0.05, 0.1)),
    *(Noise(77, 10, q) for q in (0.03, 0.05)),
    *(Noise(12, 10, 0.02, groups=g, together=t) for g, t in ((0.1, 0.1), (0.2, 0.2), (0.1, 0.3))),
]


def main() -> None:
    print("nothing changed: false alarms        collapsed  collapsed or suspect")
    for noise in NOISES:
        collapsed, blocked = alarms(noise, 1000)
        group = f", {noise.groups:.0%} of labels {noise.together:.0%}" if noise.groups else ""
        print(
            f"{noise.labels:3} x {noise.prompts:2}, flips {noise.alone:.0%}{group:24} {collapsed:9.3f} {blocked:9.3f}"
        )
    print("two labels lose a share of their prompts")
    for labels, prompts, lost in (
        (6, 10, 1.0),
        (6, 10, 0.5),
        (12, 15, 0.5),
        (77, 10, 1.0),
        (6, 5, 1.0),
        (6, 25, 0.4),
    ):
        collapsed, blocked = detection(labels, prompts, lost, 300)
        print(f"{labels:3} x {prompts:2}, lost {lost:4.0%}{'':24} {collapsed:9.3f} {blocked:9.3f}")


if __name__ == "__main__":
    main()
