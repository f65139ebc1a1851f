"""What holds for every run: order is nothing, and worse evidence never makes a better verdict."""

import random
from collections.abc import Callable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ftgate.decide.comparison import compare
from ftgate.decide.gate import decide
from ftgate.decide.rulings import rank
from ftgate.values.evaluation import Arm, Item
from ftgate.values.run import Run, VerdictOutcome
from tests.decide.builders import item, run, with_arm, with_policy

PAIRS = st.sampled_from(
    ["PP", "PP", "PP", "PP", "FF", "PF", "FP", "PU", "UP", "UU", "FU", "UF", "P-", "-P", "-F", "F-"]
)
MOSTLY_GOOD = st.builds(
    lambda good, others: ["PP"] * good + others, st.integers(0, 120), st.lists(PAIRS, max_size=25)
)
POLICIES = st.fixed_dictionaries({"max_broken": st.integers(0, 4), "margin": st.floats(0.01, 0.5)})
RUNS = st.builds(lambda r, h, policy: with_policy(run(r, h), **policy), MOSTLY_GOOD, MOSTLY_GOOD, POLICIES)

Change = Callable[[Item], Item | None]
CHANGES: dict[str, Change] = {
    "failed": lambda old: item(old.prompt, "F"),
    "ungraded": lambda old: item(old.prompt, "U"),
    "removed": lambda old: None,
}


def candidate_items(of: Run) -> tuple[Item, ...]:
    assert of.evaluation
    return of.evaluation.arms[Arm.CANDIDATE.value].items


def changed(of: Run, prompt: str, change: Change) -> Run:
    """The run with one completion of the candidate graded otherwise."""
    items = [change(old) if old.prompt == prompt else old for old in candidate_items(of)]
    return with_arm(of, Arm.CANDIDATE, items=tuple(i for i in items if i is not None))


@settings(max_examples=150, deadline=None)
@given(RUNS, st.data())
def test_worse_evidence_never_improves_the_verdict(of: Run, data: st.DataObject) -> None:
    items = candidate_items(of)
    if not items:
        return
    chosen = data.draw(st.sampled_from(items))
    before = decide(of).outcome
    for name, change in CHANGES.items():
        after = decide(changed(of, chosen.prompt, change)).outcome
        if name == "failed" or chosen.outcome.value == "passed":
            assert rank(after) >= rank(before), name
        # Losing a failure may turn a fail into "not known"; it never makes a pass.
        assert after is not VerdictOutcome.PASS or before is VerdictOutcome.PASS, name


@settings(max_examples=60, deadline=None)
@given(RUNS, st.randoms(use_true_random=False))
def test_the_order_of_items_and_prompts_is_nothing(of: Run, chance: random.Random) -> None:
    assert of.evaluation
    prompts = list(of.evaluation.prompts)
    chance.shuffle(prompts)
    shuffled = replace(of, evaluation=replace(of.evaluation, prompts=tuple(prompts)))
    for arm in Arm:
        items = list(of.evaluation.arms[arm.value].items)
        chance.shuffle(items)
        shuffled = with_arm(shuffled, arm, items=tuple(items))
    one, other = decide(of), decide(shuffled)
    assert (one.outcome, one.decided_by) == (other.outcome, other.decided_by)
    assert [reason.id for reason in one.reasons] == [reason.id for reason in other.reasons]


@settings(max_examples=60, deadline=None)
@given(RUNS)
def test_a_verdict_is_plain_json_and_repeats_itself(of: Run) -> None:
    verdict = decide(of)
    stored = msgspec.json.decode(msgspec.json.encode(of), type=Run)
    assert decide(stored) == verdict
    assert of.evaluation
    text = msgspec.json.encode([verdict, compare(of.evaluation, of.plan.policy.margin)]).decode()
    assert "NaN" not in text
    assert "nan" not in " ".join(reason.text for reason in verdict.reasons)


@settings(max_examples=60, deadline=None)
@given(MOSTLY_GOOD, POLICIES)
def test_an_empty_set_never_passes(pairs: list[str], policy: dict[str, float]) -> None:
    for empty in (run([], pairs), run(pairs, [])):
        assert decide(with_policy(empty, **policy)).outcome is not VerdictOutcome.PASS


@settings(max_examples=60, deadline=None)
@given(RUNS)
def test_every_verdict_has_a_reason_for_itself_first(of: Run) -> None:
    verdict = decide(of)
    ranks = [(-rank(reason.decides), reason.severity.rank) for reason in verdict.reasons]
    assert ranks == sorted(ranks)
    assert verdict.reasons[0].decides is verdict.outcome
    assert len({reason.id for reason in verdict.reasons}) == len(verdict.reasons)
