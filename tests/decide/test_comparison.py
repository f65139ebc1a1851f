"""Every prompt in one list, and the held-out pairs counted."""

import pytest
from msgspec.structs import replace

from ftgate.decide.comparison import compare
from ftgate.decide.gate import decide
from ftgate.values.evaluation import Arm, Evaluation
from ftgate.values.run import VerdictOutcome
from tests.decide.builders import evaluation, item, run


def test_every_regression_prompt_is_in_exactly_one_list() -> None:
    pairs = ["PF", "FP", "PP", "FF", "-P", "-F", "P-", "--", "PU", "UF", "UU"]
    found = compare(evaluation(pairs, []), 0.1)
    assert (found.broken, found.fixed, found.same) == (("r0",), ("r1",), ("r2", "r3"))
    assert (found.new, found.missing, found.ungraded) == (("r4", "r5"), ("r6", "r7"), ("r8", "r9", "r10"))


def test_the_reference_is_the_baseline_where_there_is_one() -> None:
    assert compare(evaluation(["PP"], ["PP"]), 0.1).reference is Arm.BASELINE
    alone = compare(evaluation(["PF"], ["PF"], Arm.BASE), 0.1)
    assert (alone.reference, alone.held_out.reference, alone.broken) == (Arm.BASE, Arm.BASE, ("r0",))


def test_held_out_pairs_are_counted_and_bounded() -> None:
    pairs = ["PP"] * 17 + ["PF"] * 2 + ["FP"] + ["PU", "P-", "-P", "UU"]
    paired = compare(evaluation([], pairs), 0.1).held_out
    assert (paired.total, paired.graded, paired.fixed, paired.broken, paired.needed) == (24, 20, 1, 2, 140)
    assert paired.difference == pytest.approx(-0.05)
    assert paired.lower == pytest.approx(-0.21188, abs=1e-5)
    assert paired.upper == pytest.approx(0.12097, abs=1e-5)
    assert paired.p_worse == 0.5


@pytest.mark.parametrize("pairs", [[], ["UU"], ["P-"], ["-P"]])
def test_where_nothing_was_graded_there_is_no_number(pairs: list[str]) -> None:
    paired = compare(evaluation([], pairs), 0.1).held_out
    assert (paired.total, paired.graded) == (len(pairs), 0)
    assert (paired.difference, paired.lower, paired.upper, paired.p_worse, paired.needed) == (None,) * 5


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        ("", "", "broken"),  # nobody asked again: the suspicion stands
        ("PPP", "FFF", "broken"),
        ("PPP", "FFP", "broken"),
        ("PPP", "FPP", "wavering"),
        ("PPF", "FFF", "wavering"),  # the reference does not hold it either
        ("PPU", "FFF", "broken"),
        ("PPP", "UUP", "broken"),  # what is not known counts at its worst
        ("PPP", "", "broken"),
        ("PPP", "FP", "wavering"),
    ],
)
def test_a_suspect_is_asked_again(before: str, after: str, way: str) -> None:
    asked = sampled(evaluation(["PF", "PP"], []), "r0", before, after)
    found = compare(asked, 0.1)
    assert {"broken": found.broken, "wavering": found.wavering}[way] == ("r0",)
    assert len(found.broken) + len(found.wavering) == 1


def test_samples_of_a_prompt_that_holds_change_nothing() -> None:
    assert compare(sampled(evaluation(["PP"], []), "r0", "FFF", "FFF"), 0.1).same == ("r0",)


def test_a_baseline_that_wavers_everywhere_guards_nothing() -> None:
    """Every prompt fails for the candidate, and none counts as broken: that is no pass."""
    asked = evaluation(["PF"] * 30, ["PP"] * 100)
    for n in range(30):
        asked = sampled(asked, f"r{n}", "PPF", "FFF")
    verdict = decide(run(evaluation=asked))
    assert verdict.outcome is VerdictOutcome.INCONCLUSIVE
    assert "regression.powerless" in [reason.id for reason in verdict.reasons]


def sampled(of: Evaluation, id: str, before: str, after: str) -> Evaluation:
    """The evaluation with fresh samples of one prompt for reference and candidate."""
    arms = dict(of.arms)
    for arm, letters in ((Arm.BASELINE, before), (Arm.CANDIDATE, after)):
        drawn = tuple(item(id, letter) for letter in letters)
        arms[arm.value] = replace(arms[arm.value], samples=(*arms[arm.value].samples, *drawn))
    return replace(of, arms=arms)
