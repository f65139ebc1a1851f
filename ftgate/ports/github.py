"""What is asked of GitHub."""

from collections.abc import Callable, Sequence
from typing import Protocol

from ftgate.values.trust import Comment, Permission, Person, PullFacts, WorkflowJob, WorkflowRun


class PullRequest(Protocol):
    """The pull request that the comment goes to."""

    def upsert_comment(self, marker: str, write: Callable[[Sequence[str], str], str | None]) -> str | None:
        """Creates or edits the one comment that begins with the marker; returns its URL.

        `write` says what should stand, given the own comments that stand, oldest first, and the commit that the
        pull request is at; None leaves all as it is.
        """


class GitHubFacts(Protocol):
    """One pull request and its repository, as GitHub's API gives them now, and the little that the bot does there.

    Every method raises OutsideError when GitHub does not answer as it should.
    """

    def pull(self) -> PullFacts: ...

    def permission(self, person: Person) -> Permission:
        """NONE for somebody whom the repository does not know."""

    def person(self, login: str) -> Person | None: ...

    def comments(self) -> Sequence[Comment]:
        """All of them, oldest first."""

    def comment(self, number: int) -> Comment | None:
        """One of this pull request's comments; None when it is gone or another's."""

    def react(self, comment: int, sign: str) -> None:
        """`sign` is GitHub's word: eyes, +1, -1, confused."""

    def workflow_runs(self, head: str) -> Sequence[WorkflowRun]:
        """Every run of a commit, of all workflows."""

    def jobs(self, run: WorkflowRun) -> Sequence[WorkflowJob]:
        """Of the latest attempt."""

    def run_again(self, run: WorkflowRun, *, failed_only: bool) -> None: ...

    def cancel(self, run: WorkflowRun) -> None: ...

    def run_file(self, run: WorkflowRun) -> bytes | None:
        """run.json of the workflow run's newest artifact; None when there is none. It is hostile data."""

    def answer(self, text: str) -> bool:
        """Shows one line in the sticky comment, in place of the last; False where there is no sticky comment."""

    def post(self, body: str) -> str:
        """A comment of its own; returns its URL."""
