"""Result files of services, as they differ, and one curve of them."""

import base64

import pytest

from ftgate.edges.hosted_metrics import Row, losses, row_of, rows_of

OPENAI = b"step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy,full_valid_loss\n"


@pytest.mark.parametrize(
    "wrap", [lambda b: b, base64.b64encode, base64.encodebytes, lambda b: b"\xef\xbb\xbf" + b]
)
def test_a_file_is_read_plain_and_in_base64(wrap: object) -> None:
    content = wrap(OPENAI + b"1,2.5,0.1,2.6,0.1,\n2,1.5,0.2,,,1.75\n")  # type: ignore[operator]
    assert rows_of(content) == [Row(step=1, train=2.5, batch=2.6), Row(step=2, train=1.5, whole=1.75)]


def test_azure_writes_minus_one_where_there_is_no_loss() -> None:
    content = b"step,train_loss,validation_loss,full_validation_loss\n1,2.0,-1.0,-1\n2,1.0,1.5,-1\n"
    assert rows_of(content) == [Row(step=1, train=2.0), Row(step=2, train=1.0, batch=1.5)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"AAAA",
        b"\xff\xfe",
        b"loss\n1\n",
        b"step,train_loss\nx,1\n",
        b"step,train_loss\n1,x\n",
    ],
)
def test_what_is_no_result_file(content: bytes) -> None:
    with pytest.raises(ValueError):
        rows_of(content)


def test_the_whole_held_out_set_is_not_mixed_with_batches_of_it() -> None:
    found = losses([Row(step=1, train=2.0, batch=9.0), Row(step=2, train=1.0, batch=8.0, whole=1.5)], 2)
    assert [(p.step, p.epoch, p.train, p.held_out) for p in found.curve] == [
        (1, 1.0, 2.0, None),
        (2, 2.0, 1.0, 1.5),
    ]
    batches = losses([Row(step=1, batch=9.0), Row(step=2, batch=8.0)], 2)
    assert [point.held_out for point in batches.curve] == [9.0, 8.0]


def test_rows_of_one_step_are_one_point() -> None:
    found = losses([Row(step=2, train=1.0), Row(step=2, whole=1.5), Row(step=1, train=2.0)], 1, steps=4)
    assert [(p.step, p.train, p.held_out) for p in found.curve] == [(1, 2.0, None), (2, 1.0, 1.5)]
    assert found.steps == 4 and found.curve[-1].epoch == 0.5


@pytest.mark.parametrize("row", [Row(step=7, train=float("nan")), Row(step=7, whole=float("inf"))])
def test_a_loss_that_is_no_number_is_seen_wherever_it_stands(row: Row) -> None:
    found = losses([Row(step=1, train=1.0), row], 1)
    assert found.failure == "the loss at step 7 is not a finite number" and found.curve == ()


def test_a_long_curve_keeps_what_a_chart_can_show() -> None:
    rows = [Row(step=n, train=1.0, whole=0.5 if n % 100 == 0 else None) for n in range(1, 1001)]
    found = losses(rows, 3)
    assert 40 <= len(found.curve) <= 60 and found.curve[-1].step == 1000
    assert sum(point.held_out is not None for point in found.curve) == 10


def test_metrics_of_an_event() -> None:
    assert row_of(3, {"train_loss": 1.0, "other": 2}) == Row(step=3, train=1.0)
    assert row_of(3, {"total_steps": 9}) is None
    assert row_of(3, None) is None
