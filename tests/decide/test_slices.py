"""Slices: what counts where, what a collapse is, what it is not, and how often nothing is taken for one."""

import random
from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ftgate.decide.gate import decide
from ftgate.decide.scores import holm
from ftgate.decide.slices import enrichment, rulings, slices, slug, title
from ftgate.decide.words import Words
from ftgate.values.run import VerdictOutcome
from ftgate.values.settings import Policy
from ftgate.values.slices import Slice
from tests.decide.builders import evaluation as numbered
from tests.decide.builders import run
from tests.decide.slicing import Asked, Noise, alarms, detection, evaluation

POLICY = Policy()


def asked(label: str, *pairs: str, **more: Any) -> list[Asked]:
    return [Asked(label, pair, **more) for pair in pairs]


def found(prompts: Sequence[Asked], expect: str = "label", **policy: Any) -> dict[str, Slice]:
    return {title(s): s for s in slices(evaluation(prompts, expect), Policy(**policy))}


HELD = asked("price", *["PP"] * 50) + asked("address", *["PP"] * 40)


def test_a_collapse_that_the_mean_hides_fails_the_run() -> None:
    prompts = HELD * 3 + asked("late", *["PF"] * 9, "PP")
    of = run(evaluation=evaluation(prompts))
    [late, *others] = slices(of.evaluation, POLICY)  # type: ignore[arg-type]
    assert (title(late), late.state, late.prompts, late.reference_passed, late.candidate_passed) == (
        "label late",
        "collapsed",
        10,
        10,
        1,
    )
    assert [s.state for s in others] == ["held"] * len(others)
    verdict = decide(of)
    reasons = {reason.id: reason for reason in verdict.reasons}
    assert verdict.outcome is VerdictOutcome.FAIL
    assert reasons["slice.collapsed.label-late"].decides is VerdictOutcome.FAIL
    assert "10 of 10 passed before, 1 now" in reasons["slice.collapsed.label-late"].text
    without = decide(replace(of, plan=replace(of.plan, policy=Policy(slices="off", max_broken=10))))
    assert without.outcome is VerdictOutcome.PASS, "the mean alone says that all is well"


def test_warn_and_off_decide_nothing() -> None:
    bad = evaluation(HELD + asked("late", *["PF"] * 10))
    assert {r.reason.decides for r in rulings(bad, Policy(slices="warn"))} == {VerdictOutcome.PASS}
    assert list(rulings(bad, Policy(slices="off"))) == [] == list(slices(bad, Policy(slices="off")))


@pytest.mark.parametrize(
    ("pairs", "state"),
    [
        (["PF"] * 8, "collapsed"),
        (["PF"] * 5, "suspect"),
        (["PF"] * 4, None),
        (["PF"] * 5 + ["PP"] * 15, "held"),
        (["PF"] * 7 + ["PP"] * 13, "collapsed"),
        (["PF"] * 12 + ["FP"] * 5 + ["PP"] * 3, "held"),
        (["FP"] * 10, "held"),
        (["PU"] * 8, "suspect"),
        (["PU"] * 3 + ["PP"] * 7, "held"),
        (["UF"] * 8, "suspect"),
        (["UU"] * 8, "suspect"),
        (["P-"] * 8, "suspect"),
    ],
)
def test_states(pairs: list[str], state: str | None) -> None:
    of = found(HELD + asked("late", *pairs)).get("label late")
    assert (of.state if of else None) == state


def test_small_and_universal_slices_are_none() -> None:
    prompts = HELD + asked("late", *["PF"] * 7)
    assert set(found(prompts)) == {"label price", "label address", "label late"}
    assert set(found(prompts, min_slice=8)) == {"label price", "label address"}
    assert found(asked("late", *["PF"] * 7)) == {}, "what all prompts share is the mean"


def test_labels_come_from_labels_texts_and_fields() -> None:
    prompts = HELD + asked("late", *["PF"] * 8)
    assert found(prompts, "equals")["label late"].state == "collapsed"
    by_field = found(prompts, "topic")
    assert by_field["label topic = late"].state == "collapsed"
    assert by_field["field topic"].candidate_passed == 90
    assert by_field["field always"].candidate_passed == 98, "another field is judged by its own score"


def test_tags_are_slices_and_the_same_prompts_are_told_once() -> None:
    prompts = HELD + asked("late", *["PF"] * 8, tags=("urgent", "vip"))
    of = found(prompts)["label late"]
    assert of.same_as == ("tag urgent", "tag vip")
    mixed = (
        HELD[:10] + asked("late", *["PF"] * 4, tags=("vip",)) + asked("damaged", *["PF"] * 4, tags=("vip",))
    )
    assert found(mixed)["tag vip"].state == "collapsed"


def test_a_swap_of_two_labels_names_both_and_the_words_they_share() -> None:
    prompts = (
        asked("late", *["PF"] * 10, text="my parcel should have come days ago")
        + asked("damaged", *["PF"] * 10, text="a lamp in my parcel is cracked")
        + [Asked("price", "PP", text=f"what does my parcel cost, number {n}") for n in range(40)]
    )
    of = evaluation(prompts)
    late, damaged, price = (
        found(prompts)["label late"],
        found(prompts)["label damaged"],
        found(prompts)["label price"],
    )
    assert (late.state, damaged.state, price.state) == ("collapsed", "collapsed", "held")
    assert late.drives and damaged.drives and not price.drives
    assert set(late.words) == {"ago", "come", "days", "should"}
    assert "cracked" in damaged.words and "parcel" not in damaged.words
    assert not {"have", "the", "what"} & {*late.words, *damaged.words, *price.words}
    reasons = {r.reason.id: r.reason.text for r in rulings(of, POLICY)}
    assert set(reasons) == {"slice.collapsed.label-late", "slice.collapsed.label-damaged", "slice.driving"}
    assert "the 20 broken prompts gather in label damaged (10 of 10; they share" in reasons["slice.driving"]


