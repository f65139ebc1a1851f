"""Who asks, who may what, and the repository itself."""

from tests.github import shapes
from tests.github.contract import made
from tests.github.routing import Answer, Call, Refused, route
from tests.github.state import ROLES


@route("GET", "/user")
def who(call: Call) -> Answer:
    if not call.identity.asks_who:
        raise Refused(403, "Resource not accessible by integration")
    shown = shapes.user(call.hub, call.identity.login)
    return Answer(
        200, made("public-user", {key: shown[key] for key in ("login", "id", "type", "url", "html_url")})
    )


@route("GET", "/users/{username}")
def person(call: Call) -> Answer:
    login = call.parameters["username"]
    if login not in call.hub.people:
        raise Refused(404, "Not Found")
    shown = shapes.user(call.hub, login)
    return Answer(
        200, made("public-user", {key: shown[key] for key in ("login", "id", "type", "url", "html_url")})
    )


@route("GET", "/rate_limit")
def rate(call: Call) -> Answer:
    limit = {
        "limit": 5000,
        "remaining": call.hub.remaining,
        "reset": 1_800_000_000,
        "used": 5000 - call.hub.remaining,
    }
    return Answer(
        200, made("rate-limit-overview", {"resources": {"core": limit, "search": limit}, "rate": limit})
    )


@route("GET", "/repos/{owner}/{repo}", "metadata")
def repository(call: Call) -> Answer:
    return Answer(200, shapes.repository(call.hub, call.repo, call.identity.login))


@route("GET", "/repos/{owner}/{repo}/collaborators/{username}", "metadata")
def collaborator(call: Call) -> Answer:
    login = call.parameters["username"]
    if login != call.repo.owner and login not in call.repo.roles:
        raise Refused(404, "Not Found")
    return Answer(204)


@route("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", "metadata")
def permission(call: Call) -> Answer:
    """The legacy permission knows four levels; role_name has them all. GitHub asks for push access here."""
    login = call.parameters["username"]
    if login not in call.hub.people:
        raise Refused(404, f"{login} is not a user")
    if call.identity.kind == "User" and ROLES.index(call.repo.role(call.identity.login)) < ROLES.index(
        "write"
    ):
        raise Refused(403, "Must have push access to view collaborator permission.")
    role = call.repo.role(login)
    legacy = {"maintain": "write", "triage": "read"}.get(role, role)
    shown = shapes.user(call.hub, login)
    who = {key: shown[key] for key in ("login", "id", "type", "url", "html_url")} | {"role_name": role}
    return Answer(
        200,
        made("repository-collaborator-permission", {"permission": legacy, "role_name": role, "user": who}),
    )
