"""What the bot says in one line: help, the state of a run, where a run can be found."""

import re

from ftgate.report.markdown import paragraphs
from ftgate.report.quote import prose
from ftgate.report.wording import short
from ftgate.values.trust import WorkflowRun

MARK = "<!-- ftgate:answer -->"
_END = "<!-- /ftgate:answer -->"
_ANSWER = re.compile(rf"\n\n{MARK}\n.*?\n{_END}", re.DOTALL)

HELP = (
    "Commands, alone on the first line of a comment: `/ftgate run SHA` (train this commit), `/ftgate retry`, "
    "`/ftgate cancel`, `/ftgate waive REASON DATA why`, `/ftgate explain PROMPT`, `/ftgate status`, `/ftgate help`."
)


def status_line(run: WorkflowRun) -> str:
    """Run 12, attempt 2: completed, failure."""
    said = ", ".join(filter(None, [run.status, run.conclusion]))
    return f"Run {run.number}, attempt {run.attempt}: {said}."


def gone(head: str, url: str) -> str:
    """Where the run of a head can be had when the bot cannot read it."""
    where = f"It is an artifact of {url} for as long as that keeps it. " if url else ""
    return (
        f"the run of {short(head)} is not available. {where}Comment `/ftgate retry`, or run it yourself: "
        f"`ftgate run --base MERGE_BASE --head {short(head)} --out out`."
    )


def with_answer(body: str, text: str) -> str:
    """The sticky comment with one answer below its heading, in place of the last one; the rest is as it was.

    The text is made inert: it quotes a person's name and a commit that a person typed.
    """
    heading, _, rest = _ANSWER.sub("", body).partition("\n\n")
    return paragraphs(heading.rstrip("\n"), f"{MARK}\n{prose(text, 1200)}\n{_END}", rest)