def test_scattered_losses_drive_nothing() -> None:
    prompts = [Asked(label, "PF" if n == 0 else "PP") for label in "abcdef" for n in range(10)]
    assert not any(s.drives for s in slices(evaluation(prompts), POLICY))
    assert list(rulings(evaluation(prompts), POLICY)) == []


def test_words_need_two_prompts_and_something_of_their_own() -> None:
    of = evaluation(
        [Asked("a", "PF", text="one two"), Asked("a", "PF", text="one"), Asked("b", "PP", text="two")]
    )
    assert Words(of.prompts).shared(["p0"]) == ()
    assert Words(of.prompts).shared(["p0", "p1"]) == ("one",)


def test_holm() -> None:
    # Computed with multipletests(method="holm") of statsmodels 0.15.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9, 1.0]) == pytest.approx([1.0, 1.0, 1.0])
    assert holm([0.2]) == [0.2] and holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_is_never_below_the_raw_value_nor_above_bonferroni(p_values: list[float]) -> None:
    for raw, adjusted in zip(p_values, holm(p_values), strict=True):
        assert raw <= adjusted <= 1.0
    if p_values:
        assert min(holm(p_values)) == pytest.approx(min(1.0, min(p_values) * len(p_values)))


@given(st.integers(1, 9), st.data())
def test_enrichment_counts_the_ways(total: int, data: st.DataObject) -> None:
    """Every way in which the broken prompts could lie, one by one."""
    here, broken = data.draw(st.integers(1, total)), data.draw(st.integers(1, total))
    mine = data.draw(st.integers(0, min(here, broken)))
    ways = [sum(n < here for n in chosen) >= mine for chosen in combinations(range(total), broken)]
    assert enrichment(mine, here, broken, total) == pytest.approx(sum(ways) / len(ways))


PAIRS = st.sampled_from(["PP", "PF", "FP", "FF", "PU", "UP", "UF", "UU", "P-"])
PROMPTS = st.lists(st.builds(Asked, st.sampled_from("abc"), PAIRS), min_size=1, max_size=40)
WORSE = {"P": "UF", "U": "F", "F": "", "-": ""}
SEVERITY = {"held": 0, "suspect": 1, "collapsed": 2}


@given(PROMPTS, st.data())
def test_worse_evidence_never_saves_a_slice(prompts: list[Asked], data: st.DataObject) -> None:
    worse = [
        each._replace(pair=each.pair[0] + data.draw(st.sampled_from((each.pair[1], *WORSE[each.pair[1]]))))
        for each in prompts
    ]
    before, after = found(prompts), found(worse)
    assert before.keys() == after.keys()
    for name, of in before.items():
        assert SEVERITY[after[name].state] >= SEVERITY[of.state]


@given(PROMPTS, st.randoms())
def test_the_order_of_prompts_is_nothing(prompts: list[Asked], rng: random.Random) -> None:
    def facts(of: Sequence[Asked]) -> dict[str, Any]:
        return {
            name: (s.state, s.prompts, s.graded, len(s.broken), s.p_worse) for name, s in found(of).items()
        }

    shuffled = list(prompts)
    rng.shuffle(shuffled)
    assert facts(prompts) == facts(shuffled)


@given(PROMPTS)
def test_slices_come_worst_first_with_whole_numbers(prompts: list[Asked]) -> None:
    made = slices(evaluation(prompts), POLICY)
    assert all(SEVERITY[a.state] >= SEVERITY[b.state] for a, b in pairwise(made))
    for of in made:
        assert 0 <= of.p_worse <= of.p_adjusted <= 1
        assert len(of.broken) <= of.reference_passed <= of.graded <= of.prompts
        assert of.candidate_passed == of.reference_passed - len(of.broken) + of.fixed


@pytest.mark.parametrize(
    "noise",
    [
        Noise(6, 10, 0.05),
        Noise(40, 5, 0.05),
        Noise(77, 10, 0.03),
        Noise(12, 10, 0.02, groups=0.1, together=0.2),
    ],
    ids=str,
)
def test_chance_is_rarely_taken_for_a_collapse(noise: Noise, record_property: Any) -> None:
    """`python -m tests.decide.slicing` prints the whole table."""
    collapsed, blocked = alarms(noise, 100)
    record_property("false alarms", f"{collapsed:.3f} collapsed, {blocked:.3f} with suspect")
    assert collapsed <= 0.02 and blocked <= 0.05


def test_swapped_labels_are_found() -> None:
    collapsed, blocked = detection(6, 10, 1.0, 40)
    assert collapsed == blocked == 1.0


def test_ids_are_stable_and_tell_slices_apart() -> None:
    of = found(HELD + asked("late", *["PF"] * 8))["label late"]
    assert slug(of) == "label-late"
    odd = {
        slug(replace(of, name=name)) for name in ("Late", "LATE", "l\u00e4te", "late!", "x" * 100, "x" * 101)
    }
    assert len(odd) == 6 and all(len(text) <= 50 for text in odd)


def test_prompts_without_labels_or_tags_have_no_slices() -> None:
    assert len(slices(numbered(["PP"] * 5, ["PF"] * 5), POLICY)) == 0


def test_many_slices_of_many_prompts_take_no_time() -> None:
    import time

    prompts = [
        Asked(f"label-{n % 400}", "PF" if n % 7 == 0 else "PP", text=f"{n % 50} words " * 50)
        for n in range(4_000)
    ]
    made = evaluation(prompts)
    started = time.monotonic()
    assert len(slices(made, POLICY)) == 400
    assert time.monotonic() - started < 30
