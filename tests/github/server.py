"""The bench itself: HTTP on loopback, permissions, the contract, the journal, and planned faults."""

import json
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from tests.edges.servers import Handler, serving
from tests.github import contract
from tests.github.faults import OBEYED, Fault, Plan
from tests.github.routes import ROUTES
from tests.github.routing import Answer, Call, Refused, Route, find
from tests.github.state import ROLES, Hub, Identity

__all__ = ["ROUTES", "Entry", "GitHub", "github"]

_RESET = "99999999999"


class Entry(NamedTuple):
    """A request that arrived; `status` is None where the answer was lost or cut."""

    method: str
    path: str
    login: str
    body: Any
    status: int | None
    fault: Fault | None


class GitHub(Hub):
    """A Hub that listens. `violations` are requests and answers that GitHub's description does not know."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.faults = Plan()
        self.journal: list[Entry] = []
        self.violations: list[str] = []
        self._arrived: list[str] = []
        self._lock = threading.RLock()

    def forget(self) -> None:
        """Comments, faults and the journal go; repositories and identities stay."""
        for repo in self.repositories.values():
            repo.comments.clear()
        self.faults, self._arrived = Plan(), []
        self.journal.clear()

    def calls(self, method: str) -> int:
        """How many requests of a method arrived, failed ones included."""
        return self._arrived.count(method)

    def serve(self, handler: "_Handler") -> None:
        content = handler.body()
        with self._lock:
            index = len(self._arrived)
            self._arrived.append(handler.command)
            fault = self.faults.of(index, handler.command, self.calls(handler.command))
        # Outside the lock: what happens meanwhile may be another client's whole publication.
        if action := self.faults.before.pop(index, None):
            action()
        with self._lock:
            known = self.identities.get(_token(handler))
            obeyed = fault is None or fault in OBEYED
            answer = self._answered(handler.command, handler.path, known, content) if obeyed else None
            status = answer.status if answer and fault is None else None
            login = known.login if known else ""
            self.journal.append(Entry(handler.command, handler.path, login, content, status, fault))
        if fault is None and answer is not None:
            handler.answer(answer, self.remaining)
        elif fault is not None:
            handler.fail(fault, answer, self.faults)

    def _answered(self, method: str, target: str, identity: Identity | None, content: Any) -> Answer:
        try:
            return self.answer(method, target, identity, content)
        except Exception as error:
            self.violations.append(f"{method} {target}: the bench broke: {error!r}")
            raise

    def answer(self, method: str, target: str, identity: Identity | None, content: Any) -> Answer:
        """What GitHub answers, contract-checked both ways."""
        parts = urlsplit(target)
        if found := re.fullmatch(r"/-/artifacts/(.+)/(\d+)", parts.path):
            kept = self.repositories[unquote(found[1])].artifacts[int(found[2])]
            return Answer(200, kept.content, {"Content-Type": "application/zip"})
        if identity is None:
            return Refused(401, "Bad credentials").answer
        try:
            route, parameters = find(method, parts.path)
        except Refused as refused:
            self.violations.append(f"{method} {parts.path}: the bench has no such operation")
            return refused.answer
        wrong = contract.request(method, route.template, parameters, parts.query, content)
        if wrong:
            self.violations += [f"{method} {target}: {each}" for each in wrong]
            return Refused(422, f"Invalid request: {wrong[0]}").answer
        made = self._allowed(
            route, Call(self, method, parts.path, parts.query, content, identity, parameters)
        )
        wrong = contract.response(method, route.template, made.status, made.value)
        self.violations += [f"{method} {target} -> {made.status}: {each}" for each in wrong]
        return made

    def _allowed(self, route: Route, call: Call) -> Answer:
        try:
            if route.template != "/rate_limit":
                self._count()
            if "repo" in call.parameters:
                self._permit(route, call)
                self.sync(call.repo)
            return route.handle(call)
        except Refused as refused:
            return refused.answer

    def _count(self) -> None:
        if self.remaining <= 0:
            raise Refused(403, "API rate limit exceeded for user", {"X-RateLimit-Reset": _RESET})
        self.remaining -= 1

    def _permit(self, route: Route, call: Call) -> None:
        """An app or a workflow has grants, a person a role. Comments of pull requests belong to two areas."""
        repo, who = call.repo, call.identity
        if who.kind == "Bot":
            areas = (route.area, "pull-requests") if route.area == "issues" else (route.area,)
            grants = {who.may.get(area, "read" if area == "metadata" else "none") for area in areas}
            if not grants & ({"read", "write"} if route.level == "read" else {"write"}):
                raise Refused(403, "Resource not accessible by integration")
            return
        role = ROLES.index(repo.role(who.login))
        least = "read" if route.level == "read" or "comments" in route.template else "write"
        if route.area == "administration":
            least = "admin"
        if role < ROLES.index("read"):
            raise Refused(404, "Not Found")
        if role < ROLES.index(least):
            raise Refused(403, "Must have admin rights to Repository.")


class _Handler(Handler):
    hub: GitHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.hub.serve(self)

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def answer(self, it: Answer, remaining: int) -> None:
        headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": str(remaining), **it.headers}
        headers.setdefault("X-RateLimit-Reset", _RESET)
        self.reply(it.status, b"" if it.value is None else it.value, headers)

    def fail(self, fault: Fault, answer: Answer | None, plan: Plan) -> None:
        kind = fault.removesuffix("-after")
        if kind == "hang":
            # The client gives up first; a server that is stopped meanwhile waits no longer than this.
            threading.Event().wait(plan.hang_seconds)
        if kind in ("reset", "hang"):
            self.reset()
        elif kind == "truncated":
            assert answer is not None
            self._cut(answer)
        elif kind == "html":
            self.reply(200, b"<html>a proxy's page</html>", {"Content-Type": "text/html"})
        elif kind == "secondary":
            wait = {"Retry-After": str(plan.retry_after)}
            self.reply(403, {"message": "You have exceeded a secondary rate limit."}, wait)
        elif kind == "primary":
            spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": _RESET}
            self.reply(403, {"message": "API rate limit exceeded for user"}, spent)
        elif kind == "403":
            self.reply(403, {"message": "Resource not accessible by integration"})
        else:
            self.reply(502, {"message": "Server Error"})

    def _cut(self, it: Answer) -> None:
        """Half of the body, under the length of the whole."""
        content = it.value if isinstance(it.value, bytes) else json.dumps(it.value).encode()
        self.send_response(it.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True


def _token(handler: Handler) -> str:
    said = re.fullmatch(r"(?:token|Bearer) (.+)", handler.headers.get("Authorization") or "")
    return said[1] if said else ""


@contextmanager
def github(*, contract_holds: bool = True) -> Iterator[GitHub]:
    """A GitHub that listens until the block ends; then the contract must have held."""
    with tempfile.TemporaryDirectory() as root:
        hub = GitHub(Path(root))

        class Bound(_Handler):
            pass

        Bound.hub = hub
        with serving(Bound) as url:
            hub.url = url
            yield hub
        if contract_holds:
            assert not hub.violations, "\n".join(hub.violations)
