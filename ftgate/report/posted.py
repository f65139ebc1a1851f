"""The comment as it is posted: stamped, marked when it is stale, with the verdicts before it folded below."""

import re
from collections.abc import Sequence
from functools import cmp_to_key

from msgspec import Struct

from ftgate.report.comment import LEAST, comment
from ftgate.report.markdown import details, paragraphs
from ftgate.report.quote import code, prose
from ftgate.report.stamp import Stamp, line, read, supersedes
from ftgate.report.wording import short
from ftgate.values.run import Run

SUMMARY_LIMIT = 900_000
"""Bytes. GitHub drops a job summary of more than 1,048,576 bytes as a whole."""
SUMMARY_DROPPED = 1_048_576
_LIMIT = 58_000
"""Bytes of the comment before what is added here."""
_EARLIER = "Earlier verdicts"
_KEPT = 3
_LONGEST = 420
_URL = re.compile(r"https://[A-Za-z0-9.-]+(?::\d+)?/[\w./-]+")
_FOLD = re.compile(rf"<details>\n<summary>{_EARLIER}</summary>\n\n((?:- [^\n]+\n)+)\n</details>\s*\Z")
_HEADING = re.compile(r"^## ([^\n]+)$", re.MULTILINE)


class Posting(Struct, frozen=True, kw_only=True):
    """What is to stand and of which execution it is. `url` is where the execution can be watched."""

    stamp: Stamp
    body: str
    url: str = ""


def verdict(run: Run, stamp: Stamp, url: str = "") -> Posting:
    """The comment of a run. A run without verdict is one that was stopped, and says so."""
    if run.verdict is None:
        return stopped(stamp, url, "the run ended before the verdict")
    _, body = comment(run, limit=_LIMIT).split("\n", 1)
    return Posting(stamp=stamp, body=paragraphs(body.strip(), _where(stamp, url)), url=url)


def in_progress(stamp: Stamp, url: str = "") -> Posting:
    """What stands while the gate works."""
    body = paragraphs(
        f"## ⏳ In progress: {code(short(stamp.head))} is being judged",
        "The verdict will stand here. Where the run has ended and this is still here, it was stopped from outside: "
        "run the failed jobs again.",
        _where(stamp, url),
    )
    return Posting(stamp=stamp, body=body, url=url)


def stopped(stamp: Stamp, url: str, why: str) -> Posting:
    """What stands when the gate could not come to a verdict."""
    body = paragraphs(
        f"## 🛑 No verdict: {prose(why, 300)}",
        f"Nothing is known about {code(short(stamp.head))}, so the gate does not let it pass. "
        "The job log has the reason; run the failed jobs again.",
        _where(stamp, url),
    )
    return Posting(stamp=stamp, body=body, url=url)


def standing(posting: Posting, own: Sequence[str], head: str) -> str | None:
    """What should stand on a pull request at `head`, given the own comments there, oldest first.

    The newest of them stays where it may not be replaced. None where nothing stands and nothing should: a text
    about a commit that is the head no more is not begun with.
    """
    if not own:
        return _text(posting, "", head) if posting.stamp.head == head else None
    newest = _newest(own, head)
    before = read(newest)
    if before is not None and not supersedes(posting.stamp, before, head):
        return newest
    return _text(posting, newest, head)


def _newest(own: Sequence[str], head: str) -> str:
    def compare(one: str, other: str) -> int:
        a, b = read(one), read(other)
        if a is None or b is None:
            return (a is not None) - (b is not None)
        return supersedes(a, b, head) - supersedes(b, a, head)

    return max(own, key=cmp_to_key(compare))


def _text(posting: Posting, before: str, head: str) -> str:
    stamp = posting.stamp
    stale = (
        ""
        if stamp.head == head
        else f"⚠️ **Out of date**: this is about {code(short(stamp.head))}; the head is now {code(short(head))}."
    )
    heading, _, rest = posting.body.partition("\n\n")
    lines = _earlier(before, stamp)
    fold = details(_EARLIER, "\n".join(lines)) if lines else ""
    return paragraphs(f"{line(stamp)}\n{heading}", stale, rest, fold) + "\n"


def _earlier(before: str, stamp: Stamp) -> list[str]:
    """One line per verdict before this one, newest first; an execution that writes twice is listed once."""
    found = _FOLD.search(before)
    lines = found[1].splitlines() if found else []
    old, heading = read(before), _HEADING.search(before)
    same = old is not None and (old.head, old.run, old.attempt) == (stamp.head, stamp.run, stamp.attempt)
    if old is not None and heading is not None and old.state == "final" and not same:
        said = f" · run {old.run}, attempt {old.attempt}" if old.run else ""
        lines.insert(0, f"- {heading[1]} · {code(short(old.head))}{said}")
    return [each for each in lines if len(each) <= _LONGEST][:_KEPT]


def _where(stamp: Stamp, url: str) -> str:
    if not stamp.run:
        return ""
    said = f"run {stamp.run}, attempt {stamp.attempt}"
    return f"[{said}]({url})" if _URL.fullmatch(url) else said


def job_summary(run: Run, already: int = 0) -> str:
    """The whole comment for GitHub's job summary, within what is left of it beside `already` bytes.

    Empty where not even the verdict fits: one byte too many, and GitHub shows nothing of the whole step.
    """
    left = min(SUMMARY_LIMIT, SUMMARY_DROPPED - already - 1000)
    return comment(run, limit=left) if left >= LEAST else ""
