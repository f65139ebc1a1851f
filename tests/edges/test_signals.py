"""What a process does when it is asked to end: real signals, sent to this very process."""

import os
import signal
import threading
import time

import pytest

from ftgate.edges.signals import GRACE, Stopping, listening


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_heard_and_nothing_ends_before_it_may(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    heard = False
    with pytest.raises(KeyboardInterrupt), listening() as stopping:
        assert not stopping.requested
        os.kill(os.getpid(), number)
        heard = stopping.requested
        assert 0 < stopping.seconds_left <= GRACE < 10
    assert heard, "the end is asked for, and KeyboardInterrupt follows when all is kept"
    assert signal.getsignal(number) is before


def test_the_same_signal_again_ends_at_once() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), listening():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        reached = True
    assert not reached


def test_the_second_signal_of_a_cancelled_job_leaves_the_time_that_is_left() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), listening() as stopping:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)
        reached = stopping.seconds_left < GRACE - 0.04
    assert reached


def test_what_the_caller_had_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with listening() as stopping:
            os.kill(os.getpid(), signal.SIGINT)
            assert not stopping.requested
    finally:
        signal.signal(signal.SIGINT, before)


def test_without_a_signal_nothing_happens_and_other_threads_hear_none() -> None:
    seen: list[Stopping] = []

    def work() -> None:
        with listening() as stopping:
            seen.append(stopping)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not seen[0].requested
