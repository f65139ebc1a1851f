"""General abilities, lost and gained."""

import pytest
from msgspec.structs import replace

from ftgate.decide.forgetting import forgetting, told
from ftgate.values.evaluation import Arm, Evaluation
from ftgate.values.settings import Policy
from tests.decide.builders import evaluation, item, prompt


def probed(pairs: list[str]) -> Evaluation:
    """An evaluation in which base and candidate answer probes; the baseline does not."""
    of = evaluation(["PP"], ["PP"])
    prompts = tuple(prompt(f"p{i}", "probe") for i in range(len(pairs)))
    arms = dict(of.arms)
    for arm, side in ((Arm.BASE, 0), (Arm.CANDIDATE, 1)):
        items = tuple(item(f"p{i}", pair[side]) for i, pair in enumerate(pairs) if pair[side] != "-")
        arms[arm.value] = replace(arms[arm.value], items=(*arms[arm.value].items, *items))
    return replace(of, prompts=(*of.prompts, *prompts), arms=arms)


def said(pairs: list[str], policy: str) -> list[tuple[str, str]]:
    of = probed(pairs)
    rulings = told(of, forgetting(of), Policy(forgetting=policy))  # type: ignore[arg-type]
    return [(ruling.reason.id, ruling.reason.decides.value) for ruling in rulings]


@pytest.mark.parametrize(
    ("pairs", "policy", "expected"),
    [
        (["PP"] * 20, "warn", []),
        (["PF"] * 4 + ["PP"] * 16, "warn", [("forgetting.some", "pass")]),
        (["PF"] * 5 + ["PP"] * 15, "warn", [("forgetting", "pass")]),
        (["PF"] * 5 + ["PP"] * 15, "error", [("forgetting", "fail")]),
        (["PF"] * 5 + ["PP"] * 15, "off", []),
        (["PF"] * 5 + ["FP"] * 5, "error", [("forgetting.some", "pass")]),
        (["PF"] * 5 + ["PU"], "warn", []),
        (["PF"] * 5 + ["PU"], "error", [("forgetting.unknown", "inconclusive")]),
        ([], "warn", []),
        ([], "error", [("forgetting.unknown", "inconclusive")]),
    ],
)
def test_only_what_chance_does_not_explain_is_a_loss(
    pairs: list[str], policy: str, expected: list[tuple[str, str]]
) -> None:
    assert said(pairs, policy) == expected


def test_it_names_the_abilities() -> None:
    of = probed(["PF"] * 6 + ["PP"])
    (ruling,) = told(of, forgetting(of), Policy())
    assert "lost 6 of 7" in ruling.reason.text
    assert ": x 6" in ruling.reason.text
