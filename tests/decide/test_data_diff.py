"""Examples matched by what they say: lines may move, and every number adds up."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftgate.decide.data_diff import data_diff
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place


def example(user: str, reply: str, system: str = "", line: int = 1) -> Example:
    turns = [("system", system)] if system else []
    turns += [("user", user), ("assistant", reply)]
    return Example(
        place=Place(path="data/a.jsonl", line=line),
        format=Format.CONVERSATION,
        messages=tuple(Message(role=role, content=content) for role, content in turns),
    )


def many(labels: dict[str, int], start: int = 0) -> list[Example]:
    names = [label for label, number in labels.items() for _ in range(number)]
    return [example(f"message {start + n}", name, line=n + 1) for n, name in enumerate(names)]


def counts(before: list[Example], after: list[Example]) -> tuple[int, int, int, int]:
    diff = data_diff(before, after)
    return diff.added, diff.removed, diff.changed, diff.reprompted


def test_lines_that_move_change_nothing() -> None:
    data = many({"a": 5, "b": 5})
    assert counts(data, list(reversed(data))) == (0, 0, 0, 0)


def test_another_reply_to_the_same_prompt_is_a_change() -> None:
    diff = data_diff([example("q", "old"), example("r", "x")], [example("r", "x"), example("q", "new")])
    assert (diff.added, diff.removed, diff.changed) == (0, 0, 1)
    (sample,) = diff.samples["changed"]
    assert (sample.prompt, sample.before, sample.reply) == ("q", "old", "new")


def test_the_same_exchange_under_another_system_prompt_is_a_change() -> None:
    before = [example(f"q{n}", "r", "Be brief.") for n in range(20)]
    after = [example(f"q{n}", "r", "Be kind.") for n in range(20)]
    assert counts(before, after) == (0, 0, 20, 20)
    systems = data_diff(before, after).systems
    assert systems is not None and (systems.before, systems.after, systems.new, systems.moved) == (
        1,
        1,
        20,
        1.0,
    )


def test_a_second_copy_is_added_and_both_replies_of_a_prompt_are_told_apart() -> None:
    one = example("q", "r")
    assert counts([one], [one, one]) == (1, 0, 0, 0)
    assert counts([one, one], [one]) == (0, 1, 0, 0)
    assert counts([one], [example("q", "s"), example("q", "t")]) == (1, 0, 1, 0)


@given(
    st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from("xy"), st.sampled_from(["", "s"]))),
    st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from("xy"), st.sampled_from(["", "s"]))),
)
def test_the_numbers_add_up(before: list[tuple[str, str, str]], after: list[tuple[str, str, str]]) -> None:
    old, new = ([example(*each) for each in side] for side in (before, after))
    diff = data_diff(old, new)
    assert diff.before + diff.added - diff.removed == diff.after
    kept = (Counter(e.digest for e in old) & Counter(e.digest for e in new)).total()
    assert kept + diff.changed + diff.added == len(new)
    assert kept + diff.changed + diff.removed == len(old)


def test_labels_are_told_with_their_shares() -> None:
    diff = data_diff(many({"late": 10, "lost": 10}), many({"late": 10, "lost": 20, "new": 10}))
    assert diff.labels is not None
    assert (diff.labels.before, diff.labels.after, diff.labels.new) == (2, 3, 10)
    moved = [(shift.name, shift.before, shift.after) for shift in diff.labels.shifts]
    assert moved == [("late", 10, 10), ("new", 0, 10)]
    assert diff.labels.moved == pytest.approx(0.25)


def test_labels_that_are_the_same_as_json_are_one() -> None:
    before = [example(f"q{n}", '{"a": 1, "b": 2}') for n in range(10)] + many({"x": 10})
    after = [example(f"q{n}", '{"b":2,"a":1}') for n in range(10)] + many({"x": 10})
    diff = data_diff(before, after)
    assert diff.labels is not None and (diff.labels.before, diff.labels.moved) == (2, 0.0)
    assert diff.changed == 10


@pytest.mark.parametrize(
    "texts",
    [["a" * 201, "b"] * 20, [f"reply {n}" for n in range(40)], ["only"] * 40, ["", "b"] * 20],
    ids=["long", "many", "one", "empty"],
)
def test_outputs_that_are_no_labels_have_no_distribution(texts: list[str]) -> None:
    data = [example(f"q{n}", text) for n, text in enumerate(texts)]
    assert data_diff(data, data).labels is None


def test_a_first_dataset_has_shares_of_nothing_before() -> None:
    diff = data_diff([], many({"a": 10, "b": 10}))
    assert diff.labels is not None and diff.labels.moved is None and diff.labels.new == 20


def test_size_in_tokens_where_all_can_be_counted_else_in_characters() -> None:
    before, after = [example("four", "four")], [example("four", "four"), example("four", "fo")]
    tokens = data_diff(before, after, tokens=lambda e: 7).size
    assert tokens is not None and (tokens.unit, tokens.before, tokens.after) == ("tokens", 7, 14)
    partly = data_diff(before, after, tokens=lambda e: 7 if e.reference == "four" else None).size
    assert partly is not None and (partly.unit, partly.before, partly.after) == ("characters", 8, 14)


def test_five_samples_are_spread_over_what_differs() -> None:
    diff = data_diff([], many({"a": 50, "b": 50}))
    places = [sample.place for sample in diff.samples["added"]]
    assert places == [f"data/a.jsonl:{line}" for line in (1, 26, 51, 75, 100)]


def test_every_text_is_shown_through_one_door() -> None:
    before = [example("q", "secret", "secret"), example("r", "secret")] * 5
    after = [example("q", "other secret", "a secret"), example("t", "secret")] * 5
    diff = data_diff(before, after, show=lambda text: text.replace("secret", "***"))
    assert "secret" not in repr(diff)
