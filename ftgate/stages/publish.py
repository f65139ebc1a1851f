"""publish: renderings of the run, nothing more."""

from pathlib import Path

from ftgate.ports import PullRequest, RunStore
from ftgate.report.comment import MARKER, comment
from ftgate.values.run import Run


def publish(run: Run, runs: RunStore) -> Path:
    """Writes comment.md beside run.json and returns where it is."""
    return runs.write("comment.md", comment(run))


def post(run: Run, pull_request: PullRequest) -> str:
    """Creates or edits the one comment of the pull request; returns its URL."""
    return pull_request.upsert_comment(MARKER, comment(run))
