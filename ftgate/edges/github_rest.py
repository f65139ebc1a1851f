"""One connection to GitHub's REST API: patient within bounds, and clear when it gives up."""

from typing import TYPE_CHECKING, Any

from ftgate.edges.pull_request import DEFAULT_URL, Patience, _retry, _said
from ftgate.errors import OutsideError

if TYPE_CHECKING:
    from github import Github


class Refused(OutsideError):
    """GitHub's answer is an error; `status` is the HTTP status."""

    def __init__(self, message: str, status: int, *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.status = status


class Rest:
    """GET is repeated on failure, POST never: what was lost may have been obeyed.

    Raises Refused for an error of GitHub's, OutsideError when it cannot be reached or answers something else.
    """

    def __init__(
        self,
        token: str,
        *,
        base_url: str = DEFAULT_URL,
        patience: Patience = Patience(),  # noqa: B008 (frozen)
    ) -> None:
        self._token = token
        self._base_url = base_url.rstrip("/")
        self._patience = patience
        self._github: Github | None = None

    def get(self, path: str, asked: dict[str, Any] | None = None) -> Any:
        """JSON of an address below the API's."""
        return self._call("GET", path, asked, None)

    def send(self, method: str, path: str, content: Any = None) -> Any:
        """Sends JSON and returns what GitHub answers."""
        return self._call(method, path, None, content)

    def download(self, path: str, largest: int) -> bytes:
        """Bytes behind an address that redirects to a store; the token stays with GitHub.

        Raises OutsideError for more than `largest` bytes.
        """
        import requests
        from requests.exceptions import RequestException

        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            # requests drops the header when the redirect leads to another host.
            with requests.get(
                f"{self._base_url}{path}", headers=headers, timeout=self._patience.timeout, stream=True
            ) as answer:
                if answer.status_code != 200:
                    raise Refused(f"{path}: GitHub answered HTTP {answer.status_code}", answer.status_code)
                content = b""
                for part in answer.iter_content(1 << 16):
                    content += part
                    if len(content) > largest:
                        raise OutsideError(f"{path}: more than {largest:,} bytes")
                return content
        except RequestException as error:
            raise OutsideError(f"{path}: GitHub cannot be reached ({type(error).__name__})") from None

    def _call(self, method: str, path: str, asked: dict[str, Any] | None, content: Any) -> Any:
        from github.GithubException import GithubException
        from requests.exceptions import RequestException

        try:
            _, data = self._connected().requester.requestJsonAndCheck(method, path, asked, input=content)
        except GithubException as error:
            raise Refused(
                f"{path}: {_said(error)}", error.status, advice=_ADVICE.get(error.status, "")
            ) from None
        except RequestException as error:
            text = f"{path}: GitHub cannot be reached ({type(error).__name__})"
            raise OutsideError(text, advice="Run it again.") from None
        except (AssertionError, KeyError, TypeError, ValueError, RuntimeError):
            # What PyGithub raises where an answer is no JSON or leads to another host.
            text = f"{path}: the answer is not GitHub's"
            raise OutsideError(text, advice=f"Check the API address {self._base_url}.") from None
        return data

    def _connected(self) -> "Github":
        import logging

        from github import Auth, Github, set_log_level

        if self._github is None:
            set_log_level(logging.WARNING)
            patience = self._patience
            self._github = Github(
                auth=Auth.Token(self._token),
                base_url=self._base_url,
                timeout=patience.timeout,
                retry=_retry(patience),
                seconds_between_requests=patience.between_requests,
                seconds_between_writes=patience.between_writes,
            )
        return self._github


_ADVICE = {
    401: "Set GITHUB_TOKEN to a token that is still valid.",
    403: "The token lacks a permission, or a rate limit is spent.",
    404: "Check repository and number, and that the token may read them.",
    429: "Wait until the rate limit resets.",
}
