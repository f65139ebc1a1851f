"""GitHub's API for every edge that asks it: one client, bounded and announced waits, errors in plain words."""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from ftgate.errors import OutsideError, RefusedError

if TYPE_CHECKING:
    from github import Github
    from github.GithubException import GithubException
    from github.GithubRetry import GithubRetry
    from urllib3.response import BaseHTTPResponse

DEFAULT_URL = "https://api.github.com"
ACTIONS_BOT = "github-actions[bot]"

_CREDENTIAL = re.compile(r"\b(?:bearer|token|basic)\s+\S+|\bgh[a-z]_\w+|\bgithub_pat_\w+", re.IGNORECASE)
"""A proxy may send back what it was sent."""

Say = Callable[[str], None]
T = TypeVar("T")


class Patience(Struct, frozen=True, kw_only=True):
    """Bounds of all waiting, in seconds; the pauses keep to GitHub's secondary rate limits.

    `longest_wait` bounds one wait: where GitHub asks for more, nothing is waited for. `total` bounds all repetition,
    counted from the first failure. `settle` is how long a written comment is left before it is looked at again.
    """

    timeout: float = 15
    retries: int = 4
    backoff: float = 0.5
    longest_wait: int = 60
    total: int = 240
    settle: float = 1.0
    between_requests: float = 0.25
    between_writes: float = 1.0


def silent(text: str) -> None:
    """Announces nothing."""


class Waiting:
    """The waits of one client: each is announced, all together are bounded."""

    def __init__(self, patience: Patience = Patience(), say: Say = silent) -> None:  # noqa: B008 (frozen)
        self.patience = patience
        self._say = say
        self._deadline: float | None = None

    def allows(self, seconds: float) -> bool:
        """Whether so long a wait is within the bounds."""
        now = time.monotonic()
        self._deadline = self._deadline or now + self.patience.total
        return seconds <= self.patience.longest_wait and now + seconds <= self._deadline

    def wait(self, seconds: float, why: str) -> None:
        """Sleeps, and says so where a person would notice."""
        if seconds >= 1:
            self._say(f"GitHub: {why}; waiting {seconds:.0f} s")
        time.sleep(max(seconds, 0))


def connect(token: str, base_url: str = DEFAULT_URL, waiting: Waiting | None = None) -> "Github":
    """A client that repeats reads on failure and sends every write once.

    A write whose answer is lost may have been obeyed: who sent it looks before it is sent again.
    """
    from github import Auth, Github, set_log_level

    # PyGithub logs every retry to stderr by itself, with waits that are cut here.
    set_log_level(logging.WARNING)
    waiting = waiting or Waiting()
    patience = waiting.patience
    return Github(
        auth=Auth.Token(token),
        base_url=base_url,
        timeout=patience.timeout,  # type: ignore[arg-type]
        retry=_retry(waiting),
        per_page=100,
        seconds_between_requests=patience.between_requests,
        seconds_between_writes=patience.between_writes,
        lazy=True,
    )


def login(github: "Github") -> str:
    """Who the token writes as. A token that may not ask is taken for the workflow's own."""
    from github.GithubException import GithubException

    try:
        name = github.get_user().login
    except GithubException as error:
        if error.status != 403 or is_rate_limit(error):
            raise
        return ACTIONS_BOT
    if not name:
        raise TypeError("an answer that is no user")
    return name


def patiently(read: Callable[[], T], waiting: Waiting) -> T:
    """A read whose answer came cut or garbled is asked for again: the client itself repeats only what failed whole."""
    for turn in range(1, waiting.patience.retries + 1):
        try:
            return read()
        except garbled() as error:
            pause = waiting.patience.backoff * 2**turn
            if not waiting.allows(pause):
                raise
            waiting.wait(pause, f"an answer came garbled ({type(error).__name__})")
    return read()


def garbled() -> tuple[type[Exception], ...]:
    """What is raised where an answer broke off, has another shape than GitHub's, or leads to another host.

    PyGithub reads an answer that is no JSON as an object without any attribute: what must be there is None.
    """
    from github.GithubException import BadAttributeException
    from requests.exceptions import ChunkedEncodingError, ContentDecodingError

    return (
        ChunkedEncodingError,
        ContentDecodingError,
        BadAttributeException,
        AttributeError,
        KeyError,
        TypeError,
        AssertionError,
    )


