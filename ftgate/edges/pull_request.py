"""The pull request on GitHub: one comment, found again by its marker and its author, edited in place."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ftgate.edges.github_api import (
    DEFAULT_URL,
    Waiting,
    asked_wait,
    connect,
    explained,
    is_rate_limit,
    login,
    patiently,
    unclear,
)
from ftgate.errors import OutsideError

if TYPE_CHECKING:
    from github import Github
    from github.Issue import Issue
    from github.IssueComment import IssueComment

_UNCHANGED = "The verdict is unchanged; it stands in the job summary."
_ROUNDS = 8

Write = Callable[[Sequence[str], str], str | None]


class GitHubPullRequest:
    """Port `PullRequest`. Reads are repeated on failure, edits after a fresh look; a POST is sent once.

    `author` is the login that the token writes as. Without one GitHub is asked, and a token that may not ask
    is taken for the workflow's own.
    """

    def __init__(
        self,
        repository: str,
        number: int,
        token: str,
        *,
        base_url: str = DEFAULT_URL,
        author: str | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self._repository = repository
        self._number = number
        self._token = token
        self._base_url = base_url
        self._client: Github | None = None
        self._known = author
        self._waiting = waiting or Waiting()
        self._created = ""

    def head(self) -> str:
        """The commit that the pull request is at now."""
        with self._explained("the pull request cannot be read"):
            return patiently(
                lambda: self._github.get_repo(self._repository).get_pull(self._number).head.sha, self._waiting
            )

    def upsert_comment(self, marker: str, write: Write) -> str | None:
        """Creates or edits the one comment that begins with the marker; returns its URL.

        `write` is asked immediately before every write: given the own comments that stand, oldest first, and the
        commit that the pull request is at, what should stand? None leaves all as it is, and None is returned.
        GitHub has no compare-and-swap for comments, so every round looks, writes and looks again. The oldest own
        comment is kept; the others go once it was seen to carry what should stand. So two runs that both
        created one converge on the same comment.
        Raises OutsideError when GitHub cannot be reached, RefusedError when the token may not write.
        """
        with self._explained("nobody can say who the token is"):
            author = patiently(self._author, self._waiting)
        lost: Exception | None = None
        posted = False
        for _ in range(_ROUNDS):
            head = self.head()
            with self._explained("comments cannot be read"):
                own = patiently(lambda: self._own(marker, author), self._waiting)
            wanted = write([comment.body for comment in own], head)
            if wanted is None:
                return None
            if own and _same(own[0].body, wanted) and len(own) == 1:
                return own[0].html_url
            if not own and posted:
                break
            with self._explained("the comment cannot be edited" if own else "the comment cannot be written"):
                posted = posted or not own
                lost = self._step(own, wanted)
                # A rate limit refused it, so that it was certainly not obeyed.
                posted = posted and not (lost and _refused(lost))
        if lost is not None:
            with self._explained("the comment cannot be edited" if own else "the comment cannot be written"):
                raise lost
        if not own and self._created:
            # GitHub has it and does not list it yet.
            return self._created
        raise OutsideError(
            f"{self._repository}#{self._number}: the comment cannot be edited: others keep changing it",
            advice=f"Run publish again. {_UNCHANGED}",
        )

    def _step(self, own: "Sequence[IssueComment]", wanted: str) -> Exception | None:
        """The next write. Returns the failure of one that may have been obeyed or may be sent again after a wait."""
        if not own:
            return self._sent(lambda: self._create(wanted))
        if _same(own[0].body, wanted):
            return next((lost for comment in own[1:] if (lost := self._sent(comment.delete))), None)
        lost = self._sent(lambda: own[0].edit(wanted))
        # Another run may have looked before this write and write after it.
        self._waiting.wait(self._waiting.patience.settle, "looking again")
        return lost

    def _create(self, body: str) -> None:
        made = self._issue.create_comment(body)
        if not made.html_url:
            raise TypeError("an answer that is no comment")
        self._created = made.html_url

    def _sent(self, write: Callable[[], object]) -> Exception | None:
        from github.GithubException import GithubException

        try:
            write()
        except GithubException as error:
            if is_rate_limit(error):
                pause = asked_wait(error)
            elif error.status in (404, 409) or error.status >= 500:
                # Gone meanwhile, or nobody knows: the next look tells.
                pause = self._waiting.patience.backoff
            else:
                raise
            if not self._waiting.allows(pause):
                raise
            self._waiting.wait(pause, f"HTTP {error.status}")
            return error
        except unclear() as error:
            return error
        return None

    def _own(self, marker: str, author: str) -> "list[IssueComment]":
        """Comments of this author that begin with the marker, oldest first, from all pages.

        The marker alone proves nothing: anybody can write it, and their comment must never be edited as ours.
        Nor does the author: other workflows write as the same bot.
        """
        comments = list(self._issue.get_comments())
        if any(comment.id is None for comment in comments):
            # A proxy's page reads as a list of nothing: taken for an empty one, it would make a second comment.
            raise TypeError("an answer that is no list of comments")
        ours = (c for c in comments if (c.body or "").lstrip().startswith(marker))
        found = (c for c in ours if c.user and c.user.login == author)
        return sorted(found, key=lambda comment: comment.id)

    def _author(self) -> str:
        self._known = self._known or login(self._github)
        return self._known

    @property
    def _github(self) -> "Github":
        # On first use: it imports the vendor.
        self._client = self._client or connect(self._token, self._base_url, self._waiting)
        return self._client

    @property
    def _issue(self) -> "Issue":
        return self._github.get_repo(self._repository).get_issue(self._number)

    def _explained(self, what: str) -> AbstractContextManager[None]:
        return explained(f"{self._repository}#{self._number}: {what}", self._base_url, _UNCHANGED)


def _same(one: str, other: str) -> bool:
    """Whether two bodies are one text: line ends and white space around it are GitHub's."""
    return one.replace("\r\n", "\n").strip() == other.strip()


def _refused(error: Exception) -> bool:
    from github.GithubException import GithubException

    return isinstance(error, GithubException) and is_rate_limit(error)
