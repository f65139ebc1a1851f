"""Who may do what: people, their comments as commands, and what follows from them for a run."""

from enum import StrEnum

from msgspec import Struct

LEAST_HEX = 40
"""Digits of a SHA or digest that a command must give, all of git's SHA-1.

Two commits, or two states of data, whose first 12 digits agree are made in seconds by whoever makes both.
"""

_ACCEPTABLE = (
    "findings.",
    "preflight.",
    "regression.",
    "held-out.",
    "scores.",
    "correctness.",
    "baseline.",
    "slice.",
    "forgetting",
    "spot-check.",
)
_NEVER = ("findings.source", "scores.missing", "preflight.unchecked", "preflight.storage", "preflight.empty")


class Permission(StrEnum):
    """A person's role in the repository, weakest first."""

    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"

    def covers(self, needed: "Permission") -> bool:
        """Whether this role may do what needs another."""
        order = list(Permission)
        return order.index(self) >= order.index(needed)


class Verb(StrEnum):
    """What a comment may ask for. UNKNOWN is a command that nobody knows; it is answered with help."""

    RUN = "run"
    RETRY = "retry"
    CANCEL = "cancel"
    WAIVE = "waive"
    EXPLAIN = "explain"
    STATUS = "status"
    HELP = "help"
    UNKNOWN = "unknown"


class Command(Struct, frozen=True, kw_only=True):
    """First line of a comment, read.

    `target` is the SHA of `run`, the reason of `waive` or the prompt of `explain`; `data` and `why` belong to `waive`.
    `problem` says what is wrong with a command that is known but not complete; such a one has no effect.
    """

    verb: Verb
    target: str = ""
    data: str = ""
    why: str = ""
    problem: str = ""


class Person(Struct, frozen=True, kw_only=True):
    """An account. `kind` is GitHub's type; only "User" is a person. `id` 0 is an account that is gone."""

    login: str
    id: int
    kind: str = "User"

    @property
    def is_human(self) -> bool:
        """Apps, organisations, mannequins and deleted accounts are not."""
        return self.kind == "User" and self.id > 0 and not self.login.endswith("[bot]")


class Comment(Struct, frozen=True, kw_only=True):
    """A comment of a pull request as the API gives it now. Times are GitHub's, ISO 8601."""

    id: int
    author: Person
    body: str
    created: str
    updated: str
    url: str = ""

    @property
    def is_edited(self) -> bool:
        """Whether somebody, not always its author, changed it after it was written."""
        return not self.created or self.created != self.updated


class PullFacts(Struct, frozen=True, kw_only=True):
    """A pull request as the API gives it now. `head_repository` is None when the fork is gone."""

    number: int
    repository: str
    author: Person
    head: str
    head_repository: str | None
    base_ref: str
    is_open: bool = True

    @property
    def is_same_repository(self) -> bool:
        """Whether the head lies in the repository itself, so that whoever pushed it may write to it."""
        return self.head_repository is not None and self.head_repository.lower() == self.repository.lower()


class Admission(Struct, frozen=True, kw_only=True):
    """Why a head may be trained, or that it waits.

    `by` is who vouches (the author, or whoever commanded `run`), `when` and `comment` where that was said;
    `why` is a sentence for a person, and says what to type where it waits.
    """

    admitted: bool
    head: str
    why: str
    by: str = ""
    permission: Permission = Permission.NONE
    when: str = ""
    comment: str = ""


class Waiver(Struct, frozen=True, kw_only=True):
    """A maintainer's word that one reason does not decide about one state of the data.

    `reason` is the id of a reason, `data` begins the digest of the data (at least 40 digits).
    """

    reason: str
    data: str
    why: str
    by: str
    permission: Permission
    when: str = ""
    comment: str = ""


class Doubt(Struct, frozen=True, kw_only=True):
    """Something about a run from another machine that cannot be believed."""

    id: str
    text: str


class WorkflowJob(Struct, frozen=True, kw_only=True):
    """A job of a workflow run; `conclusion` is empty until it has one."""

    name: str
    status: str
    conclusion: str = ""

    @property
    def short_name(self) -> str:
        """A reusable workflow's job is called "caller / job", and the verdict's "ftgate (branch)" for some branches."""
        return self.name.rpartition(" / ")[2].partition(" (")[0]


class WorkflowRun(Struct, frozen=True, kw_only=True):
    """A run of a workflow. `started` is when its latest attempt began; `pulls` are the pull requests that GitHub knows
    it by, none for those from forks."""

    id: int
    number: int
    attempt: int
    event: str
    path: str
    head: str
    status: str
    conclusion: str = ""
    started: str = ""
    url: str = ""
    pulls: tuple[int, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether it may be run again."""
        return self.status == "completed"


def waivable(reason: str) -> bool:
    """Whether a maintainer may accept a reason.

    What the gate found may be accepted. What it could not look at may not: there is nothing to accept. A reading by a
    person is the exception: the machine that decides cannot see it, and a maintainer answers for it by name.
    """
    return reason.startswith(_ACCEPTABLE) and reason not in _NEVER
