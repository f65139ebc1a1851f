"""What the base already knows."""

import pytest
from msgspec.structs import replace

from ftgate.decide.headroom import headroom, told
from ftgate.values.evaluation import Evaluation, KnownAlready
from tests.decide.builders import evaluation, item, prompt


def asked(letters: str) -> Evaluation:
    """An evaluation in which the base answers sampled training examples."""
    of = evaluation(["PP"], ["PP"])
    prompts = tuple(prompt(f"t{i}", "training") for i in range(len(letters)))
    items = tuple(item(f"t{i}", letter) for i, letter in enumerate(letters) if letter != "-")
    return replace(of, known_already=KnownAlready(prompts=prompts, items=items))


@pytest.mark.parametrize(
    ("right", "said"),
    [
        (0, []),
        (13, []),
        (14, ["headroom.unresolved"]),
        (27, ["headroom.unresolved"]),
        (28, ["headroom.small"]),
        (86, ["headroom.small"]),
        (87, ["headroom.none"]),
        (100, ["headroom.none"]),
    ],
)
def test_a_fifth_and_four_fifths_of_a_hundred(right: int, said: list[str]) -> None:
    rulings = list(told(headroom(asked("P" * right + "F" * (100 - right)))))
    assert [ruling.reason.id for ruling in rulings] == said
    assert all(f"{right} of 100" in ruling.reason.text for ruling in rulings)


def test_a_judge_of_known_errors_is_corrected_for() -> None:
    """A judge that passes a tenth of what is wrong sees 25 of 100 where 19 are right."""
    of = asked("P" * 40 + "F" * 60)
    known = of.known_already
    assert known is not None
    plain = headroom(of)
    true = headroom(replace(of, known_already=replace(known, errors=(0.9, 0.1))))
    assert plain is not None and true is not None
    assert true.lower == pytest.approx((plain.lower - 0.1) / 0.8)
    assert [r.reason.id for r in told(true)] == ["headroom.small"]
    assert "corrected" in next(told(true)).reason.text
    useless = headroom(replace(of, known_already=replace(known, errors=(0.4, 0.4))))
    assert useless is not None and (useless.lower, useless.corrected) == (plain.lower, False)


def test_what_was_not_asked_or_graded_says_nothing() -> None:
    assert headroom(asked("")) is None
    assert headroom(asked("UUU")) is None
    assert list(told(None)) == []
    found = headroom(asked("PPFU--"))
    assert found is not None
    assert (found.sampled, found.graded, found.right) == (4, 3, 2)
