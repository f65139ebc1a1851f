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
from ftgate.values.spot_check import SpotCheck, Tally
from tests.decide.builders import item, prompt, run, with_arm, with_policy
from tests.decide.scoring import judged_run

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


SAMPLES = st.text("PPFU", max_size=3)


def sampled(of: Run, arm: Arm, prompt: str, letters: str) -> Run:
    """The run with these fresh samples of one prompt, and no others."""
    return with_arm(of, arm, samples=tuple(item(prompt, letter) for letter in letters))


@settings(max_examples=100, deadline=None)
@given(MOSTLY_GOOD, POLICIES, SAMPLES, SAMPLES, st.data())
def test_worse_fresh_samples_never_improve_the_verdict(
    pairs: list[str], policy: dict[str, float], before: str, after: str, data: st.DataObject
) -> None:
    """A sample of the candidate that fails instead, or one of the reference that passes instead, makes a suspect more
    suspect; and taking the samples away leaves the suspicion."""
    made = with_policy(run(["PF", "PF", "PF", *pairs], ["PP"] * 100), **policy)
    drawn = sampled(sampled(made, Arm.BASELINE, "r0", before), Arm.CANDIDATE, "r0", after)
    verdict = rank(decide(drawn).outcome)
    if after:
        at = data.draw(st.integers(0, len(after) - 1))
        worse = after[:at] + data.draw(st.sampled_from("FU")) + after[at + 1 :]
        assert rank(decide(sampled(drawn, Arm.CANDIDATE, "r0", worse)).outcome) >= verdict
    assert rank(decide(sampled(drawn, Arm.BASELINE, "r0", before.replace("F", "P"))).outcome) >= verdict
    assert rank(decide(sampled(drawn, Arm.CANDIDATE, "r0", "")).outcome) >= rank(
        decide(sampled(drawn, Arm.CANDIDATE, "r0", "P" * len(after))).outcome
    )


SCORED = st.builds(
    lambda good, others: [(5, 5)] * good + others,
    st.integers(5, 60),
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=8),
)


@settings(max_examples=60, deadline=None)
@given(SCORED, st.data())
def test_a_lower_or_a_lost_score_never_improves_the_verdict(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(pairs) - 1))
    reference, candidate = pairs[at]
    before = decide(judged_run(pairs))
    lower: list[tuple[int | None, int | None]] = [*pairs]
    lower[at] = (reference, data.draw(st.integers(1, candidate)))
    after = decide(judged_run(lower))
    # The bootstrap takes decisions back and is no monotone function of the scores; what it says is told.
    divided = any("bootstrap" in reason.text for reason in (*before.reasons, *after.reasons))
    assert divided or rank(after.outcome) >= rank(before.outcome)
    lost: list[tuple[int | None, int | None]] = [*pairs]
    lost[at] = data.draw(st.sampled_from([(reference, None), (None, candidate), (None, None)]))
    without = decide(judged_run(lost))
    divided = any("bootstrap" in reason.text for reason in (*before.reasons, *without.reasons))
    assert divided or without.outcome is not VerdictOutcome.PASS or before.outcome is VerdictOutcome.PASS


@settings(max_examples=30, deadline=None)
@given(SCORED, st.randoms(use_true_random=False))
def test_the_order_of_scores_is_nothing_and_none_is_nan(
    pairs: list[tuple[int, int]], chance: random.Random
) -> None:
    mixed = list(pairs)
    chance.shuffle(mixed)
    one, other = decide(judged_run(pairs)), decide(judged_run(mixed))
    assert [(r.id, r.text) for r in one.reasons if "scores" in r.id] == [
        (r.id, r.text) for r in other.reasons if "scores" in r.id
    ]
    assert one.outcome is other.outcome
    assert "nan" not in " ".join(reason.text for reason in one.reasons)


@settings(max_examples=40, deadline=None)
@given(st.text("PPPPF", min_size=10, max_size=30), st.text("PPPF", min_size=30, max_size=30), st.data())
def test_losing_one_more_ability_never_improves_the_verdict(
    base: str, said: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(base) - 1))
    worse = said[:at] + data.draw(st.sampled_from("FU")) + said[at + 1 :]
    one, other = (decide(probed(base, letters)).outcome for letters in (said, worse))
    assert rank(other) >= rank(one) or (one is VerdictOutcome.FAIL and other is not VerdictOutcome.PASS)


def probed(base: str, candidate: str) -> Run:
    """A run whose policy makes lost abilities an error, with these outcomes of its probes."""
    made = with_policy(run(), forgetting="error")
    assert made.evaluation
    probes = tuple(prompt(f"p{n}", "probe") for n in range(len(base)))
    evaluation = replace(made.evaluation, prompts=(*made.evaluation.prompts, *probes))
    made = replace(made, evaluation=evaluation)
    for arm, letters in ((Arm.BASE, base), (Arm.BASELINE, base), (Arm.CANDIDATE, candidate)):
        said = tuple(item(f"p{n}", letters[n]) for n in range(len(base)))
        made = with_arm(made, arm, items=(*evaluation.arms[arm.value].items, *said))
    return made


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.sampled_from(["optional", "required"]))
def test_one_more_card_that_nobody_would_ship_never_improves_the_verdict(
    no: int, voted: int, required: str
) -> None:
    def outcome(no: int) -> int:
        tally = Tally(shown=20, ship=max(0, voted - no), no=no)
        read = SpotCheck(sheet="s", by="x", candidate=tally, base=tally, unshippable=("h0",) * no)
        return rank(decide(replace(with_policy(run(), spot_check=required), spot_check=read)).outcome)

    assert outcome(min(20, no + 1)) >= outcome(no) or voted < no + 1


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
