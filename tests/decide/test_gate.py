"""The gate, rule by rule as its page numbers them."""

import math
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.decide.gate import decide
from ftgate.values.evaluation import Arm, Sentinel
from ftgate.values.finding import Severity
from ftgate.values.run import Protected, Reason, Run, Verdict
from ftgate.values.training import LossPoint
from tests.decide.builders import (
    evaluation,
    finding,
    item,
    plan,
    run,
    training,
    with_arm,
    with_policy,
    without_baseline,
)


def reasons(verdict: Verdict) -> dict[str, Reason]:
    found = {reason.id: reason for reason in verdict.reasons}
    assert len(found) == len(verdict.reasons), (
        "every reason has an id of its own, so that a waiver can name it"
    )
    return found


def says(of: Run) -> tuple[str, str, list[str]]:
    """Outcome, deciding stage, and the ids of the reasons that ask for that outcome."""
    verdict = decide(of)
    ids = [reason.id for reason in verdict.reasons if reason.decides is verdict.outcome]
    return verdict.outcome.value, verdict.decided_by, ids if verdict.outcome.value != "pass" else []


def test_a_candidate_that_holds_passes_and_says_what_held() -> None:
    verdict = decide(run(held_out=["PP"] * 88 + ["PF"] * 2 + ["FP"] * 3 + ["FF"] * 7))
    assert (verdict.outcome.value, verdict.decided_by) == ("pass", "decide")
    assert [reason.text for reason in verdict.reasons] == [
        "30 of 30 regression prompts hold; held-out 91 of 100 against 90 of 100"
    ]


def test_1_without_changed_training_data_there_is_nothing_to_decide() -> None:
    protected = (Protected(path="ftgate.yaml", role="settings", change="modified"),)
    of = run(plan=plan(applicable=False, why="no training data changed", changed=(), protected=protected))
    verdict = decide(
        replace(of, candidate=None, evaluation=None, findings=(finding("roles", Severity.ERROR),))
    )
    assert (verdict.outcome.value, verdict.decided_by) == ("not-applicable", "plan")
    assert [reason.text for reason in verdict.reasons] == [
        "no training data changed",
        "changed here, takes effect after merge: ftgate.yaml (settings, modified)",
    ]


def test_2_an_error_fails_with_one_reason_for_each_check() -> None:
    errors = [
        finding("roles", Severity.ERROR, 2),
        finding("output", Severity.ERROR),
        finding("roles", Severity.ERROR),
    ]
    of = replace(run(), findings=tuple(errors), candidate=None, baseline=None, evaluation=None)
    assert says(of) == ("fail", "validate", ["findings.roles", "findings.output"])
    assert (
        reasons(decide(of))["findings.roles"].text
        == "roles: 2 errors, first at data/train/a.jsonl:2: is wrong"
    )
    assert len(decide(of).reasons) == 2


def test_2_errors_fail_whatever_was_evaluated() -> None:
    of = replace(run(), findings=(finding("secrets", Severity.ERROR),))
    assert says(of) == ("fail", "validate", ["findings.secrets"])


def test_2_warnings_are_counted_and_decide_nothing() -> None:
    warnings = [finding("size", Severity.WARNING), finding("duplicate", Severity.WARNING)]
    verdict = decide(replace(run(), findings=(*warnings, finding("duplicate", Severity.WARNING))))
    assert (verdict.outcome.value, verdict.reasons[0].text) == ("pass", "3 warnings: duplicate 2, size 1")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"failure": "out of memory"}, ("fail", "train", ["training.failed"])),
        ({"failure": ""}, ("fail", "train", ["training.failed"])),
        ({"curve": (LossPoint(step=1, epoch=0.1, train=math.nan),)}, ("fail", "train", ["training.failed"])),
        (
            {"curve": (LossPoint(step=1, epoch=0.1, held_out=math.inf),)},
            ("fail", "train", ["training.failed"]),
        ),
        ({"examples": 0}, ("inconclusive", "train", ["training.empty"])),
    ],
)
def test_3_a_training_that_failed(changes: dict[str, Any], expected: tuple[str, str, list[str]]) -> None:
    assert says(run(candidate=training("c" * 64, **changes))) == expected
    if expected[0] == "fail":
        assert says(run(candidate=training("c" * 64, **changes), evaluation=None)) == expected


