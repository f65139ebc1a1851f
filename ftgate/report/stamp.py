"""The hidden first line of the comment: which commit and which execution it is of, and who may replace it."""

import re
from typing import Literal

from msgspec import Struct

from ftgate.report.wording import is_hex

MARKER = "<!-- ftgate:comment v1"
_LINE = re.compile(
    re.escape(MARKER) + r" head=(?P<head>[0-9a-f]{7,64}|unknown)"
    r"(?: run=(?P<run>\d{1,15}) attempt=(?P<attempt>\d{1,9}))?(?: state=(?P<state>in-progress|final))? -->"
)

State = Literal["in-progress", "final"]


class Stamp(Struct, frozen=True, kw_only=True):
    """`run` and `attempt` are GitHub's run number and attempt; 0 where the run was not one of GitHub's."""

    head: str
    run: int = 0
    attempt: int = 0
    state: State = "final"

    @property
    def order(self) -> tuple[int, int, bool]:
        """Later executions are greater; of one execution the final text is greater than the early one."""
        return self.run, self.attempt, self.state == "final"


def line(stamp: Stamp) -> str:
    """The first line. What is no SHA is not written as one: nothing of a run can end the line."""
    head = stamp.head if is_hex(stamp.head) else "unknown"
    execution = f" run={stamp.run} attempt={stamp.attempt}" if stamp.run else ""
    state = " state=in-progress" if stamp.state == "in-progress" else ""
    return f"{MARKER} head={head}{execution}{state} -->"


def read(comment: str) -> Stamp | None:
    """The stamp of a comment, None where its first line is none."""
    found = _LINE.match(comment.lstrip())
    if found is None:
        return None
    state: State = "in-progress" if found["state"] == "in-progress" else "final"
    return Stamp(
        head=found["head"], run=int(found["run"] or 0), attempt=int(found["attempt"] or 0), state=state
    )


def supersedes(new: Stamp, old: Stamp, head: str) -> bool:
    """Whether a text may replace another on a pull request that is at `head` now.

    What is about the present head replaces what is not. Between equals the later execution stands; where one of
    them has no number, the last writer.
    """
    if (new.head == head) != (old.head == head):
        return new.head == head
    return not (new.run and old.run) or new.order >= old.order
