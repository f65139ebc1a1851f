"""Rules 4 to 6 of the gate: whether the evaluation is whole, and what it says.

What is not known is counted at its worst: an outcome that is missing may be the one that would have blocked.
"""

import math
from typing import Literal

from msgspec import Struct

from ftgate.decide import outputs, serving
from ftgate.decide.comparison import pair, reference_arm, stable, unconfirmed
from ftgate.decide.rulings import Rulings, count, fail, names, note, unsure, warn
from ftgate.decide.sentinel import inactive
from ftgate.decide.statistics import interval, needed
from ftgate.values.evaluation import Arm, Evaluation, Item, Outcome
from ftgate.values.run import Run
from ftgate.values.settings import Policy

TOLERANCE = 1e-9
"""Slack in comparing bounds: one exactly at the margin is within it, whatever the last bit of it says."""


class Pairs(Struct, frozen=True, kw_only=True):
    """The planned prompts of one kind, with what each arm is known to have done.

    `wavering` passed and fail, but not when asked again: nobody counts them as broken. `unstable` are those that the
    reference does not pass whenever it is asked: they guard nothing.
    """

    ids: tuple[str, ...]
    against: Arm
    reference: dict[str, Item]
    candidate: dict[str, Item]
    wavering: frozenset[str]
    unstable: frozenset[str]

    def of(self, *kinds: str) -> list[str]:
        """Prompts that compare in one of these ways (see `comparison.pair`, and wavering)."""
        return [id for id in self.ids if self._way(id) in kinds]

    def _way(self, id: str) -> str:
        return "wavering" if id in self.wavering else pair(self.reference.get(id), self.candidate.get(id))

    def possibly(self, before: Outcome, after: Outcome) -> list[str]:
        """Prompts that went from one outcome to another for all that is known."""
        return [
            id
            for id in self.ids
            if id not in self.wavering
            and _could_be(self.reference.get(id), before)
            and _could_be(self.candidate.get(id), after)
        ]


def weigh(run: Run, evaluation: Evaluation) -> Rulings:
    """What the evaluation says: what is missing, what broke, and what held."""
    regression, held_out = _pairs(evaluation, "regression"), _pairs(evaluation, "held-out")
    yield from _arms(run, evaluation)
    yield from serving.told(evaluation)
    yield from outputs.told(run, evaluation)
    yield from _whole(evaluation, regression, held_out)
    yield from _regression(regression, run.plan.policy)
    yield from _held_out(held_out, run.plan.policy)
    yield note("decide", "held", _held(regression, held_out))


def _pairs(evaluation: Evaluation, kind: Literal["regression", "held-out"]) -> Pairs:
    return Pairs(
        ids=tuple(dict.fromkeys(evaluation.ids(kind))),
        against=reference_arm(evaluation),
        reference=evaluation.items(reference_arm(evaluation)),
        candidate=evaluation.items(Arm.CANDIDATE),
        wavering=unconfirmed(evaluation) if kind == "regression" else frozenset(),
        unstable=frozenset(
            id for id, samples in evaluation.samples(reference_arm(evaluation)).items() if not stable(samples)
        ),
    )


def _arms(run: Run, evaluation: Evaluation) -> Rulings:
    expected = {Arm.BASE: None, Arm.CANDIDATE: run.candidate}
    if run.baseline is not None and run.baseline.failure is None:
        expected[Arm.BASELINE] = run.baseline
    for arm, training in expected.items():
        found = evaluation.arms.get(arm.value)
        if found is None:
            yield unsure("evaluate", f"evaluation.missing.{arm.value}", f"the {arm.value} was not evaluated")
        elif training is not None and found.adapter_sha256 != training.adapter_sha256:
            text = f"the {arm.value} evaluated is not the adapter that was trained; run evaluate again"
            yield unsure("evaluate", f"evaluation.adapter.{arm.value}", text)
    for arm in (Arm.BASELINE, Arm.CANDIDATE):
        found = evaluation.arms.get(arm.value)
        base = run.provenance.base_model
        if found is not None and (problem := inactive(found.sentinel, expected.get(arm), base)):
            text = f"the adapter of the {arm.value} does not act on the base model: {problem}"
            yield unsure("evaluate", f"sentinel.inactive.{arm.value}", text)


def _whole(evaluation: Evaluation, regression: Pairs, held_out: Pairs) -> Rulings:
    if not regression.of("same", "fixed", "broken", "wavering"):
        text = "no regression prompt could be compared; twenty to fifty protect the most important uses"
        yield unsure("evaluate", "regression.empty", text)
    if not held_out.of("same", "fixed", "broken"):
        yield unsure(
            "evaluate", "held-out.empty", "no held-out example could be compared; reserve 10 to 20 %"
        )
    yield from _vacuous(regression, held_out)
    if missing := regression.of("missing") + held_out.of("missing"):
        text = f"the candidate has no completion for {count(len(missing), 'prompt')}: {names(missing)}"
        yield unsure("evaluate", "evaluation.missing-prompts", text)
    if twice := _ambiguous(evaluation):
        text = f"an arm answered {count(len(twice), 'prompt')} twice, with different outcomes: {names(twice)}"
        yield unsure("evaluate", "evaluation.ambiguous", text)
    cut = [id for pairs in (regression, held_out) for id in pairs.ids if _cut(pairs.candidate.get(id))]
    if cut:
        text = f"the token limit cut {count(len(cut), 'completion')} of the candidate: {names(cut)}"
        yield warn("evaluate", "evaluation.cut", text)


