"""The pull request on GitHub: one comment, found again by its marker and its author, edited in place."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from ftgate.errors import OutsideError

if TYPE_CHECKING:
    from github.AuthenticatedUser import AuthenticatedUser
    from github.GithubException import GithubException
    from github.GithubRetry import GithubRetry
    from github.Issue import Issue
    from github.IssueComment import IssueComment

DEFAULT_URL = "https://api.github.com"
ACTIONS_BOT = "github-actions[bot]"

_UNCHANGED = "The verdict is unchanged; it stands in the job summary."


class Patience(Struct, frozen=True, kw_only=True):
    """Bounds of all waiting, in seconds; the pauses keep to GitHub's secondary rate limits."""

    timeout: int = 15
    retries: int = 4
    backoff: float = 0.5
    longest_wait: int = 60
    between_requests: float = 0.25
    between_writes: float = 1.0


class GitHubPullRequest:
    """Port `PullRequest`. Reads, edits and deletions are repeated on failure; a POST is sent once.

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
        patience: Patience = Patience(),  # noqa: B008 (frozen)
    ) -> None:
        self._repository = repository
        self._number = number
        self._token = token
        self._base_url = base_url
        self._author = author
        self._patience = patience

    def upsert_comment(self, marker: str, body: str) -> str:
        """Creates or edits the one comment that carries the marker; returns its URL.

        Of several own ones the oldest is kept: whichever run looks last, all converge on the same comment.
        Raises OutsideError when GitHub cannot be reached or the token may not write.
        """
        with self._explained("comments cannot be read"):
            issue, author = self._connect()
            own = _own(issue, marker, author)
        if not own:
            url = self._create(issue, body, lambda: _own(issue, marker, author))
            with self._explained("comments cannot be read"):
                own = _own(issue, marker, author)
            if not own:
                return url
        with self._explained("the comment cannot be edited"):
            if own[0].body != body:
                own[0].edit(body)
            for duplicate in own[1:]:
                _delete(duplicate)
        return own[0].html_url

    def _connect(self) -> "tuple[Issue, str]":
        from github import Auth, Github, set_log_level

        # PyGithub logs every retry to stderr by itself, with waits that are cut here.
        set_log_level(logging.WARNING)
        patience = self._patience
        github = Github(
            auth=Auth.Token(self._token),
            base_url=self._base_url,
            timeout=patience.timeout,
            retry=_retry(patience),
            per_page=100,
            seconds_between_requests=patience.between_requests,
            seconds_between_writes=patience.between_writes,
            lazy=True,
        )
        issue = github.get_repo(self._repository).get_issue(self._number)
        return issue, self._author or _login(github.get_user)

    def _create(self, issue: "Issue", body: str, own: "Callable[[], list[IssueComment]]") -> str:
        """A POST whose answer was lost may have been obeyed; looking tells, sending again would make two."""
        from github.GithubException import GithubException
        from requests.exceptions import RequestException

        with self._explained("the comment cannot be written"):
            try:
                return issue.create_comment(body).html_url
            except (GithubException, RequestException) as error:
                if getattr(error, "status", 500) < 500 or not (found := own()):
                    raise
                return found[0].html_url

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        from github.GithubException import BadAttributeException, GithubException
        from requests.exceptions import RequestException

        where = f"{self._repository}#{self._number}: {what}"
        try:
            yield
        except GithubException as error:
            raise OutsideError(f"{where}: {_said(error)}", advice=f"{_advice(error)} {_UNCHANGED}") from None
        except RequestException as error:
            text = f"{where}: GitHub cannot be reached ({type(error).__name__})"
            raise OutsideError(text, advice=f"Run publish again. {_UNCHANGED}") from None
        except (BadAttributeException, KeyError, TypeError, AssertionError):
            # What PyGithub raises where an answer has another shape than GitHub's, or leads to another host.
            text = f"{where}: the answer is not GitHub's"
            raise OutsideError(text, advice=f"Check the API address {self._base_url}. {_UNCHANGED}") from None


def _own(issue: "Issue", marker: str, author: str) -> "list[IssueComment]":
    """Comments of this author that carry the marker, oldest first, from all pages.

    The marker alone proves nothing: anybody can write it, and their comment must never be edited as ours.
    """
    comments = (c for c in issue.get_comments() if marker in (c.body or "") and c.user.login == author)
    return sorted(comments, key=lambda comment: comment.id)


def _login(get_user: "Callable[[], AuthenticatedUser]") -> str:
    from github.GithubException import GithubException

    try:
        return get_user().login
    except GithubException as error:
        if error.status != 403:
            raise
        return ACTIONS_BOT


def _delete(comment: "IssueComment") -> None:
    from github.GithubException import UnknownObjectException

    # The other run of a race may have deleted it first.
    with suppress(UnknownObjectException):
        comment.delete()


def _retry(patience: Patience) -> "GithubRetry":
    from github.GithubRetry import GithubRetry
    from urllib3.response import BaseHTTPResponse

    class Bounded(GithubRetry):
        """PyGithub's own, but GitHub may name a wait of an hour, and a job has no hour."""

        def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
            wait = super().get_retry_after(response)
            return None if wait is None else min(wait, patience.longest_wait)

    return Bounded(
        total=patience.retries,
        backoff_factor=patience.backoff,
        # PyGithub would add POST, and post a second comment when the answer to the first is lost.
        allowed_methods=frozenset({"GET", "PATCH", "DELETE"}),
        secondary_rate_wait=patience.longest_wait,
        max_rate_limit_wait=patience.longest_wait,
        # The last answer then says why, instead of an exception that says "too many".
        raise_on_status=False,
    )


def _said(error: "GithubException") -> str:
    data = error.data if isinstance(error.data, dict) else {}
    message = data.get("message") or "no reason given"
    return f"GitHub answered HTTP {error.status}: {str(message)[:200]}"


def _advice(error: "GithubException") -> str:
    from github.GithubException import RateLimitExceededException

    if isinstance(error, RateLimitExceededException) or error.status == 429:
        return "Wait until the rate limit resets, then run publish again."
    advice = {
        401: "Set GITHUB_TOKEN to a token that is still valid.",
        403: (
            "The token lacks the permission: give the job `permissions: pull-requests: write`. "
            "Pull requests from forks get a read-only token."
        ),
        404: "Check repository and number, and that the token may read them (`pull-requests: read`).",
    }
    return advice.get(error.status, "Run publish again.")
