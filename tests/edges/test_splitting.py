"""Held-out examples by content hash: stable, grouped, byte for byte."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ftgate.edges.splitting import HELD_OUT, TRAIN, Split, split_files
from ftgate.errors import InputError


def line(text: str, group: str | None = None) -> str:
    turns = [{"role": "user", "content": text}, {"role": "assistant", "content": "ok"}]
    return json.dumps({"messages": turns, **({"group": group} if group else {})}, ensure_ascii=False) + "\n"


def sides(folder: Path, *lines: str, share: float = 0.15, seed: str = "") -> tuple[list[str], list[str]]:
    file = folder / "all.jsonl"
    file.write_bytes("".join(lines).encode())
    split_files([file], folder / "out", share=share, field="group", seed=seed)
    train, held_out = ((folder / "out" / name).read_bytes().decode() for name in (TRAIN, HELD_OUT))
    return train.splitlines(keepends=True), held_out.splitlines(keepends=True)


examples = st.lists(
    st.tuples(st.text("abc dé", min_size=1, max_size=8), st.sampled_from([None, "g1", "g2"])),
    min_size=1,
    max_size=30,
)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(old=examples, new=examples, share=st.sampled_from([0.15, 0.5]))
def test_adding_lines_never_moves_an_old_one(
    tmp_path: Path, old: list[tuple[str, str | None]], new: list[tuple[str, str | None]], share: float
) -> None:
    first = [line(*pair) for pair in old]
    train, held_out = sides(tmp_path, *first, share=share)
    later_train, later_held_out = sides(tmp_path, *[line(*p) for p in new], *first, share=share)
    assert sorted(train + held_out) == sorted(first)
    assert set(train) <= set(later_train) and set(held_out) <= set(later_held_out)
    assert not set(later_train) & set(later_held_out)


@quick
@given(old=examples)
def test_a_group_and_a_question_are_on_one_side(tmp_path: Path, old: list[tuple[str, str | None]]) -> None:
    for side, other in (found := sides(tmp_path, *(line(*p) for p in old), share=0.5)), found[::-1]:
        groups = {json.loads(one).get("group") for one in side} - {None}
        assert not groups & {json.loads(one).get("group") for one in other}


def test_the_share_is_met_and_a_larger_share_holds_out_the_same_and_more(tmp_path: Path) -> None:
    lines = [line(f"question {n}") for n in range(2000)]
    _, some = sides(tmp_path, *lines)
    _, more = sides(tmp_path, *lines, share=0.2)
    assert 0.13 < len(some) / 2000 < 0.17
    assert set(some) < set(more)
    assert sides(tmp_path, *lines, seed="other")[1] != some


def test_the_same_question_in_capitals_is_on_the_same_side(tmp_path: Path) -> None:
    lines = [line(text) for n in range(50) for text in (f"Question {n}", f"QUESTION  {n}")]
    train, held_out = sides(tmp_path, *lines, share=0.5)
    assert len(train) % 2 == len(held_out) % 2 == 0 and train and held_out


def test_bytes_stay_as_they_are_and_a_last_line_gets_its_end(tmp_path: Path) -> None:
    odd = '{"messages" : [{"role":"user","content":"\\u00e9"},{"role":"assistant","content":"x"}]}'
    train, held_out = sides(tmp_path, line("é"), odd)
    assert sorted(train + held_out) == sorted([line("é"), odd + "\n"])


def test_nothing_is_written_when_a_line_is_bad(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"all\.jsonl:2: "):
        sides(tmp_path, line("a"), "{\n")
    assert not (tmp_path / "out").exists()
    assert Split(0, 0).share == 0
