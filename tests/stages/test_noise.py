"""The measurement of the gate itself, with honest fakes: no alarm where nothing changed, all of them where all did."""

from pathlib import Path

import pytest

from ftgate.errors import InputError
from ftgate.stages.noise import Measurement, noise
from tests.builders import base_files, lines, pairs
from tests.fakes import FakeRepository, FakeWorld

SWAPPED = {"late": "price", "price": "late"}


def world(root: Path) -> FakeWorld:
    """A base, a revision with two topics swapped, and one with more of the same."""
    main = base_files()
    swapped = {**main, "data/train/a.jsonl": lines(pairs(30, swap=SWAPPED))}
    more = {**main, "data/train/b.jsonl": lines(pairs(5, start=200))}
    return FakeWorld(FakeRepository(main=main, swapped=swapped, more=more), root)


def test_alarms_and_detections_are_counted_over_pairs_of_seeds(tmp_path: Path) -> None:
    made = world(tmp_path)
    asked = Measurement(base="main", against=("swapped", "more"), seeds=(1, 2, 3), against_seeds=(1, 2))
    found = noise(asked, made.ports)
    assert (found.same.pairs, found.same.candidates, found.same.blocked) == (6, 3, 0)
    swapped, more = found.others
    assert (swapped.name, swapped.pairs, swapped.candidates, swapped.failed) == ("swapped", 6, 2, 6)
    assert swapped.by_reason["regression.broken"] == 6
    assert (more.pairs, more.blocked) == (6, 0)
    assert {job.recipe.seed for job in made.trainer.jobs} == {1, 2, 3}


def test_a_measurement_goes_on_where_it_stopped(tmp_path: Path) -> None:
    made = world(tmp_path)
    noise(Measurement(base="main", seeds=(1, 2)), made.ports)
    trained, asked = len(made.trainer.jobs), len(made.completer.jobs)
    found = noise(Measurement(base="main", seeds=(1, 2, 3)), made.ports)
    assert (len(made.trainer.jobs) - trained, found.same.pairs) == (1, 6)
    # The fake learns the same with any seed: its adapter, and so its answers, are known.
    assert len(made.completer.jobs) == asked


def test_what_cannot_be_measured_is_said(tmp_path: Path) -> None:
    made = world(tmp_path)
    with pytest.raises(InputError, match="at least two"):
        noise(Measurement(base="main", seeds=(1, 1)), made.ports)
    made.trainer.failure = "the loss is nan"
    with pytest.raises(InputError, match="seed 1 could not be trained: the loss is nan"):
        noise(Measurement(base="main", seeds=(1, 2)), made.ports)
