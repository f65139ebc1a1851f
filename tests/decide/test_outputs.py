"""Cut, empty and identical completions: what they prove, and where they prove nothing."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.decide.gate import decide
from ftgate.decide.outputs import loss_moved
from ftgate.values.evaluation import Arm, Completion
from ftgate.values.run import Run, VerdictOutcome
from ftgate.values.training import LossPoint
from tests.decide.builders import run, training, with_arm


def curve(*losses: float | None) -> tuple[LossPoint, ...]:
    return tuple(LossPoint(step=n, epoch=1.0, train=loss) for n, loss in enumerate(losses, 1))


def learned(pairs: Sequence[str], base: str, texts: str, losses: Sequence[float] = (2.0, 0.5)) -> Run:
    """A run over held-out pairs. `base` are the base's outcomes; `texts` says of each of the candidate's completions
    whether it is the base's (=) or another (.)."""
    of = run(("PP",) * 30, pairs)
    assert of.evaluation
    items = of.evaluation.arms["base"].items
    outcomes = {f"h{n}": letter for n, letter in enumerate(base)}
    at_base = [replace(i, completion=said(f"base {i.prompt}")) for i in items]
    failed = of.evaluation.arms["candidate"].items
    bad = next((i.grades for i in failed if i.completion.text == "F"), ())
    at_base = [replace(i, grades=bad) if outcomes.get(i.prompt) == "F" else i for i in at_base]
    marks = {f"h{n}": mark for n, mark in enumerate(texts)}
    own = [
        replace(i, completion=said(f"base {i.prompt}" if marks.get(i.prompt, "=") == "=" else "own"))
        for i in failed
    ]
    of = with_arm(of, Arm.BASE, items=tuple(at_base))
    of = with_arm(of, Arm.CANDIDATE, items=tuple(own))
    assert of.candidate
    return replace(of, candidate=replace(of.candidate, curve=curve(*losses)))


def said(text: str, finish: Any = "stop") -> Completion:
    return Completion(text=text, finish=finish, tokens=1)


def ids(of: Run) -> list[str]:
    return [reason.id for reason in decide(of).reasons]


# Ten of a hundred held-out prompts are wrong for the base, and stay wrong for both trained arms.
PAIRS = ["FF"] * 10 + ["PP"] * 90
BASE = "F" * 10 + "P" * 90


def test_the_bases_own_completions_after_a_loss_that_moved_are_no_evidence() -> None:
    of = learned(PAIRS, BASE, "=" * 100)
    verdict = decide(of)
    assert verdict.outcome is VerdictOutcome.INCONCLUSIVE
    assert verdict.reasons[0].id == "sentinel.identical.candidate"
    assert (
        "130 of 130 completions" in verdict.reasons[0].text and "10 of them wrong" in verdict.reasons[0].text
    )
    assert "engine" in verdict.reasons[0].remedy


@pytest.mark.parametrize(("other", "blocks"), [(6, True), (7, False)])
def test_the_line_is_at_95_percent_of_all_completions(other: int, blocks: bool) -> None:
    of = learned(PAIRS, BASE, "=" * (100 - other) + "." * other)
    assert ("sentinel.identical.candidate" in ids(of)) is blocks


def test_other_answers_where_the_base_is_wrong_are_proof() -> None:
    """Four of 130 differ, and they are among the few that the base gets wrong: that is what a good adapter does."""
    of = learned(PAIRS, BASE, "...." + "=" * 96)
    assert not [id for id in ids(of) if id.startswith("sentinel")]


def test_where_the_base_is_right_identical_completions_prove_nothing() -> None:
    of = learned(["PP"] * 100, "P" * 100, "=" * 100)
    verdict = decide(of)
    assert verdict.outcome is VerdictOutcome.PASS
    [reason] = [r for r in verdict.reasons if r.id == "sentinel.unproven.candidate"]
    assert "the base passes them, so that it proves nothing" in reason.text


@pytest.mark.parametrize(("wrong", "id"), [(4, "sentinel.unproven"), (5, "sentinel.identical")])
def test_a_handful_of_prompts_is_needed_to_tell(wrong: int, id: str) -> None:
    of = learned(["FF"] * wrong + ["PP"] * (100 - wrong), "F" * wrong + "P" * (100 - wrong), "=" * 100)
    assert f"{id}.candidate" in ids(of)


@pytest.mark.parametrize("losses", [(), (2.0,), (2.0, 1.95), (2.0, float("nan"))])
def test_a_loss_that_did_not_move_explains_identical_completions(losses: Sequence[float]) -> None:
    assert not loss_moved(training("c" * 64, curve=curve(*losses)))
    assert "sentinel.identical.candidate" not in ids(learned(PAIRS, BASE, "=" * 100, losses))


def test_a_loss_that_moved_either_way_did_move() -> None:
    assert loss_moved(training("c" * 64, curve=curve(None, 2.0, None, 1.8)))
    assert loss_moved(training("c" * 64, curve=curve(2.0, 2.2)))


def test_the_baseline_is_looked_at_too() -> None:
    of = learned(PAIRS, BASE, "." * 100)
    assert of.evaluation and of.baseline
    taught = replace(of.baseline, curve=curve(2.0, 1.0))
    of = replace(with_arm(of, Arm.BASELINE, items=of.evaluation.arms["base"].items), baseline=taught)
    assert "sentinel.identical.baseline" in ids(of)
    assert "sentinel.identical.candidate" not in ids(of)


def test_one_adapter_from_one_data_set_is_no_change() -> None:
    of = run()
    assert of.baseline
    of = replace(with_arm(of, Arm.CANDIDATE, adapter_sha256="b" * 64), candidate=of.baseline)
    verdict = decide(of)
    assert verdict.outcome is VerdictOutcome.PASS
    assert "no change" in next(r.text for r in verdict.reasons if r.id == "adapter.same")


def test_one_adapter_from_two_data_sets_is_no_training() -> None:
    of = run(candidate=training("b" * 64, data_sha256="e" * 64))
    of = with_arm(of, Arm.CANDIDATE, adapter_sha256="b" * 64)
    verdict = decide(of)
    assert (verdict.outcome, verdict.reasons[0].id) == (VerdictOutcome.INCONCLUSIVE, "sentinel.same-adapter")


def test_cut_and_empty_completions_are_named_for_each_arm() -> None:
    of = run()
    assert of.evaluation
    for arm, completion in ((Arm.BASELINE, said("half", "length")), (Arm.CANDIDATE, said(" \n"))):
        first, *rest = of.evaluation.arms[arm.value].items
        of = with_arm(of, arm, items=(replace(first, completion=completion), *rest))
    assert {"evaluation.cut.baseline", "evaluation.empty.candidate"} <= set(ids(of))
    assert "evaluation.empty.baseline" not in ids(of)
    assert of.evaluation
    shares = of.evaluation.shares(Arm.CANDIDATE)
    assert shares and (shares.answered, shares.cut, shares.empty) == (130, (), ("r0",))
    assert shares.identical is not None and len(shares.identical) == 129
    base = of.evaluation.shares(Arm.BASE)
    assert base and base.identical is None