def test_3_a_finite_curve_is_no_reason() -> None:
    curve = (LossPoint(step=1, epoch=0.1, train=2.0), LossPoint(step=2, epoch=0.2, train=1.0, held_out=1.5))
    assert says(run(candidate=training("c" * 64, curve=curve)))[0] == "pass"


def test_3_no_candidate_is_no_pass() -> None:
    assert says(run(candidate=None, evaluation=None)) == ("inconclusive", "train", ["training.missing"])


def test_3_nor_is_data_that_nobody_validated() -> None:
    assert says(run(stages=("plan", "train", "evaluate"))) == (
        "inconclusive",
        "validate",
        ["validation.missing"],
    )


def test_3_a_baseline_that_failed_cannot_be_compared_with() -> None:
    broken = run(
        baseline=training("", failure="out of memory"),
        evaluation=evaluation(["PP"] * 30, ["PP"] * 100, Arm.BASE),
    )
    assert says(broken) == ("inconclusive", "train", ["baseline.failed"])


def test_3_without_a_baseline_the_base_is_compared_with_and_that_is_said() -> None:
    verdict = decide(without_baseline(["PP"] * 30, ["PP"] * 100))
    assert (verdict.outcome.value, "compared with the base model" in verdict.reasons[0].text) == (
        "pass",
        True,
    )


def test_4_no_evaluation_is_no_pass() -> None:
    assert says(run(evaluation=None)) == ("inconclusive", "evaluate", ["evaluation.missing"])


@pytest.mark.parametrize("arm", list(Arm))
def test_4_every_arm_must_be_there(arm: Arm) -> None:
    of = run()
    assert of.evaluation
    arms = {name: value for name, value in of.evaluation.arms.items() if name != arm.value}
    outcome, stage, ids = says(replace(of, evaluation=replace(of.evaluation, arms=arms)))
    assert (outcome, stage, ids[0]) == ("inconclusive", "evaluate", f"evaluation.missing.{arm.value}")


@pytest.mark.parametrize("arm", [Arm.CANDIDATE, Arm.BASELINE])
@pytest.mark.parametrize(
    "sentinel",
    [
        None,
        Sentinel(lora_b_norm=0.0, logit_difference=1.0),
        Sentinel(lora_b_norm=1.0, logit_difference=0.0),
        Sentinel(lora_b_norm=math.nan, logit_difference=1.0),
        Sentinel(lora_b_norm=1.0, logit_difference=math.inf),
        Sentinel(lora_b_norm=-1.0, logit_difference=1.0),
        Sentinel(lora_b_norm=None, logit_difference=1.0),
        Sentinel(lora_b_norm=1.0, logit_difference=None),
    ],
)
def test_4_an_adapter_that_does_not_act_proves_nothing(arm: Arm, sentinel: Sentinel | None) -> None:
    of = with_arm(run(), arm, sentinel=sentinel)
    assert says(of) == ("inconclusive", "evaluate", [f"sentinel.inactive.{arm.value}"])


@pytest.mark.parametrize("arm", [Arm.CANDIDATE, Arm.BASELINE])
def test_4_the_adapter_evaluated_is_the_one_that_was_trained(arm: Arm) -> None:
    of = with_arm(run(), arm, adapter_sha256="f" * 64)
    assert says(of) == ("inconclusive", "evaluate", [f"evaluation.adapter.{arm.value}"])


@pytest.mark.parametrize(
    ("regression", "held_out", "ids"),
    [
        ([], ["PP"] * 100, ["regression.empty"]),
        (["PP"] * 30, [], ["held-out.empty"]),
        ([], [], ["regression.empty", "held-out.empty"]),
        (["UU", "PU"], ["PP"] * 100, ["regression.empty", "regression.powerless"]),
        (["-P"] * 30, ["PP"] * 100, ["regression.empty"]),
        (["PP"] * 30, ["UU"] * 100, ["held-out.empty", "held-out.undecided"]),
    ],
)
def test_4_an_empty_set_never_passes(regression: list[str], held_out: list[str], ids: list[str]) -> None:
    assert says(run(regression, held_out)) == ("inconclusive", "evaluate", ids)


