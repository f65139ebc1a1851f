"""What the bench remembers: identities, repositories, pull requests, comments, runs."""

import datetime
import fnmatch
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.github.git import Bare

ACTIONS_BOT = "github-actions[bot]"
ACTIONS_APP = 15368
LONGEST_COMMENT = 65_536
ROLES = ("none", "read", "triage", "write", "maintain", "admin")


@dataclass(frozen=True)
class Identity:
    """Who a token is. `may` are the grants of an app's or a workflow's token; a person's follow the role."""

    login: str
    kind: str = "User"
    may: Mapping[str, str] = field(default_factory=dict)
    asks_who: bool = True
    """Whether GET /user is allowed; an installation's token may not."""


@dataclass
class Comment:
    """A comment of an issue or pull request. `edited` differs from `created` once it was edited."""

    id: int
    number: int
    body: str
    login: str
    created: str
    edited: str
    reactions: list[tuple[int, str, str]] = field(default_factory=list)
    """(id, login, content)"""


@dataclass
class Pull:
    """A pull request. Its head is where its branch is now."""

    number: int
    author: str
    head_repo: str
    head_ref: str
    base_ref: str
    title: str
    body: str = ""
    state: str = "open"
    draft: bool = False
    labels: list[str] = field(default_factory=list)
    created: str = ""
    last_head: str = ""
    merged: str = ""
    """The commit of the base branch that it became, squashed."""


@dataclass
class Job:
    """A job of a workflow run, in one attempt."""

    id: int
    name: str
    needs: tuple[str, ...] = ()
    status: str = "queued"
    conclusion: str | None = None
    labels: tuple[str, ...] = ("ubuntu-latest",)
    attempt: int = 1


@dataclass
class WorkflowRun:
    """A workflow run. `attempts` are the jobs of every attempt, the current one last."""

    id: int
    workflow: str
    event: str
    head_sha: str
    head_branch: str
    actor: str
    number: int
    pulls: tuple[int, ...]
    attempts: list[list[Job]]
    created: str
    updated: str
    started: str = ""

    @property
    def jobs(self) -> list[Job]:
        return self.attempts[-1]

    @property
    def status(self) -> str:
        states = {job.status for job in self.jobs}
        return "completed" if states == {"completed"} else "queued" if states == {"queued"} else "in_progress"

    @property
    def conclusion(self) -> str | None:
        if self.status != "completed":
            return None
        said = {job.conclusion for job in self.jobs}
        return next((c for c in ("failure", "cancelled", "success") if c in said), "skipped")


@dataclass
class Artifact:
    """A file that a run kept, as a zip."""

    id: int
    name: str
    content: bytes
    run: int
    expired: bool = False


