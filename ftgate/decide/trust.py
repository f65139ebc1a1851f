"""Commands in comments: what they say, who may say it, and what follows for a run.

A command is the first line of a comment and nothing else. It counts as long as the comment stands unedited, by the
permission that its author has now, and for the commit or the data that it names.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from ftgate.values.trust import (
    LEAST_HEX,
    Admission,
    Command,
    Comment,
    Permission,
    Person,
    PullFacts,
    Verb,
    Waiver,
)

NEEDED = {
    Verb.RUN: Permission.WRITE,
    Verb.RETRY: Permission.WRITE,
    Verb.CANCEL: Permission.WRITE,
    Verb.EXPLAIN: Permission.WRITE,
    Verb.WAIVE: Permission.MAINTAIN,
    Verb.STATUS: Permission.READ,
    Verb.HELP: Permission.READ,
    Verb.UNKNOWN: Permission.READ,
}

_COMMAND = re.compile(r"/ftgate(?:[ \t]+([^ \t]+)(?:[ \t]+(.*))?)?")
_HEX = re.compile(rf"[0-9a-fA-F]{{{LEAST_HEX},64}}")
_SHOWN = 12
_REASON = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_PROMPT = re.compile(r"[^\s`<>]{1,200}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LONGEST = 1_000

Lookup = Callable[[Person], Permission | None]
"""The permission that a person has now; None where GitHub does not say."""


def parse(body: str) -> Command | None:
    """The command of a comment; None when it is none. A known verb with wrong words has a `problem`."""
    line = re.split(r"\r\n|\r|\n", body, maxsplit=1)[0].rstrip(" \t")
    match = _COMMAND.fullmatch(line)
    if match is None or len(line) > _LONGEST or _CONTROL.search(line):
        return None
    verb, words = match[1] or "", (match[2] or "").strip(" \t")
    known = {each.value: each for each in Verb if each is not Verb.UNKNOWN}
    if verb not in known:
        return Command(verb=Verb.UNKNOWN, problem="there is no such command")
    return _READERS.get(known[verb], _alone)(known[verb], words)


def _alone(verb: Verb, words: str) -> Command:
    return Command(verb=verb, problem=f"`/ftgate {verb.value}` takes nothing behind it" if words else "")


def _run(verb: Verb, words: str) -> Command:
    if not _HEX.fullmatch(words):
        need = f"`/ftgate run` needs the commit that you have looked at, all {LEAST_HEX} digits of its SHA"
        return Command(verb=verb, problem=need)
    return Command(verb=verb, target=words.lower())


def _waive(verb: Verb, words: str) -> Command:
    reason, data, why = [*re.split(r"[ \t]+", words, maxsplit=2), "", ""][:3]
    if not _REASON.fullmatch(reason):
        return Command(
            verb=verb, problem="`/ftgate waive` needs the id of a reason, the data's digest, and why"
        )
    if not _HEX.fullmatch(data):
        return Command(
            verb=verb, target=reason, problem=f"name the data: `/ftgate waive {reason} DIGEST why`"
        )
    if len(re.findall(r"\w", why)) < 3:
        need = f"say why: `/ftgate waive {reason} {data.lower()} because ...`"
        return Command(verb=verb, target=reason, problem=need)
    return Command(verb=verb, target=reason, data=data.lower(), why=why.strip())


def _explain(verb: Verb, words: str) -> Command:
    if not _PROMPT.fullmatch(words):
        return Command(verb=verb, problem="`/ftgate explain` needs the id of one prompt")
    return Command(verb=verb, target=words)


_READERS: dict[Verb, Callable[[Verb, str], Command]] = {
    Verb.RUN: _run,
    Verb.WAIVE: _waive,
    Verb.EXPLAIN: _explain,
}


def refusal(command: Command, comment: Comment, permission: Permission | None, pull: PullFacts) -> str:
    """Why a command has no effect; empty when it has. Whatever is not known speaks against it."""
    if not comment.author.is_human:
        return "only people command, no apps and no deleted accounts"
    if comment.is_edited:
        return "the comment was edited; write a new one"
    if permission is None:
        return f"GitHub does not say what {comment.author.login} may do"
    needed = NEEDED[command.verb]
    if not permission.covers(needed):
        return f"{command.verb.value} needs {needed.value} permission, {comment.author.login} has {permission.value}"
    return command.problem or _unfit(command, comment, pull)


def _unfit(command: Command, comment: Comment, pull: PullFacts) -> str:
    if command.verb in (Verb.RUN, Verb.RETRY, Verb.WAIVE) and not pull.is_open:
        return "the pull request is closed"
    if command.verb is Verb.RUN and pull.head != command.target:
        return f"{command.target[:_SHOWN]} is not the head, which is {pull.head[:_SHOWN]} now"
    if command.verb is Verb.WAIVE and comment.author.id == pull.author.id:
        return "nobody waives a reason of their own pull request"
    return ""


def admission(
    pull: PullFacts, head: str, comments: Iterable[Comment], lookup: Lookup, actor: Person | None = None
) -> Admission:
    """Whether the head may be trained, by whose word.

    `head` is the commit that the run is about; `actor` is who caused the run (by pushing), where that is known.
    """
    if head != pull.head:
        why = f"the head has moved from {head[:_SHOWN]} to {pull.head[:_SHOWN]}; its own run decides"
        return Admission(admitted=False, head=head, why=why)
    return _by_author(pull, lookup, actor) or _by_command(pull, comments, lookup) or _waiting(pull)


def _by_author(pull: PullFacts, lookup: Lookup, actor: Person | None) -> Admission | None:
    if not pull.is_same_repository or not pull.is_open:
        return None
    people = [pull.author] if actor is None or actor.id == pull.author.id else [pull.author, actor]
    if not all(_may_write(person, lookup) for person in people):
        return None
    permission = lookup(pull.author) or Permission.NONE
    return Admission(
        admitted=True,
        head=pull.head,
        why=f"{pull.author.login} has {permission.value} permission, and the branch is of this repository",
        by=pull.author.login,
        permission=permission,
    )


def _may_write(person: Person, lookup: Lookup) -> bool:
    if not person.is_human:
        return False
    permission = lookup(person)
    return permission is not None and permission.covers(Permission.WRITE)


def _by_command(pull: PullFacts, comments: Iterable[Comment], lookup: Lookup) -> Admission | None:
    for comment, command, permission in _effective(Verb.RUN, pull, comments, lookup):
        return Admission(
            admitted=True,
            head=pull.head,
            why=f"{comment.author.login} ({permission.value}) said `/ftgate run {command.target[:_SHOWN]}`",
            by=comment.author.login,
            permission=permission,
            when=comment.created,
            comment=comment.url,
        )
    return None


def _waiting(pull: PullFacts) -> Admission:
    whose = "a fork" if not pull.is_same_repository else "somebody without write permission"
    say = f"`/ftgate run {pull.head}`"
    why = f"this head comes from {whose}: somebody with write permission looks at it and comments {say}"
    return Admission(admitted=False, head=pull.head, why=why)


def waivers(pull: PullFacts, comments: Iterable[Comment], lookup: Lookup) -> tuple[Waiver, ...]:
    """Every waiver that stands in the comments, in order, by whoever may give one now."""
    return tuple(
        Waiver(
            reason=command.target,
            data=command.data,
            why=command.why,
            by=comment.author.login,
            permission=permission,
            when=comment.created,
            comment=comment.url,
        )
        for comment, command, permission in _effective(Verb.WAIVE, pull, comments, lookup)
    )


def _effective(
    verb: Verb, pull: PullFacts, comments: Iterable[Comment], lookup: Lookup
) -> Iterator[tuple[Comment, Command, Permission]]:
    """Commands of a kind that have an effect. GitHub is asked about nobody whose command has none anyway."""
    for comment in comments:
        command = parse(comment.body)
        if command is None or command.verb is not verb:
            continue
        if refusal(command, comment, Permission.ADMIN, pull):
            continue
        permission = lookup(comment.author)
        if permission is not None and not refusal(command, comment, permission, pull):
            yield comment, command, permission
