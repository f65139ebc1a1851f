"""GitHub fails at every call of a publication, in every way: nothing is doubled, nothing hangs, the end is clear."""

import time
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from msgspec.structs import replace

from ftgate.errors import OutsideError
from ftgate.report.posted import Posting, in_progress
from ftgate.report.stamp import Stamp
from tests.github.faults import FAULTS, Fault
from tests.github.publishing import QUICK, again, head, posting, prepare, publish, push, sticky
from tests.github.server import GitHub, github

SURVIVED = ("502", "502-after", "reset", "reset-after", "truncated", "html")
"""Faults that pass, where no POST is needed, are not even seen."""
LONGEST = 12.0
"""Seconds: two clients that hang as often as they may."""


def creates(hub: GitHub) -> Posting:
    return posting(head(hub))


def edits(hub: GitHub) -> Posting:
    publish(hub, in_progress(Stamp(head=head(hub), run=1, attempt=1, state="in-progress")))
    return posting(head(hub))


def converges(hub: GitHub) -> Posting:
    """Two jobs created a comment each: one is edited, one is deleted."""
    bodies = []
    for run in (1, 2):
        publish(hub, posting(head(hub), run))
        (body,) = sticky(hub)
        bodies.append(body)
        hub.repositories["acme/bank"].comments = {
            i: c for i, c in hub.repositories["acme/bank"].comments.items() if c.login == "stranger"
        }
    for body in bodies:
        hub.comment("acme/bank", 7, body, "github-actions[bot]")
    return posting(head(hub), 3)


SCENES: dict[str, Callable[[GitHub], Posting]] = {"creates": creates, "edits": edits, "converges": converges}


@cache
def fault_free(scene: str) -> tuple[list[str], int]:
    """What stands at the end, and how many calls it takes."""
    with github() as hub:
        prepare(hub)
        text = SCENES[scene](hub)
        before = len(hub.journal)
        publish(hub, text)
        return sticky(hub), len(hub.journal) - before


CALLS = {"creates": 6, "edits": 6, "converges": 9}
EVERY = [(scene, index) for scene, calls in CALLS.items() for index in range(calls)]


@pytest.fixture(scope="module")
def shared() -> Iterator[GitHub]:
    with github() as made:
        prepare(made)
        yield made


@pytest.fixture
def hub(shared: GitHub) -> GitHub:
    again(shared)
    return shared


@pytest.mark.parametrize("scene", SCENES)
def test_a_publication_is_few_calls(scene: str) -> None:
    standing, calls = fault_free(scene)
    assert (len(standing), calls) == (1, CALLS[scene])


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("scene", "index"), EVERY)
def test_every_fault_at_every_call(hub: GitHub, scene: str, index: int, fault: Fault) -> None:
    text = SCENES[scene](hub)
    before, posts = len(hub.journal), hub.calls("POST")
    hub.faults.calls = {before + index: fault}
    hub.faults.hang_seconds = 0.6
    patience = replace(QUICK, timeout=0.4) if fault.startswith("hang") else QUICK
    started = time.monotonic()
    try:
        publish(hub, text, patience)
    except OutsideError as error:
        assert "acme/bank#7: " in error.message and error.advice
        assert scene == "creates" or fault not in SURVIVED
        assert len(sticky(hub)) <= (2 if scene == "converges" else 1)
    else:
        assert sticky(hub) == fault_free(scene)[0]
    assert time.monotonic() - started < LONGEST
    assert hub.calls("POST") - posts <= 1
    hub.faults.calls = {}
    publish(hub, text)
    assert sticky(hub) == fault_free(scene)[0]


@pytest.mark.parametrize("index", range(CALLS["edits"] - 1))
def test_a_verdict_of_a_head_that_is_gone_is_never_shown_as_the_heads(hub: GitHub, index: int) -> None:
    """Calls: who, head, list, edit, head, list. A push before the last look is always seen."""
    text = edits(hub)
    hub.faults.before = {len(hub.journal) + index: lambda: push(hub, "[]\n")}
    publish(hub, text)
    (standing,) = sticky(hub)
    assert "Out of date" in standing
