"""run.json is sealed: its evidence cannot be edited behind the gate's back, and what is derived is made anew."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.decide.remedies import REMEDIES, remedy
from ftgate.errors import InputError
from ftgate.stages.decide import decide
from ftgate.wire import run_json, run_of
from tests.decide.builders import run

Edit = Callable[[dict[str, Any]], object]

EDITS: dict[str, Edit] = {
    "a grade": lambda plain: plain["evaluation"]["arms"]["candidate"]["items"][0]["grades"][0].update(
        outcome="passed"
    ),
    "a completion": lambda plain: plain["evaluation"]["arms"]["baseline"]["items"][1]["completion"].update(
        text="other"
    ),
    "an item that is gone": lambda plain: plain["evaluation"]["arms"]["candidate"]["items"].pop(),
    "the policy": lambda plain: plain["plan"]["policy"].update(max_broken=99),
    "the head": lambda plain: plain["plan"].update(head="f" * 40),
    "the data": lambda plain: plain["candidate"].update(data_sha256="0" * 64),
    "a finding that is gone": lambda plain: plain.update(findings=[]),
    "no seal": lambda plain: plain.pop("seal"),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edited_run_is_refused(what: str) -> None:
    broken = decide(run(["PF"] * 5 + ["PP"] * 25))
    findings = tuple(replace(each) for each in _findings())
    plain = json.loads(run_json(replace(broken, findings=findings)))
    EDITS[what](plain)
    with pytest.raises(InputError, match="the seal does not match"):
        run_of(json.dumps(plain).encode(), "run.json")


def test_an_edited_verdict_is_decided_again() -> None:
    broken = decide(run(["PF"] * 5 + ["PP"] * 25))
    plain = json.loads(run_json(broken))
    plain["verdict"] = {"outcome": "pass", "decided_by": "me", "reasons": []}
    plain["comparison"]["broken"] = []
    again = decide(run_of(json.dumps(plain).encode(), "run.json"))
    assert (again.verdict, again.comparison) == (broken.verdict, broken.comparison)


def test_a_run_comes_back_as_it_was() -> None:
    done = decide(run())
    assert replace(run_of(run_json(done), "run.json"), seal="") == done


def test_a_reason_that_blocks_says_what_would_change_it() -> None:
    verdict = decide(run(["PF"] * 5 + ["PP"] * 25, ["PF"] * 40 + ["PP"] * 60)).verdict
    assert verdict is not None
    blocking = [reason for reason in verdict.reasons if reason.decides != "pass"]
    assert [reason.id for reason in blocking] == ["regression.broken", "held-out.worse"]
    assert all(reason.remedy for reason in blocking)
    assert not any(reason.remedy for reason in verdict.reasons if reason not in blocking)


def test_the_longest_name_wins() -> None:
    assert remedy("held-out.worse") == REMEDIES["held-out.worse"]
    assert remedy("held-out.empty") == REMEDIES["held-out"]
    assert remedy("findings.secrets") == REMEDIES["findings"]
    assert remedy("nobody-knows.this") == ""


def _findings() -> list[Any]:
    from ftgate.values.finding import Severity
    from tests.decide.builders import finding

    return [finding("size", Severity.WARNING)]
