"""How a request finds its answer: a route per operation of GitHub's description."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote

if TYPE_CHECKING:
    from tests.github.state import Hub, Identity, Repository

LARGEST_PAGE = 100


class Answer(NamedTuple):
    """`value` is JSON, or bytes as they are, or None for no body."""

    status: int
    value: Any = None
    headers: Mapping[str, str] = {}


class Refused(Exception):
    """An answer that ends a request."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.answer = Answer(
            status, {"message": message, "documentation_url": "https://docs.github.com/rest"}, headers or {}
        )


@dataclass
class Call:
    """One request, with what it is about already found."""

    hub: "Hub"
    method: str
    path: str
    query: str
    body: Any
    identity: "Identity"
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def repo(self) -> "Repository":
        name = f"{self.parameters['owner']}/{self.parameters['repo']}"
        found = next((r for r in self.hub.repositories.values() if r.name.lower() == name.lower()), None)
        if found is None:
            raise Refused(404, "Not Found")
        return found

    def number(self, name: str) -> int:
        return int(self.parameters[name])

    def asked(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return parse_qs(self.query).get(name, [default])[0]

    def page(self, items: list[Any], key: str = "") -> Answer:
        """A page of a list with GitHub's Link header; under a key with the total where GitHub does so."""
        size = min(max(int(self.asked("per_page", "30")), 1), LARGEST_PAGE)
        number = max(int(self.asked("page", "1")), 1)
        last = max(1, math.ceil(len(items) / size))
        others = re.sub(r"(^|&)(page|per_page)=[^&]*", "", self.query).strip("&")
        places = {"next": number + 1, "last": last} if number < last else {}
        places |= {"prev": number - 1, "first": 1} if number > 1 else {}
        link = ", ".join(
            f'<{self.hub.url}{self.path}?{others}{"&" if others else ""}per_page={size}&page={n}>; rel="{rel}"'
            for rel, n in places.items()
        )
        shown = items[(number - 1) * size : number * size]
        return Answer(
            200, {"total_count": len(items), key: shown} if key else shown, {"Link": link} if link else {}
        )


Handle = Callable[[Call], Answer]


class Route(NamedTuple):
    """`area` and `level` are the permission it needs; an empty area needs none but a known token."""

    method: str
    template: str
    area: str
    level: str
    handle: Handle
    pattern: re.Pattern[str]


ROUTES: list[Route] = []
# Parts of a path that may hold slashes.
_DEEP = {"path", "ref", "basehead", "branch"}


def route(method: str, template: str, area: str = "", level: str = "") -> Callable[[Handle], Handle]:
    """Registers an answer under the path that GitHub's description gives it."""

    def register(handle: Handle) -> Handle:
        wild = re.sub(
            r"\\\{(\w+)\\\}",
            lambda found: f"(?P<{found[1]}>{'.+' if found[1] in _DEEP else '[^/]+'})",
            re.escape(template),
        )
        wanted = level or ("read" if method == "GET" else "write")
        ROUTES.append(Route(method, template, area, wanted, handle, re.compile(f"{wild}\\Z")))
        return handle

    return register


# Paths that GitHub answers and describes elsewhere: PyGithub still asks for them.
_FORMER = ((re.compile(r"(/repos/[^/]+/[^/]+)/statuses/([^/]+)\Z"), r"\1/commits/\2/statuses"),)


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of a path; of several the one that names more of it. Raises Refused."""
    for former, now in _FORMER:
        path = former.sub(now, path) if method == "GET" else path
    matches = [(each, found) for each in ROUTES if (found := each.pattern.match(path))]
    fitting = [pair for pair in matches if pair[0].method == method]
    if not fitting:
        raise Refused(404, "Not Found")
    # The path with the fewest free parts is meant: /git/ref/x before /{anything}.
    best, found = min(fitting, key=lambda pair: (sum(map(len, pair[1].groups())), len(pair[1].groups())))
    return best, {name: unquote(text) for name, text in found.groupdict().items()}
