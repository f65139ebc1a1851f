"""Steps, measurements, smaller batches, and the curve that is drawn of them."""

import math

import pytest

from ftgate.decide.pace import loss_curve, measured_steps, smaller_batch


def test_the_held_out_loss_is_measured_evenly_and_at_the_end_of_every_epoch() -> None:
    assert sorted(measured_steps(40, 2, 4)) == [10, 20, 30, 40, 50, 60, 70, 80]
    assert sorted(measured_steps(7, 2, 4)) == [2, 4, 6, 7, 9, 11, 13, 14]
    assert sorted(measured_steps(3, 2, 4)) == [1, 2, 3, 4, 5, 6]
    assert sorted(measured_steps(5, 1, 1)) == [5]


@pytest.mark.parametrize("per_epoch", range(1, 60))
@pytest.mark.parametrize("evaluations", [1, 4, 8])
def test_never_less_often_than_asked_for_where_there_are_steps_enough(
    per_epoch: int, evaluations: int
) -> None:
    steps = measured_steps(per_epoch, 3, evaluations)
    assert len(steps) == 3 * min(per_epoch, evaluations)
    assert {per_epoch, 2 * per_epoch, 3 * per_epoch} <= steps


@pytest.mark.parametrize(
    ("batch", "accumulation", "smaller"),
    [
        (8, 1, (4, 2)),
        (4, 4, (2, 8)),
        (3, 1, (1, 3)),
        (6, 2, (3, 4)),
        (5, 2, (2, 5)),
        (2, 1, (1, 2)),
        (1, 16, None),
    ],
)
def test_smaller_batches_keep_the_examples_of_a_step(
    batch: int, accumulation: int, smaller: tuple[int, int] | None
) -> None:
    assert smaller_batch(batch, accumulation) == smaller
    if smaller:
        assert smaller[0] * smaller[1] == batch * accumulation and smaller[0] <= batch / 2


def test_the_curve_has_every_measurement_and_the_mean_of_the_steps_between() -> None:
    losses = {step: float(step) for step in range(1, 102)}
    points = loss_curve(losses, {step: step / 50 for step in losses}, {25: 0.5, 50: 0.25, 101: 0.125})
    assert len(points) < 50
    assert [p.step for p in points if p.held_out is not None] == [25, 50, 101]
    at = {p.step: p for p in points}
    assert (at[25].train, at[25].epoch) == (25.0, 0.5)  # the point before lies at 24
    assert at[101].train == pytest.approx(100.5)  # there it lies at 99, as a point of every third step does


def test_a_loss_that_is_not_finite_is_no_point() -> None:
    (point,) = loss_curve({1: math.nan}, {1: 1.0}, {1: math.inf})
    assert point.train is None and point.held_out is None
    assert loss_curve({}, {}, {}) == ()
