"""A small GitHub: one pull request with comments, as far as the gate uses it.

Pages have at most 100 comments and 30 by default, with GitHub's Link header; bodies are bounded as GitHub
bounds them; editing needs the author. Faults are planned per request, and every request is in the journal.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from tests.edges.servers import Handler, Journal, serving

REPOSITORY, NUMBER = "acme/bank", 7
LONGEST_BODY = 65_536

Fault = Literal["502", "502-after", "reset", "reset-after", "403", "secondary", "primary", "html"]
_AFTER = ("502-after", "reset-after")


@dataclass
class GitHub:
    """The state. `login` is who the token writes as; None for a token that may not ask who it is."""

    url: str = ""
    token: str = "t0ken"
    login: str | None = "ftgate[bot]"
    may_write: bool = True
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    faults: dict[tuple[str, int], Fault] = field(default_factory=dict)
    journal: Journal = field(default_factory=list)

    def comment(self, body: str, login: str) -> int:
        """A comment that is already there."""
        number = max(self.comments, default=100) + 1
        self.comments[number] = {
            "id": number,
            "url": f"{self.url}/repos/{REPOSITORY}/issues/comments/{number}",
            "html_url": f"https://github.com/{REPOSITORY}/pull/{NUMBER}#issuecomment-{number}",
            "body": body,
            "user": {"login": login, "id": 1, "url": f"{self.url}/users/{login}"},
        }
        return number

    def calls(self, method: str) -> int:
        """How many requests of a method arrived, failed ones included."""
        return sum(m == method for m, _ in self.journal)

    @property
    def author(self) -> str:
        return self.login or "github-actions[bot]"


@contextmanager
def github() -> Iterator[GitHub]:
    """A GitHub that listens until the block ends."""
    state = GitHub()

    class Bound(_Handler):
        github = state

    with serving(Bound) as url:
        state.url = url
        yield state


class _Handler(Handler):
    github: GitHub

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_DELETE = do_GET

    def _serve(self) -> None:
        content = self.body()
        self.github.journal.append((self.command, self.path))
        fault = self.github.faults.get((self.command, self.github.calls(self.command)))
        if fault is None:
            self.reply(*self._answer(content))
            return
        if fault in _AFTER:
            self._answer(content)
        self._fail(fault)

    def _fail(self, fault: Fault) -> None:
        if fault.startswith("reset"):
            self.reset()
        elif fault == "html":
            self.reply(200, b"<html>a proxy's page</html>", {"Content-Type": "text/html"})
        elif fault == "secondary":
            self.reply(403, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "3600"})
        elif fault == "primary":
            self.reply(
                403, {"message": "API rate limit exceeded for user"}, {"X-RateLimit-Reset": "99999999999"}
            )
        elif fault == "403":
            self.reply(403, {"message": "Forbidden"})
        else:
            self.reply(502, {"message": "Server Error"})

    def _answer(self, content: Any) -> tuple[int, Any, dict[str, str]]:
        if self.headers.get("Authorization") not in (
            f"token {self.github.token}",
            f"Bearer {self.github.token}",
        ):
            return 401, {"message": "Bad credentials"}, {}
        path = urlsplit(self.path).path
        if path == "/user":
            return self._user()
        if path == f"/repos/{REPOSITORY}/issues/{NUMBER}":
            return 200, {"number": NUMBER, "url": f"{self.github.url}{path}"}, {}
        if path == f"/repos/{REPOSITORY}/issues/{NUMBER}/comments":
            return self._page() if self.command == "GET" else self._create(content)
        if found := re.fullmatch(rf"/repos/{REPOSITORY}/issues/comments/(\d+)", path):
            return self._change(int(found[1]), content)
        return 404, {"message": "Not Found"}, {}

    def _user(self) -> tuple[int, Any, dict[str, str]]:
        if self.github.login is None:
            return 403, {"message": "Resource not accessible by integration"}, {}
        return 200, {"login": self.github.login, "id": 1, "url": f"{self.github.url}/user"}, {}

    def _page(self) -> tuple[int, Any, dict[str, str]]:
        query = parse_qs(urlsplit(self.path).query)
        size, page = min(int(query.get("per_page", ["30"])[0]), 100), int(query.get("page", ["1"])[0])
        comments = [self.github.comments[number] for number in sorted(self.github.comments)]
        last = max(1, -(-len(comments) // size))
        link = ", ".join(
            f'<{self.github.url}{urlsplit(self.path).path}?per_page={size}&page={number}>; rel="{name}"'
            for name, number in (("next", page + 1), ("last", last))
            if page < last
        )
        return 200, comments[(page - 1) * size : page * size], {"Link": link} if link else {}

    def _create(self, content: Any) -> tuple[int, Any, dict[str, str]]:
        if refusal := self._refusal(content):
            return refusal
        number = self.github.comment(content["body"], self.github.author)
        return 201, self.github.comments[number], {}

    def _change(self, number: int, content: Any) -> tuple[int, Any, dict[str, str]]:
        comment = self.github.comments.get(number)
        if comment is None:
            return 404, {"message": "Not Found"}, {}
        if comment["user"]["login"] != self.github.author:
            return 403, {"message": "Must be the author"}, {}
        if self.command == "DELETE":
            del self.github.comments[number]
            return 204, b"", {}
        if refusal := self._refusal(content):
            return refusal
        comment["body"] = content["body"]
        return 200, comment, {}

    def _refusal(self, content: Any) -> tuple[int, Any, dict[str, str]] | None:
        if not self.github.may_write:
            return 403, {"message": "Resource not accessible by integration"}, {}
        if not 0 < len(content["body"]) <= LONGEST_BODY:
            return 422, {"message": "Validation Failed"}, {}
        return None
