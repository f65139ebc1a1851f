"""publish: renderings of the run, nothing more."""

from pathlib import Path

from ftgate.ports import PullRequest, RunStore
from ftgate.report.comment import comment
from ftgate.report.posted import Posting, standing, verdict
from ftgate.report.stamp import MARKER, Stamp
from ftgate.values.run import Run


def publish(run: Run, runs: RunStore) -> Path:
    """Writes comment.md beside run.json and returns where it is."""
    return runs.write("comment.md", comment(run))


def post(run: Run, pull_request: PullRequest) -> str | None:
    """Creates or edits the one comment with the run's verdict, of no known execution; returns its URL."""
    return put(verdict(run, Stamp(head=run.plan.head)), pull_request)


def put(posting: Posting, pull_request: PullRequest) -> str | None:
    """Creates or edits the one comment of the pull request, unless a newer one stands; returns its URL.

    None where nothing stands and nothing was written: the text is about a commit that is the head no more.
    """
    return pull_request.upsert_comment(MARKER, lambda own, head: standing(posting, own, head))