@pytest.mark.parametrize(
    ("regression", "held_out", "ids"),
    [
        (["FF"] * 5, ["PP"] * 100, ["regression.vacuous"]),
        (["PP"] * 5, ["FF"] * 100, ["held-out.vacuous"]),
    ],
)
def test_4_where_nobody_passes_anything_nothing_was_tested(
    regression: list[str], held_out: list[str], ids: list[str]
) -> None:
    assert says(run(regression, held_out)) == ("inconclusive", "evaluate", ids)


def test_4_missing_items_are_named() -> None:
    of = run(["PP"] * 29 + ["P-"], ["PP"] * 99 + ["F-"])
    assert says(of) == ("inconclusive", "evaluate", ["evaluation.missing-prompts"])
    assert "2 prompts: r29, h99" in reasons(decide(of))["evaluation.missing-prompts"].text


def test_4_an_item_that_stands_twice_decides_nothing() -> None:
    of = run()
    assert of.evaluation
    items = of.evaluation.arms["candidate"].items
    assert says(with_arm(of, Arm.CANDIDATE, items=(*items, items[0])))[0] == "pass"
    assert says(with_arm(of, Arm.CANDIDATE, items=(item("r0", "F"), *items)))[2] == ["evaluation.ambiguous"]


@pytest.mark.parametrize(
    ("pairs", "max_broken", "outcome", "id"),
    [
        (["PF"] * 3 + ["PP"] * 27, 2, "fail", "regression.broken"),
        (["PF"] * 2 + ["PP"] * 28, 2, "pass", "regression.accepted"),
        (["PF"] * 1 + ["PP"] * 29, 0, "fail", "regression.broken"),
        (["FP"] * 3 + ["PP"] * 27, 0, "pass", "held"),
        (["FF"] * 3 + ["PP"] * 27, 0, "pass", "held"),
        (["PU"] * 3 + ["PP"] * 27, 2, "inconclusive", "regression.ungraded"),
        (["UU"] * 3 + ["PP"] * 27, 2, "inconclusive", "regression.ungraded"),
        (["UF"] * 3 + ["PP"] * 27, 2, "inconclusive", "regression.ungraded"),
        (["-F"] * 3 + ["PP"] * 27, 2, "inconclusive", "regression.ungraded"),
        (["PF"] * 2 + ["PU"] + ["PP"] * 27, 2, "inconclusive", "regression.ungraded"),
        (["PU"] * 2 + ["PP"] * 28, 2, "pass", "regression.ungraded"),
        (["UP"] * 9 + ["FU"] * 9 + ["-P"] * 9 + ["PP"], 2, "pass", "regression.ungraded"),
        (["PF"] * 3 + ["PU"] * 3 + ["PP"] * 24, 2, "fail", "regression.broken"),
    ],
)
def test_5_broken_prompts(pairs: list[str], max_broken: int, outcome: str, id: str) -> None:
    verdict = decide(with_policy(run(pairs), max_broken=max_broken))
    assert verdict.outcome.value == outcome
    assert id in reasons(verdict)


def test_5_broken_prompts_are_named() -> None:
    verdict = decide(run(["PP", "PF", "PF", "PF"]))
    assert verdict.decided_by == "decide"
    assert verdict.reasons[0].text == "3 regression prompts broken, the policy accepts 2: r1, r2, r3"
    assert decide(run(["PF"] * 12)).reasons[0].text.endswith("r8, r9 and 2 more")


def test_5_a_set_that_can_never_fail_is_said() -> None:
    assert "regression.powerless" in reasons(decide(run(["PP"] * 2)))
    assert "regression.powerless" not in reasons(decide(run(["PP"] * 3)))


@pytest.mark.parametrize(
    ("pairs", "outcome", "ids"),
    [
        (["PP"] * 90 + ["PF"] * 5 + ["FP"] * 5, "pass", []),
        (["PP"] * 22, "pass", []),
        (["PP"] * 21, "inconclusive", ["held-out.undecided"]),
        (["PP"] * 85 + ["PF"] * 10 + ["FP"] * 5, "inconclusive", ["held-out.undecided"]),
        (["PP"] * 80 + ["PF"] * 20, "fail", ["held-out.worse"]),
        (["PP"] * 960 + ["PF"] * 40, "pass", []),
        (["PP"] * 96 + ["PU"] * 4, "pass", []),
        (["PP"] * 90 + ["PU"] * 10, "inconclusive", ["held-out.undecided"]),
        (["PP"] * 80 + ["PF"] * 20 + ["UP"] * 3, "fail", ["held-out.worse"]),
        (["PP"] * 80 + ["PF"] * 20 + ["UP"] * 30, "inconclusive", ["held-out.undecided"]),
        (["PF"] * 100, "fail", ["held-out.worse"]),
        (["FP"] * 100, "pass", []),
        (["PF"], "inconclusive", ["held-out.undecided"]),
    ],
)
def test_6_the_held_out_set(pairs: list[str], outcome: str, ids: list[str]) -> None:
    assert says(run(held_out=pairs)) == (outcome, "decide", ids)


