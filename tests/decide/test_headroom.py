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


def test_what_was_not_asked_or_graded_says_nothing() -> None:
    assert headroom(asked("")) is None
    assert headroom(asked("UUU")) is None
    assert list(told(None)) == []
    found = headroom(asked("PPFU--"))
    assert found is not None
    assert (found.sampled, found.graded, found.right) == (4, 3, 2)
