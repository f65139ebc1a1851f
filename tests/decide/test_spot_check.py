"""Blinded, sealed, and no way to count a vote for the wrong arm."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from ftgate.decide.gate import decide
from ftgate.decide.spot_check import draw, opened, seal
from ftgate.errors import InputError
from ftgate.values.evaluation import Evaluation
from ftgate.values.run import Run
from ftgate.values.spot_check import VOTES_SCHEMA, Key, Vote, Votes
from tests.decide.builders import evaluation, run, with_policy

EVALUATION = evaluation(["PP"] * 30, ["PP"] * 100)


def votes(key: Key, of: Callable[[str, int], Vote | None]) -> Votes:
    """Votes by arm and by the number of the card within its arm."""
    seen = {"base": 0, "candidate": 0}
    given: dict[str, Vote] = {}
    for card in key.cards:
        word = of(card.arm, seen[card.arm])
        seen[card.arm] += 1
        if word:
            given[str(card.number)] = word
    return Votes(schema=VOTES_SCHEMA, sheet=seal(key), by="Anna", votes=given)


def read(of: Callable[[str, int], Vote | None], **policy: object) -> Run:
    key = draw(EVALUATION, "salt")
    found = opened(key, votes(key, of), EVALUATION)
    return with_policy(run(evaluation=EVALUATION, spot_check=found), **policy)


def test_a_sheet_has_twenty_of_each_in_an_order_that_the_salt_decides() -> None:
    key = draw(EVALUATION, "one")
    assert [card.number for card in key.cards] == list(range(1, 41))
    arms = [card.arm for card in key.cards]
    assert (arms.count("base"), arms.count("candidate")) == (20, 20)
    assert len({(card.prompt, card.arm) for card in key.cards}) == 40
    assert all(card.prompt.startswith("h") for card in key.cards)
    assert draw(EVALUATION, "one") == key
    assert [c.arm for c in draw(EVALUATION, "two").cards] != arms
    # Knowing everything but the salt does not tell the key from its seal.
    assert seal(key) != seal(replace(key, salt="two"))


def test_a_small_held_out_set_is_filled_up_with_regression_prompts() -> None:
    key = draw(evaluation(["PP"] * 30, ["PP"] * 5), "x")
    kinds = [card.prompt[0] for card in key.cards]
    assert (kinds.count("h"), kinds.count("r")) == (10, 30)
    assert len(draw(evaluation(["PP"], []), "x").cards) == 2
    with pytest.raises(InputError, match="no prompt in common"):
        draw(evaluation(["P-"], ["P-"]), "x")


@pytest.mark.parametrize(
    ("noes", "policy", "outcome", "reason"),
    [
        (0, {}, "pass", "spot-check.passed"),
        (3, {}, "pass", "spot-check.passed"),
        (4, {}, "fail", "spot-check.failed"),
        (4, {"max_unshippable": 4}, "pass", "spot-check.passed"),
        (20, {}, "fail", "spot-check.failed"),
    ],
)
def test_more_than_three_of_twenty_fail(
    noes: int, policy: dict[str, object], outcome: str, reason: str
) -> None:
    verdict = decide(read(lambda arm, n: "no" if arm == "candidate" and n < noes else "ship", **policy))
    assert verdict.outcome == outcome
    assert reason in [each.id for each in verdict.reasons]


def test_votes_on_the_base_decide_nothing() -> None:
    assert decide(read(lambda arm, n: "no" if arm == "base" else "ship")).outcome == "pass"


@pytest.mark.parametrize(("kind", "outcome"), [("optional", "pass"), ("required", "inconclusive")])
def test_an_unfinished_reading_proves_nothing(kind: str, outcome: str) -> None:
    found = decide(read(lambda arm, n: "ship" if n < 10 else None, spot_check=kind))
    assert found.outcome == outcome
    assert "spot-check.unfinished" in [each.id for each in found.reasons]


def test_a_required_reading_that_is_missing_is_no_pass() -> None:
    assert decide(with_policy(run(), spot_check="required")).outcome == "inconclusive"
    assert decide(run()).outcome == "pass"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda key, cast, of: (key, replace(cast, sheet="0" * 64), of), "another sheet"),
        (lambda key, cast, of: (replace(key, salt="x"), cast, of), "another sheet"),
        (lambda key, cast, of: (replace(key, cards=key.cards[::-1]), cast, of), "another sheet"),
        (lambda key, cast, of: (key, cast, evaluation(["PF"], ["PP"])), "another evaluation"),
        (lambda key, cast, of: (key, replace(cast, schema="x"), of), "schema"),
        (lambda key, cast, of: (key, replace(cast, votes={"41": "no"}), of), "no card 41"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    change: Callable[[Key, Votes, Evaluation], tuple[Key, Votes, Evaluation]], message: str
) -> None:
    key = draw(EVALUATION, "salt")
    changed = change(key, votes(key, lambda arm, n: "ship"), EVALUATION)
    with pytest.raises(InputError, match=message):
        opened(*changed)
