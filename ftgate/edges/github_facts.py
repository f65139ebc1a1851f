"""What GitHub says about a pull request, its comments, people and workflow runs; and the bot's few deeds.

Answers are read strictly: what has another shape than GitHub documents is no answer. A POST is never sent twice.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from ftgate.edges.artifacts import run_json
from ftgate.edges.github_rest import Refused, Rest
from ftgate.errors import OutsideError
from ftgate.ports import PullRequest
from ftgate.report.help import with_answer
from ftgate.report.stamp import MARKER
from ftgate.values.trust import Comment, Permission, Person, PullFacts, WorkflowJob, WorkflowRun

ARTIFACT = "ftgate-verdict"
"""What the verdict's job leaves. The other artifacts are of machines that nobody has checked."""
_PAGES = 100
"""Pages of 100: no pull request has more comments, and no server may page for ever."""

_MOST = {"admin": Permission.ADMIN, "write": Permission.MAINTAIN, "read": Permission.TRIAGE}
"""The most that a legacy permission can mean; a role's name alone is an organisation's own choice."""
_LEAST = {"admin": Permission.ADMIN, "write": Permission.WRITE, "read": Permission.READ}

T = TypeVar("T")


class _User(Struct):
    login: str
    id: int
    type: str


class _Comment(Struct):
    id: int
    created_at: str
    updated_at: str
    issue_url: str
    html_url: str = ""
    body: str | None = None
    user: _User | None = None


class _Repository(Struct):
    full_name: str


class _Side(Struct):
    sha: str
    ref: str
    repo: _Repository | None = None


class _Pull(Struct):
    number: int
    state: str
    head: _Side
    base: _Side
    user: _User | None = None


class _Role(Struct):
    permission: str
    role_name: str
    user: _User | None = None


class _Number(Struct):
    number: int


class _Run(Struct):
    id: int
    run_number: int
    event: str
    head_sha: str
    path: str
    run_attempt: int = 1
    status: str | None = None
    conclusion: str | None = None
    run_started_at: str = ""
    html_url: str = ""
    pull_requests: list[_Number] | None = None


class _Job(Struct):
    name: str
    status: str
    conclusion: str | None = None


class GitHubRest:
    """Port `GitHubFacts` over the REST API, for one pull request, whose sticky comment `sticky` edits."""

    def __init__(self, rest: Rest, repository: str, number: int, sticky: PullRequest) -> None:
        self._rest = rest
        self._repository = repository
        self._home = f"/repos/{repository}"
        self._number = number
        self._sticky = sticky

    def pull(self) -> PullFacts:
        found = _as(_Pull, self._rest.get(f"{self._home}/pulls/{self._number}"))
        return PullFacts(
            number=found.number,
            repository=found.base.repo.full_name if found.base.repo else self._repository,
            author=_person(found.user),
            head=found.head.sha,
            head_repository=found.head.repo.full_name if found.head.repo else None,
            base_ref=found.base.ref,
            is_open=found.state == "open",
        )

    def permission(self, person: Person) -> Permission:
        where = f"{self._home}/collaborators/{quote(person.login, safe='')}/permission"
        try:
            found = _as(_Role, self._rest.get(where))
        except Refused as refused:
            if refused.status == 404:
                return Permission.NONE
            raise
        if found.user is None or found.user.id != person.id:
            return Permission.NONE  # the login belongs to somebody else by now
        most = _MOST.get(found.permission, Permission.NONE)
        named = next((each for each in Permission if each.value == found.role_name), None)
        if named is None or not most.covers(named):
            return _LEAST.get(found.permission, Permission.NONE)
        return named

    def person(self, login: str) -> Person | None:
        try:
            return _person(_as(_User, self._rest.get(f"/users/{quote(login, safe='')}")))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def comments(self) -> Sequence[Comment]:
        found = [_as(_Comment, each) for each in self._pages(f"{self._home}/issues/{self._number}/comments")]
        return [_comment(each) for each in sorted(found, key=lambda each: each.id)]

    def comment(self, number: int) -> Comment | None:
        try:
            found = _as(_Comment, self._rest.get(f"{self._home}/issues/comments/{number}"))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise
        mine = found.issue_url.endswith(f"{self._home}/issues/{self._number}")
        return _comment(found) if mine else None

    def react(self, comment: int, sign: str) -> None:
        self._rest.send("POST", f"{self._home}/issues/comments/{comment}/reactions", {"content": sign})

    def workflow_runs(self, head: str) -> Sequence[WorkflowRun]:
        where = f"{self._home}/actions/runs"
        found = [_as(_Run, each) for each in self._pages(where, "workflow_runs", {"head_sha": head})]
        return [
            WorkflowRun(
                id=each.id,
                number=each.run_number,
                attempt=each.run_attempt,
                event=each.event,
                path=each.path,
                head=each.head_sha,
                status=each.status or "",
                conclusion=each.conclusion or "",
                started=each.run_started_at,
                url=each.html_url,
                pulls=tuple(pull.number for pull in each.pull_requests or ()),
            )
            for each in found
        ]

    def jobs(self, run: WorkflowRun) -> Sequence[WorkflowJob]:
        found = [_as(_Job, each) for each in self._pages(f"{self._home}/actions/runs/{run.id}/jobs", "jobs")]
        return [WorkflowJob(name=j.name, status=j.status, conclusion=j.conclusion or "") for j in found]

    def run_again(self, run: WorkflowRun, *, failed_only: bool) -> None:
        what = "rerun-failed-jobs" if failed_only else "rerun"
        self._rest.send("POST", f"{self._home}/actions/runs/{run.id}/{what}")

    def cancel(self, run: WorkflowRun) -> None:
        self._rest.send("POST", f"{self._home}/actions/runs/{run.id}/cancel")

    def run_file(self, run: WorkflowRun) -> bytes | None:
        return run_json(self._rest, self._home, run.id, ARTIFACT)

    def answer(self, text: str) -> bool:
        def write(own: Sequence[str], _head: str) -> str | None:
            # Where two stand for a moment, the next run of the gate says which one stays; an answer must not.
            return with_answer(own[0], text) if len(own) == 1 else None

        return self._sticky.upsert_comment(MARKER, write) is not None

    def post(self, body: str) -> str:
        made = self._rest.send("POST", f"{self._home}/issues/{self._number}/comments", {"body": body})
        return _as(_Comment, made).html_url

    def _pages(self, where: str, key: str = "", asked: dict[str, Any] | None = None) -> Iterator[Any]:
        for page in range(1, _PAGES + 1):
            found = self._rest.get(where, {**(asked or {}), "per_page": 100, "page": page})
            listed = found.get(key) if key and isinstance(found, dict) else found
            if not isinstance(listed, list):
                raise OutsideError(f"{where}: the answer is not GitHub's")
            yield from listed
            if len(listed) < 100:
                return
        raise OutsideError(f"{where}: more than {_PAGES} pages")


def _as(kind: type[T], answer: Any) -> T:
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise OutsideError(f"GitHub's answer is not what it documents: {error}") from None


def _person(user: _User | None) -> Person:
    return Person(login=user.login, id=user.id, kind=user.type) if user else Person(login="ghost", id=0)


def _comment(found: _Comment) -> Comment:
    return Comment(
        id=found.id,
        author=_person(found.user),
        body=found.body or "",
        created=found.created_at,
        updated=found.updated_at,
        url=found.html_url,
    )
