"""When a training is stopped: not by noise, not before its time, not while both losses fall."""

import random
from collections.abc import Sequence

import pytest

from ftgate.decide.overfitting import Measured, best, overfitting

EXAMPLES = 20


def point(at: int, held_out: Sequence[float], train: float) -> Measured:
    """Two measurements an epoch, ten steps apart."""
    return Measured(step=at * 10, epoch=at / 2, train=train, held_out=tuple(held_out), tokens=EXAMPLES * 4)


def curve(
    levels: Sequence[float], train: Sequence[float], noise: float = 0.1, seed: int = 1
) -> list[Measured]:
    draw = random.Random(seed)
    own = [draw.uniform(2, 6) for _ in range(EXAMPLES)]
    return [
        point(at, [each * level + draw.gauss(0, noise) for each in own], loss)
        for at, (level, loss) in enumerate(zip(levels, train, strict=True), 1)
    ]


FALLING = (2.0, 1.0, 0.7, 0.5, 0.4, 0.3)


def test_a_rise_that_stays_after_epoch_two_is_overfitting_and_names_both_losses() -> None:
    points = curve((1.0, 0.8, 0.7, 0.7, 0.85, 0.95), FALLING)
    assert overfitting(points[:5]) == "", "one measurement may be chance"
    said = overfitting(points)
    assert said.startswith("overfitting: the held-out loss rose from")
    assert f"at step {best(points).step} to" in said  # type: ignore[union-attr]
    assert "the training loss fell from 0.7000 to 0.3000" in said or "from 0.5000 to 0.3000" in said


def test_a_rise_before_the_end_of_epoch_two_stops_nothing() -> None:
    assert overfitting(curve((1.0, 1.5, 2.0), FALLING[:3])) == ""
    # One of the two measurements lies before it.
    assert overfitting(curve((1.0, 0.8, 1.5, 2.0), FALLING[:4])) == ""
    assert overfitting(curve((1.0, 0.8, 1.5, 2.0, 2.5), FALLING[:5])) != ""


def test_while_the_training_loss_rises_too_it_is_no_overfitting() -> None:
    assert overfitting(curve((1.0, 0.8, 0.7, 0.9, 1.2, 1.5), (2.0, 1.0, 0.7, 0.9, 1.1, 1.2))) == ""


def test_a_held_out_loss_that_falls_or_stands_still_stops_nothing() -> None:
    assert overfitting(curve((1.0, 0.8, 0.7, 0.6, 0.5, 0.4), FALLING)) == ""
    flat = [point(at, [3.0] * EXAMPLES, loss) for at, loss in enumerate(FALLING, 1)]
    assert overfitting(flat) == ""


def test_noise_alone_seldom_stops_a_training() -> None:
    stopped = sum(
        overfitting(curve((1.0, 0.8, 0.7, 0.7, 0.7, 0.7), FALLING, noise=0.5, seed=seed)) != ""
        for seed in range(300)
    )
    assert stopped < 15, "a rise must be seen twice, each time with less than one in twenty by chance"


def test_a_small_rise_of_every_example_counts_more_than_a_large_one_of_a_single_one() -> None:
    steady = [
        point(at, [3.0 + rise] * EXAMPLES, loss)
        for at, (rise, loss) in enumerate(zip((1.0, 0.5, 0.0, 0.0, 0.01, 0.02), FALLING, strict=True), 1)
    ]
    assert overfitting(steady) != ""
    single = [
        point(at, [3.0] * (EXAMPLES - 1) + [3.0 + rise], loss)
        for at, (rise, loss) in enumerate(zip((1.0, 0.5, 0.0, 0.0, 9.0, 9.0), FALLING, strict=True), 1)
    ]
    assert overfitting(single) == ""


@pytest.mark.parametrize("examples", [1, 2, 4])
def test_a_handful_of_examples_decides_nothing(examples: int) -> None:
    points = [
        Measured(step=at, epoch=at, train=1 / at, held_out=(float(at),) * examples, tokens=examples)
        for at in range(1, 8)
    ]
    assert overfitting(points) == ""


def test_the_best_is_the_first_of_the_lowest() -> None:
    assert best([]) is None
    points = [point(at, [loss] * EXAMPLES, 1.0) for at, loss in enumerate((3.0, 2.0, 2.0, 4.0), 1)]
    assert best(points) is points[1]