def test_6_undecided_says_how_many_examples_would_decide() -> None:
    text = decide(run(held_out=["PP"] * 17 + ["PF"] * 2 + ["FP"])).reasons[0].text
    assert text == (
        "held-out 18 of 20 against 19 of 20, a change of -21.2 to +12.0 points, margin 10: undecided; "
        "about 140 examples would decide"
    )
    near = decide(run(held_out=["PP"] * 100 + ["PF"] * 30 + ["FP"] * 20))
    assert near.reasons[0].text.endswith("undecided; about 209 examples would decide")
    nearer = decide(run(held_out=["PP"] * 150 + ["PF"] * 30 + ["FP"] * 20))
    assert nearer.reasons[0].text.endswith("undecided; the change is near the margin")


def test_6_examples_that_may_turn_it_keep_it_undecided() -> None:
    graded, ungraded = ["PP"] * 930 + ["PF"] * 70, ["PU"] * 40
    assert says(run(held_out=[*graded, *(["PP"] * 40)]))[0] == "pass"
    assert says(run(held_out=[*graded, *(["PF"] * 40)]))[0] == "fail"
    verdict = decide(run(held_out=[*graded, *ungraded]))
    assert verdict.outcome.value == "inconclusive"
    assert verdict.reasons[0].text.endswith("undecided; the 40 not compared may decide")


def test_6_a_real_drop_within_the_margin_passes_and_is_said() -> None:
    assert "held-out.small-drop" in reasons(decide(run(held_out=["PP"] * 960 + ["PF"] * 40)))


def test_6_a_bound_at_the_margin_is_within_it_whatever_the_last_bit_says() -> None:
    from ftgate.decide.statistics import interval

    bounds = interval(10, 5, 100)
    assert bounds
    undecided = run(held_out=["PP"] * 85 + ["PF"] * 10 + ["FP"] * 5)
    for margin in (-bounds.lower, math.nextafter(-bounds.lower, 0), math.nextafter(-bounds.lower, 1)):
        assert says(with_policy(undecided, margin=margin))[0] == "pass"
    assert says(with_policy(undecided, margin=-bounds.lower - 1e-6))[0] == "inconclusive"


@pytest.mark.parametrize("margin", [0.0, -0.1, math.nan])
def test_6_a_margin_that_is_none_never_passes_a_difference(margin: float) -> None:
    assert says(with_policy(run(), margin=margin))[0] == "inconclusive"


def test_fail_wins_and_the_worst_comes_first() -> None:
    of = with_arm(run(["PF"] * 3 + ["PP"] * 27), Arm.CANDIDATE, sentinel=None)
    of = replace(of, findings=(finding("size", Severity.WARNING),), candidate=training("c" * 64, reused=True))
    verdict = decide(of)
    assert (verdict.outcome.value, verdict.decided_by) == ("fail", "decide")
    assert [reason.id for reason in verdict.reasons] == [
        "regression.broken",
        "sentinel.inactive.candidate",
        "findings.warnings",
        "held",
        "reused",
    ]


def test_cut_completions_are_a_warning() -> None:
    of = run()
    assert of.evaluation
    items = of.evaluation.arms["candidate"].items
    verdict = decide(with_arm(of, Arm.CANDIDATE, items=(item("r0", "P", "length"), *items[1:])))
    assert (verdict.outcome.value, verdict.reasons[0].id) == ("pass", "evaluation.cut")


def test_reuse_is_named() -> None:
    of = with_arm(run(baseline=training("b" * 64, reused=True)), Arm.BASE, reused=True)
    assert reasons(decide(of))["reused"].text == (
        "known from an earlier run and not done again: training of the baseline, completions of the base"
    )
