"""People, comments and pull requests for tests of trust."""

from collections.abc import Callable, Mapping
from typing import Any

from ftgate.values.trust import Comment, Permission, Person, PullFacts

HEAD = "abcdef0123456789abcdef0123456789abcdef01"
OLD_HEAD = "1" * 40
AUTHOR = Person(login="mallory", id=7)
MAINTAINER = Person(login="maria", id=8)
WRITER = Person(login="wim", id=9)
STRANGER = Person(login="sam", id=10)
BOT = Person(login="helper[bot]", id=11, kind="Bot")
GHOST = Person(login="ghost", id=0)

ROLES: Mapping[str, Permission] = {
    "mallory": Permission.READ,
    "maria": Permission.MAINTAIN,
    "wim": Permission.WRITE,
    "sam": Permission.READ,
    "helper[bot]": Permission.ADMIN,
}


def lookup(roles: Mapping[str, Permission | None] = ROLES) -> Callable[[Person], Permission | None]:
    return lambda person: roles.get(person.login)


def pull(**changes: Any) -> PullFacts:
    fields: dict[str, Any] = {
        "number": 3,
        "repository": "acme/bank",
        "author": AUTHOR,
        "head": HEAD,
        "head_repository": "mallory/bank",
        "base_ref": "main",
    }
    return PullFacts(**(fields | changes))


def comment(body: str, author: Person = WRITER, **changes: Any) -> Comment:
    fields: dict[str, Any] = {
        "id": 1,
        "author": author,
        "body": body,
        "created": "2026-01-01T00:00:00Z",
        "updated": "2026-01-01T00:00:00Z",
        "url": "https://github.test/c/1",
    }
    return Comment(**(fields | changes))