def unclear() -> tuple[type[Exception], ...]:
    """What is raised where nobody knows whether a write was obeyed: no answer, or none that can be read."""
    from requests.exceptions import RequestException

    return (RequestException, *garbled())


def is_rate_limit(error: "GithubException") -> bool:
    """Whether a refusal is a rate limit: such a request was not obeyed."""
    from github.GithubException import RateLimitExceededException

    return isinstance(error, RateLimitExceededException) or error.status == 429


def asked_wait(error: "GithubException") -> float:
    """Seconds after which a rate limit may be over. GitHub advises a minute where it names no time."""
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    named, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if named.isdigit():
        return float(named)
    if reset.isdigit() and headers.get("x-ratelimit-remaining") == "0":
        return max(int(reset) - time.time(), 0) + 1
    return 60.0


@contextmanager
def explained(where: str, base_url: str, consequence: str = "") -> Iterator[None]:
    """Turns what the client raises into OutsideError, RefusedError for a permission that the token lacks.

    `where` says what was asked for; `consequence` ends the advice.
    """
    from github.GithubException import GithubException
    from requests.exceptions import RequestException

    try:
        yield
    except GithubException as error:
        refused = error.status == 403 and not is_rate_limit(error)
        kind = RefusedError if refused else OutsideError
        raise kind(f"{where}: {_said(error)}", advice=f"{_advice(error)} {consequence}".rstrip()) from None
    except unclear() as error:
        if (
            isinstance(error, RequestException)
            and error.response is None
            and not isinstance(error, garbled())
        ):
            text = f"{where}: GitHub cannot be reached ({type(error).__name__})"
            raise OutsideError(text, advice=f"Run the command again. {consequence}".rstrip()) from None
        text = f"{where}: the answer is not GitHub's"
        raise OutsideError(text, advice=f"Check the API address {base_url}. {consequence}".rstrip()) from None


def _retry(waiting: Waiting) -> "GithubRetry":
    from github.GithubRetry import GithubRetry

    class Bounded(GithubRetry):
        """PyGithub's own, but GitHub may name a wait of an hour, and a job has no hour."""

        def increment(self, method=None, url=None, response=None, *rest, **named):  # type: ignore[no-untyped-def]
            asked = self.get_retry_after(response) if response is not None else None
            if not waiting.allows(asked or 0):
                self.total = 0
            return super().increment(method, url, response, *rest, **named)

        def sleep(self, response: "BaseHTTPResponse | None" = None) -> None:
            asked = self.get_retry_after(response) if response is not None else None
            pause = min(asked or self.get_backoff_time(), waiting.patience.longest_wait)
            why = f"HTTP {response.status}" if response is not None else "no answer"
            waiting.wait(pause, why)

    patience = waiting.patience
    return Bounded(
        total=patience.retries,
        backoff_factor=patience.backoff,
        allowed_methods=frozenset({"GET"}),
        secondary_rate_wait=patience.longest_wait,
        max_rate_limit_wait=patience.longest_wait,
        # The last answer then says why, instead of an exception that says "too many".
        raise_on_status=False,
    )


def _said(error: "GithubException") -> str:
    data = error.data if isinstance(error.data, dict) else {}
    message = _CREDENTIAL.sub("***", str(data.get("message") or "no reason given"))
    return f"GitHub answered HTTP {error.status}: {message[:200]}"


def _advice(error: "GithubException") -> str:
    if is_rate_limit(error):
        return "Wait until the rate limit resets, then run it again."
    advice = {
        401: "Set GITHUB_TOKEN to a token that is still valid.",
        403: (
            "The token lacks the permission: give the job `permissions: pull-requests: write`. "
            "Pull requests from forks get a read-only token."
        ),
        404: "Check repository and number, and that the token may read them (`pull-requests: read`).",
    }
    return advice.get(error.status, "Run the command again.")
