"""Runs that race for one comment: whatever the order, one comment stands, and it is the newest's."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from ftgate.report.posted import in_progress
from ftgate.report.stamp import Stamp, read
from tests.github.publishing import QUICK, again, head, posting, prepare, publish, push, sticky
from tests.github.server import GitHub, github

CREATE_CALLS = EDIT_CALLS = 6
WRITE = 3
"""Index of the write among the calls: who, head, list, write, head, list."""


@pytest.fixture(scope="module")
def shared() -> Iterator[GitHub]:
    with github() as made:
        prepare(made)
        yield made


@pytest.fixture
def hub(shared: GitHub) -> GitHub:
    again(shared)
    return shared


def newest(hub: GitHub) -> Stamp | None:
    (standing,) = sticky(hub)
    return read(standing)


@pytest.mark.parametrize("index", range(CREATE_CALLS))
@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_a_whole_run_between_any_two_calls_of_one_that_creates(
    hub: GitHub, index: int, first: int, second: int
) -> None:
    hub.faults.before = {len(hub.journal) + index: lambda: publish(hub, posting(head(hub), second))}
    publish(hub, posting(head(hub), first))
    assert newest(hub) == Stamp(head=head(hub), run=2, attempt=1)


@pytest.mark.parametrize("index", range(EDIT_CALLS))
@pytest.mark.parametrize(("first", "second"), [(2, 3), (3, 2)])
def test_a_whole_run_between_any_two_calls_of_one_that_edits(
    hub: GitHub, index: int, first: int, second: int
) -> None:
    """GitHub cannot compare and swap: an older run that has looked and not yet written is the one gap that is left.

    The newer run looks again a moment after it wrote; see below.
    """
    publish(hub, posting(head(hub), 1))
    hub.faults.before = {len(hub.journal) + index: lambda: publish(hub, posting(head(hub), second))}
    publish(hub, posting(head(hub), first))
    if (index, first) != (WRITE, 2):
        assert newest(hub) == Stamp(head=head(hub), run=3, attempt=1)


def test_an_older_write_that_arrives_a_moment_later_is_put_right(hub: GitHub) -> None:
    publish(hub, posting(head(hub), 1))
    written = threading.Event()
    start = len(hub.journal)

    def newer() -> None:
        settling = replace(QUICK, settle=1.5)
        other = threading.Thread(target=publish, args=(hub, posting(head(hub), 3), settling))
        other.start()
        threads.append(other)
        while not any(entry.method == "PATCH" for entry in hub.journal[start:]):
            written.wait(0.01)

    threads: list[threading.Thread] = []
    hub.faults.before = {start + WRITE: newer}
    publish(hub, posting(head(hub), 2))
    threads[0].join()
    assert newest(hub) == Stamp(head=head(hub), run=3, attempt=1)


@pytest.mark.parametrize("round", range(3))
def test_five_jobs_at_once_leave_one_comment(hub: GitHub, round: int) -> None:
    patience = replace(QUICK, settle=0.3)
    runs = [
        threading.Thread(target=publish, args=(hub, posting(head(hub), n), patience)) for n in range(1, 6)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    publish(hub, posting(head(hub), 1))
    assert newest(hub) == Stamp(head=head(hub), run=5, attempt=1)


class Publishers(RuleBasedStateMachine):
    """Pushes, early texts and verdicts of several runs and attempts, in any order."""

    hub: GitHub

    @initialize()
    def begin(self) -> None:
        again(self.hub)
        self.heads = [head(self.hub)]
        self.published: list[Stamp] = []

    @rule(text=st.sampled_from(["[]\n", "[1]\n", "[2]\n"]))
    def push(self, text: str) -> None:
        self.heads.append(push(self.hub, text))

    @rule(
        data=st.data(),
        run=st.integers(1, 4),
        attempt=st.integers(1, 2),
        early=st.booleans(),
    )
    def publish(self, data: st.DataObject, run: int, attempt: int, early: bool) -> None:
        sha = data.draw(st.sampled_from(sorted(set(self.heads))))
        stamp = Stamp(head=sha, run=run, attempt=attempt, state="in-progress" if early else "final")
        publish(self.hub, in_progress(stamp) if early else posting(sha, run, attempt))
        self.published.append(stamp)

    @invariant()
    def one_comment_of_the_newest(self) -> None:
        if not hasattr(self, "heads"):
            return
        standing = sticky(self.hub)
        assert len(standing) <= 1
        of_head = [stamp for stamp in self.published if stamp.head == self.heads[-1]]
        if of_head:
            stamp = read(standing[0])
            assert stamp is not None
            assert (stamp.head, stamp.order) == (self.heads[-1], max(each.order for each in of_head))
        assert all("I am the gate" not in body for body in standing)


def test_in_any_order_the_newest_of_the_head_stands(shared: GitHub) -> None:
    class Here(Publishers):
        hub = shared

    run = Here.TestCase
    run.settings = settings(
        max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run().runTest()
