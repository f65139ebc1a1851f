"""Issues, their comments, reactions and labels. To GitHub every pull request is an issue too."""

from typing import Any

from tests.github import shapes
from tests.github.routing import Answer, Call, Refused, route
from tests.github.state import LONGEST_COMMENT, ROLES, Comment, Pull

_ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}"
_COMMENT = "/repos/{owner}/{repo}/issues/comments/{comment_id}"


def _number(call: Call) -> int:
    number = call.number("issue_number")
    if number not in call.repo.pulls and number not in call.repo.issues:
        raise Refused(404, "Not Found")
    return number


def _comment(call: Call) -> Comment:
    found = call.repo.comments.get(call.number("comment_id"))
    if found is None:
        raise Refused(404, "Not Found")
    return found


def _body(content: Any) -> str:
    body: str = content["body"]
    if not body.strip():
        raise Refused(422, "Validation Failed: body cannot be blank")
    if len(body) > LONGEST_COMMENT:
        raise Refused(422, f"Validation Failed: body is too long (maximum is {LONGEST_COMMENT} characters)")
    return body


@route("GET", _ISSUE, "issues")
def issue(call: Call) -> Answer:
    return Answer(200, shapes.issue(call.hub, call.repo, _number(call)))


@route("GET", f"{_ISSUE}/comments", "issues")
def comments(call: Call) -> Answer:
    number, since = _number(call), call.asked("since")
    found = [c for c in call.repo.comments.values() if c.number == number and c.edited >= since]
    return call.page([shapes.comment(call.hub, call.repo, c) for c in sorted(found, key=lambda c: c.id)])


@route("POST", f"{_ISSUE}/comments", "issues")
def create(call: Call) -> Answer:
    number, body = _number(call), _body(call.body)
    made = call.hub.comment(call.repo.name, number, body, call.identity.login)
    return Answer(201, shapes.comment(call.hub, call.repo, made))


@route("GET", _COMMENT, "issues")
def read(call: Call) -> Answer:
    return Answer(200, shapes.comment(call.hub, call.repo, _comment(call)))


@route("PATCH", _COMMENT, "issues")
def edit(call: Call) -> Answer:
    found = _mine(call)
    found.body, found.edited = _body(call.body), call.hub.now()
    return Answer(200, shapes.comment(call.hub, call.repo, found))


@route("DELETE", _COMMENT, "issues")
def delete(call: Call) -> Answer:
    del call.repo.comments[_mine(call).id]
    return Answer(204)


def _mine(call: Call) -> Comment:
    """Authors change their own; so does whoever may write to the repository."""
    found = _comment(call)
    person = call.identity.kind == "User"
    if (
        person
        and found.login != call.identity.login
        and ROLES.index(call.repo.role(call.identity.login)) < ROLES.index("write")
    ):
        raise Refused(403, "Must have admin rights to Repository.")
    return found


@route("GET", f"{_COMMENT}/reactions", "issues")
def reactions(call: Call) -> Answer:
    return call.page([shapes.reaction(call.hub, each) for each in _comment(call).reactions])


@route("POST", f"{_COMMENT}/reactions", "issues")
def react(call: Call) -> Answer:
    found, content, login = _comment(call), call.body["content"], call.identity.login
    for known in found.reactions:
        if known[1:] == (login, content):
            return Answer(200, shapes.reaction(call.hub, known))
    found.reactions.append((call.hub.id(), login, content))
    return Answer(201, shapes.reaction(call.hub, found.reactions[-1]))


@route("DELETE", f"{_COMMENT}/reactions/{{reaction_id}}", "issues")
def unreact(call: Call) -> Answer:
    found = _comment(call)
    left = [each for each in found.reactions if each[0] != call.number("reaction_id")]
    if len(left) == len(found.reactions):
        raise Refused(404, "Not Found")
    found.reactions = left
    return Answer(204)


def _pull(call: Call) -> Pull:
    if (number := _number(call)) not in call.repo.pulls:
        raise Refused(404, "The bench keeps labels of pull requests only")
    return call.repo.pulls[number]


@route("GET", f"{_ISSUE}/labels", "issues")
def labels(call: Call) -> Answer:
    return call.page([shapes.label(call.hub, call.repo, name) for name in _pull(call).labels])


@route("POST", f"{_ISSUE}/labels", "issues")
def add_labels(call: Call) -> Answer:
    named = call.body if isinstance(call.body, list) else call.body["labels"]
    pull = _pull(call)
    pull.labels += [name for name in named if name not in pull.labels]
    return Answer(200, [shapes.label(call.hub, call.repo, name) for name in pull.labels])


@route("DELETE", f"{_ISSUE}/labels/{{name}}", "issues")
def remove_label(call: Call) -> Answer:
    pull = _pull(call)
    if call.parameters["name"] not in pull.labels:
        raise Refused(404, "Label does not exist")
    pull.labels.remove(call.parameters["name"])
    return Answer(200, [shapes.label(call.hub, call.repo, name) for name in pull.labels])