def _vacuous(regression: Pairs, held_out: Pairs) -> Rulings:
    """A set that nobody passes cannot tell a good candidate from a bad one: nothing in it could break."""
    for name, pairs in (("regression", regression), ("held-out", held_out)):
        outcomes = {
            arm[id].outcome for arm in (pairs.reference, pairs.candidate) for id in pairs.ids if id in arm
        }
        if outcomes == {Outcome.FAILED}:
            text = f"neither arm passes any prompt of the {name} set: nothing in it could break"
            yield unsure("evaluate", f"{name}.vacuous", text)


def _regression(pairs: Pairs, policy: Policy) -> Rulings:
    broken, accepted = pairs.of("broken"), f"the policy accepts {policy.max_broken}"
    if broken:
        text = f"{count(len(broken), 'regression prompt')} broken, {accepted}: {names(broken)}"
        if len(broken) > policy.max_broken:
            yield fail("decide", "regression.broken", text)
        else:
            yield warn("decide", "regression.accepted", text)
    if wavering := pairs.of("wavering"):
        text = f"{count(len(wavering), 'regression prompt')} failed once and not when asked again: {names(wavering)}"
        yield warn("decide", "regression.wavering", text)
    if unknown := pairs.of("ungraded", "new"):
        worst = len(pairs.possibly(Outcome.PASSED, Outcome.FAILED))
        ruling = unsure if worst > policy.max_broken else warn
        text = f"{count(len(unknown), 'regression prompt')} not compared ({names(unknown)})"
        yield ruling("decide", "regression.ungraded", f"{text}: up to {worst} may be broken, {accepted}")
    passing = [id for id in pairs.ids if _could_be(pairs.reference.get(id), Outcome.PASSED)]
    guarded = len(set(passing) - pairs.unstable)
    if passing and guarded <= policy.max_broken:
        ruling = unsure if pairs.against is Arm.BASELINE else warn
        steadily = " whenever it is asked" if len(passing) > guarded else ""
        passes = f"the {pairs.against.value} passes {count(guarded, 'regression prompt')}{steadily}"
        yield ruling("decide", "regression.powerless", f"{passes}, which can never fail a run: {accepted}")


def _held_out(pairs: Pairs, policy: Policy) -> Rulings:
    total, margin = len(pairs.ids), policy.margin
    fixed, broken = len(pairs.of("fixed")), len(pairs.of("broken"))
    worst = interval(len(pairs.possibly(Outcome.PASSED, Outcome.FAILED)), fixed, total)
    best = interval(broken, len(pairs.possibly(Outcome.FAILED, Outcome.PASSED)), total)
    if worst is None or best is None:
        return
    text = f"{_rates(pairs)}, a change of {_points(worst.lower)} to {_points(best.upper)} points"
    unknown = pairs.of("ungraded", "new", "missing")
    if unknown:
        known = f"{count(len(unknown), 'held-out example')} not compared, and counted at their worst"
        yield warn("decide", "held-out.ungraded", f"{known}: {names(unknown)}")
    if worst.lower >= -margin - TOLERANCE:
        if best.upper < -TOLERANCE:
            yield warn("decide", "held-out.small-drop", f"a real drop within the margin: {text}")
    elif best.upper < -TOLERANCE and best.lower < -margin - TOLERANCE:
        yield fail("decide", "held-out.worse", f"worse than the {pairs.against.value}: {text}")
    else:
        advice = _advice(needed(broken, fixed, total, margin), total, len(unknown))
        yield unsure("decide", "held-out.undecided", f"{text}, margin {100 * margin:g}: undecided; {advice}")


def _advice(needed: int | None, total: int, unknown: int) -> str:
    if needed is None:
        return "a margin of 0 can never be proved"
    if needed > total:
        return f"about {needed} examples would decide"
    return f"the {unknown} not compared may decide" if unknown else "the change is near the margin"


def _held(regression: Pairs, held_out: Pairs) -> str:
    lost = len(regression.of("broken", "missing", "ungraded", "new"))
    total = len(regression.ids)
    return f"{total - lost} of {count(total, 'regression prompt')} hold; {_rates(held_out)}"


def _rates(pairs: Pairs) -> str:
    candidate, reference = (
        sum(id in items and items[id].outcome is Outcome.PASSED for id in pairs.ids)
        for items in (pairs.candidate, pairs.reference)
    )
    return f"held-out {candidate} of {len(pairs.ids)} against {reference} of {len(pairs.ids)}"


def _points(share: float) -> str:
    # Rounded down, so that what is printed stands on the same side of zero and of the margin as the bound.
    return f"{math.floor(1000 * share + 1000 * TOLERANCE) / 10:+.1f}"


def _could_be(item: Item | None, outcome: Outcome) -> bool:
    return item is None or item.outcome in (outcome, Outcome.UNGRADED)


def _cut(item: Item | None) -> bool:
    return item is not None and item.completion.finish == "length"


def _ambiguous(evaluation: Evaluation) -> list[str]:
    """Prompts that one arm answered twice with different outcomes: which counts is anybody's guess."""
    outcomes: dict[tuple[str, str], set[Outcome]] = {}
    for name, arm in evaluation.arms.items():
        for item in arm.items:
            outcomes.setdefault((name, item.prompt), set()).add(item.outcome)
    return sorted({prompt for (_, prompt), seen in outcomes.items() if len(seen) > 1})
