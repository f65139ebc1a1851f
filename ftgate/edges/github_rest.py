"""GitHub's REST API for facts: JSON in, JSON out, strict about errors, and never a token in a message."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ftgate.edges.github_api import DEFAULT_URL, Waiting, connect, explained, patiently
from ftgate.errors import OutsideError

if TYPE_CHECKING:
    from github import Github


class Refused(OutsideError):
    """GitHub's answer is an error; `status` is the HTTP status."""

    def __init__(self, message: str, status: int, *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.status = status


class Rest:
    """GET is repeated on failure, a write never: what was lost may have been obeyed.

    Raises Refused for an error of GitHub's, OutsideError when it cannot be reached or answers something else.
    """

    def __init__(self, token: str, *, base_url: str = DEFAULT_URL, waiting: Waiting | None = None) -> None:
        self._token = token
        self._base_url = base_url.rstrip("/")
        self._waiting = waiting or Waiting()

    def get(self, path: str, asked: dict[str, Any] | None = None) -> Any:
        """JSON of an address below the API's."""
        requester = self._github.requester
        with self._clear(path):
            return patiently(lambda: requester.requestJsonAndCheck("GET", path, asked)[1], self._waiting)

    def send(self, method: str, path: str, content: Any = None) -> Any:
        """Sends JSON and returns what GitHub answers."""
        with self._clear(path):
            return self._github.requester.requestJsonAndCheck(method, path, input=content)[1]

    def download(self, path: str, largest: int) -> bytes:
        """Bytes behind an address that redirects to a store; the token stays with GitHub.

        Raises OutsideError for more than `largest` bytes.
        """
        import requests

        headers = {"Authorization": f"Bearer {self._token}"}
        url, timeout = f"{self._base_url}{path}", self._waiting.patience.timeout
        # requests drops the header when the redirect leads to another host.
        with self._clear(path), requests.get(url, headers=headers, timeout=timeout, stream=True) as answer:
            if answer.status_code != 200:
                raise Refused(f"{path}: GitHub answered HTTP {answer.status_code}", answer.status_code)
            content = b""
            for part in answer.iter_content(1 << 16):
                content += part
                if len(content) > largest:
                    raise OutsideError(f"{path}: more than {largest:,} bytes")
            return content

    @cached_property
    def _github(self) -> "Github":
        return connect(self._token, self._base_url, self._waiting)

    @contextmanager
    def _clear(self, path: str) -> Iterator[None]:
        from github.GithubException import GithubException

        status: int | None = None
        try:
            with explained(path, self._base_url):
                try:
                    yield
                except GithubException as error:
                    status = error.status
                    raise
                except (ValueError, RuntimeError) as error:
                    raise TypeError("an answer that is no JSON, or leads elsewhere") from error
        except OutsideError as error:
            message = error.message.replace(self._token, "***") if self._token else error.message
            if status is None or isinstance(error, Refused):
                raise OutsideError(message, advice=error.advice) from None
            raise Refused(message, status, advice=error.advice) from None