@dataclass
class Repository:
    """A repository: git on disk, the rest here. `roles` are logins with a role; others may read what is public."""

    name: str
    git: Bare
    private: bool = False
    parent: str | None = None
    roles: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    issues: dict[int, str] = field(default_factory=dict)
    """Titles of issues that are no pull requests."""
    comments: dict[int, Comment] = field(default_factory=dict)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    checks: dict[int, dict[str, Any]] = field(default_factory=dict)
    workflows: dict[int, tuple[str, str]] = field(default_factory=dict)
    """(name, path) by id."""
    runs: dict[int, WorkflowRun] = field(default_factory=dict)
    artifacts: dict[int, Artifact] = field(default_factory=dict)
    rulesets: dict[int, dict[str, Any]] = field(default_factory=dict)
    protection: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        return self.name.split("/")[0]

    def role(self, login: str) -> str:
        """The role of a login; a stranger reads what is public."""
        return "admin" if login == self.owner else self.roles.get(login, "none" if self.private else "read")

    def workflow_id(self, path_or_id: str) -> int | None:
        named = {str(i): i for i in self.workflows} | {
            Path(p).name: i for i, (_, p) in self.workflows.items()
        }
        return named.get(path_or_id)

    def rules(self, branch: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """(ruleset, rule) of the active rulesets of a branch."""
        return [
            (ruleset, rule)
            for ruleset in self.rulesets.values()
            if ruleset["enforcement"] == "active" and _covers(ruleset, branch)
            for rule in ruleset.get("rules", ())
        ]


def _covers(ruleset: Mapping[str, Any], branch: str) -> bool:
    names = ruleset.get("conditions", {}).get("ref_name", {"include": ["~ALL"], "exclude": []})

    def any_of(patterns: Iterable[str]) -> bool:
        return any(
            p == "~ALL"
            or (p == "~DEFAULT_BRANCH" and branch == "main")
            or fnmatch.fnmatchcase(f"refs/heads/{branch}", p)
            for p in patterns
        )

    return any_of(names.get("include", ())) and not any_of(names.get("exclude", ()))


class Hub:
    """All of it. Tests set it up with the methods below; the API changes it as GitHub would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = ""
        self.identities: dict[str, Identity] = {}
        self.people: dict[str, tuple[int, str]] = {}
        self.repositories: dict[str, Repository] = {}
        self.remaining = 5000
        self._ids = itertools.count(101)
        self._ticks = 0

    def id(self) -> int:
        """Never the same twice, ever greater."""
        return next(self._ids)

    def now(self) -> str:
        """A second later than at the last look."""
        self._ticks += 1
        moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=self._ticks)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def person(self, login: str, kind: str = "") -> tuple[int, str]:
        """Id and type of a login."""
        return self.people.setdefault(
            login, (self.id(), kind or ("Bot" if login.endswith("[bot]") else "User"))
        )

    def token(
        self, token: str, login: str, *, may: Mapping[str, str] | None = None, asks_who: bool | None = None
    ) -> str:
        """Makes a token. Grants make it an app's or a workflow's, which may not ask who it is."""
        kind = "User" if may is None else "Bot"
        self.person(login, kind)
        allowed = may is None if asks_who is None else asks_who
        self.identities[token] = Identity(login, kind, dict(may or {}), allowed)
        return token

    def repository(
        self, name: str, *, private: bool = False, roles: Mapping[str, str] | None = None
    ) -> Repository:
        """An empty repository."""
        made = Repository(name, Bare(self.root / f"{name}.git"), private, roles=dict(roles or {}))
        self.repositories[name] = made
        return made

    def fork(self, of: str, owner: str) -> Repository:
        """A fork with all branches as they are now."""
        parent = self.repositories[of]
        made = self.repository(f"{owner}/{of.split('/')[1]}")
        made.parent = of
        made.git.git("fetch", "-q", str(parent.git.root), "+refs/heads/*:refs/heads/*")
        return made

    def pull(
        self,
        repo: str,
        head: str,
        author: str,
        *,
        base: str = "main",
        number: int | None = None,
        title: str = "Change",
    ) -> Pull:
        """Opens a pull request. `head` is a branch, or owner:branch of a fork."""
        target = self.repositories[repo]
        owner, _, branch = head.rpartition(":")
        head_repo = f"{owner}/{repo.split('/')[1]}" if owner else repo
        known = {*target.pulls, *target.issues}
        made = Pull(
            number or max(known, default=0) + 1, author, head_repo, branch, base, title, created=self.now()
        )
        target.pulls[made.number] = made
        self.sync(target)
        return made

    def sync(self, repo: Repository) -> None:
        """Every open pull request's head is where its branch is; refs/pull/N/head follows."""
        for pull in repo.pulls.values():
            source = self.repositories.get(pull.head_repo)
            sha = source.git.sha(f"refs/heads/{pull.head_ref}") if source and pull.state == "open" else None
            if sha and sha != pull.last_head:
                assert source is not None
                repo.git.git("fetch", "-q", str(source.git.root), f"+{sha}:refs/pull/{pull.number}/head")
                pull.last_head = sha

    def comment(self, repo: str, number: int, body: str, login: str) -> Comment:
        """A comment, as if somebody had written it."""
        moment = self.now()
        self.person(login)
        made = Comment(self.id(), number, body, login, moment, moment)
        self.repositories[repo].comments[made.id] = made
        return made

    def workflow(self, repo: str, path: str, name: str = "") -> int:
        """A workflow file; returns its id."""
        made = self.id()
        self.repositories[repo].workflows[made] = (name or path, path)
        return made

    def run(
        self, repo: str, path: str, head_sha: str, jobs: Mapping[str, tuple[str, ...]], **about: Any
    ) -> WorkflowRun:
        """A workflow run with jobs by name and what each needs; `about`: event, head_branch, actor, pulls."""
        target = self.repositories[repo]
        if target.workflow_id(Path(path).name) is None:
            self.workflow(repo, path)
        number = 1 + sum(run.workflow == path for run in target.runs.values())
        moment = self.now()
        made = WorkflowRun(
            self.id(), path, about.get("event", "pull_request_target"), head_sha, about.get("head_branch", "main"),
            about.get("actor", "someone"), number, tuple(about.get("pulls", ())),
            [[Job(self.id(), name, needs) for name, needs in jobs.items()]], moment, moment, moment,
        )  # fmt: skip
        target.runs[made.id] = made
        return made

    def finish(self, run: WorkflowRun, conclusions: Mapping[str, str]) -> None:
        """Ends jobs of a run with conclusions."""
        for job in run.jobs:
            if job.name in conclusions:
                job.status, job.conclusion = "completed", conclusions[job.name]
        run.updated = self.now()

    def artifact(self, repo: str, run: int, name: str, content: bytes) -> Artifact:
        made = Artifact(self.id(), name, content, run)
        self.repositories[repo].artifacts[made.id] = made
        return made

    def ruleset(
        self,
        repo: str,
        name: str,
        rules: Iterable[Mapping[str, Any]],
        *,
        enforcement: str = "active",
        include: Iterable[str] = ("~DEFAULT_BRANCH",),
    ) -> int:
        """A ruleset of a repository; returns its id."""
        made = self.id()
        self.repositories[repo].rulesets[made] = {
            "id": made, "name": name, "enforcement": enforcement, "target": "branch",
            "conditions": {"ref_name": {"include": list(include), "exclude": []}}, "rules": [dict(r) for r in rules],
        }  # fmt: skip
        return made
