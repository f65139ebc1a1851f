"""admit: whether a head may be trained, and what maintainers have waived. Asked of GitHub anew at every attempt."""

from collections.abc import Callable

from msgspec.structs import replace

from ftgate.decide.trust import admission, waivers
from ftgate.errors import OutsideError
from ftgate.ports import GitHubFacts, Progress
from ftgate.stages.verdict import Said
from ftgate.values.run import Run
from ftgate.values.trust import Permission, Person


def admit(run: Run, github: GitHubFacts, progress: Progress, actor: str = "") -> Run:
    """The run with admission and waivers. `actor` is the login of whoever caused it, empty where nobody knows.

    Raises OutsideError when pull request or comments cannot be read: then nothing is admitted.
    """
    if not run.plan.applicable:
        return run
    said = _said(github, progress, run.plan.head, actor)
    return replace(run, admission=said.admission, waivers=said.waivers)


def said_on(github: GitHubFacts, progress: Progress, head: str) -> Said:
    """What GitHub says for the verdict. An outage takes waivers away, and nothing else."""
    try:
        return _said(github, progress, head, "")
    except OutsideError as error:
        progress.say(f"no waiver counts, as the comments cannot be read: {error.message}")
        return Said()


def _said(github: GitHubFacts, progress: Progress, head: str, actor: str) -> Said:
    pull, comments, lookup = github.pull(), github.comments(), permissions(github, progress)
    who = _person(github, progress, actor) if actor else None
    return Said(
        head=pull.head,
        admission=admission(pull, head, comments, lookup, who),
        waivers=waivers(pull, comments, lookup),
    )


def permissions(github: GitHubFacts, progress: Progress) -> Callable[[Person], Permission | None]:
    """Asks once for each person; what cannot be read is None, which speaks against whatever they ask."""
    known: dict[int, Permission | None] = {}

    def lookup(person: Person) -> Permission | None:
        if person.id not in known:
            try:
                known[person.id] = github.permission(person)
            except OutsideError as error:
                progress.say(f"the permission of {person.login} cannot be read: {error.message}")
                known[person.id] = None
        return known[person.id]

    return lookup


def _person(github: GitHubFacts, progress: Progress, login: str) -> Person:
    """The account behind a login; one that cannot be found is nobody, who may do nothing."""
    try:
        found = github.person(login)
    except OutsideError as error:
        progress.say(f"{login} cannot be looked up: {error.message}")
        found = None
    return found or Person(login=login, id=0, kind="unknown")
