"""Commands: what is one, who may give it, and for which commit or data."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftgate.decide.trust import NEEDED, admission, parse, refusal, waivers
from ftgate.values.trust import Permission, Person, Verb
from tests.decide.people import (
    AUTHOR,
    BOT,
    GHOST,
    HEAD,
    MAINTAINER,
    OLD_HEAD,
    ROLES,
    STRANGER,
    WRITER,
    comment,
    lookup,
    pull,
)

DATA = "d" * 64
SAID = {
    Verb.RUN: f"/ftgate run {HEAD}",
    Verb.RETRY: "/ftgate retry",
    Verb.CANCEL: "/ftgate cancel",
    Verb.WAIVE: f"/ftgate waive regression.broken {DATA[:40]} the old answer was wrong",
    Verb.EXPLAIN: "/ftgate explain lost-card-1",
    Verb.STATUS: "/ftgate status",
    Verb.HELP: "/ftgate help",
}


@pytest.mark.parametrize("verb", SAID)
def test_every_command_is_read(verb: Verb) -> None:
    command = parse(SAID[verb])
    assert command is not None
    assert (command.verb, command.problem) == (verb, "")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "please /ftgate run abcdef012345",
        " /ftgate status",
        "> /ftgate status",
        "`/ftgate status`",
        "hello\n/ftgate status",
        "\n/ftgate status",
        "/ftgatestatus",
        "/FTGATE status",
        "/ftgate-run abcdef012345",
        "/ftgate\u00a0status",
        "/ftgate status\u2028/ftgate cancel",
        "/ftgate status\x00",
        "/ftgate waive findings.x dddddddddddd \u202ekool",
        "/ftgate explain " + "x" * 2000,
    ],
)
def test_anything_else_is_no_command(body: str) -> None:
    assert parse(body) is None


@pytest.mark.parametrize(
    "body", ["/ftgate", "/ftgate approve", "/ftgate RUN abcdef012345", "/ftgate run; rm -rf /"]
)
def test_an_unknown_verb_is_answered_with_help(body: str) -> None:
    command = parse(body)
    assert command is not None
    assert command.verb is Verb.UNKNOWN
    assert command.problem


@pytest.mark.parametrize(
    "body",
    [
        "/ftgate run",
        "/ftgate run abcdef012345",
        f"/ftgate run {HEAD[:39]}",
        "/ftgate run main",
        f"/ftgate run {HEAD} now",
        f"/ftgate run {HEAD * 2}",
        "/ftgate retry everything",
        "/ftgate waive",
        "/ftgate waive regression.broken",
        "/ftgate waive regression.broken because I say so",
        f"/ftgate waive regression.broken {DATA[:39]} because",
        f"/ftgate waive regression.broken {DATA[:40]}",
        f"/ftgate waive regression.broken {DATA[:40]} ..",
        f"/ftgate waive <b> {DATA} because",
        "/ftgate explain",
        "/ftgate explain two words",
        "/ftgate explain <script>",
    ],
)
def test_a_known_verb_with_wrong_words_says_what_is_wrong(body: str) -> None:
    command = parse(body)
    assert command is not None
    assert command.verb is not Verb.UNKNOWN
    assert command.problem
    assert refusal(command, comment(body, MAINTAINER), Permission.ADMIN, pull()) == command.problem


def test_only_the_first_line_counts_and_line_ends_do_not() -> None:
    for end in ("\n", "\r\n", "\r", "  \n", "\t\r\n"):
        command = parse(f"/ftgate status{end}/ftgate cancel{end}")
        assert command is not None
        assert command.verb is Verb.STATUS


def test_tabs_separate_words_too() -> None:
    command = parse(f"/ftgate\twaive \tfindings.secrets\t{DATA[:40].upper()}\tnot a key")
    assert command is not None
    assert (command.target, command.data, command.why) == ("findings.secrets", DATA[:40], "not a key")


@given(st.text())
def test_no_text_before_the_word_makes_a_command(text: str) -> None:
    if text and not text.startswith("/ftgate"):
        assert parse(text + "/ftgate status") is None
    parse("/ftgate " + text)


NEEDS = {
    Verb.RUN: "write",
    Verb.RETRY: "write",
    Verb.CANCEL: "write",
    Verb.EXPLAIN: "write",
    Verb.WAIVE: "maintain",
    Verb.STATUS: "read",
    Verb.HELP: "read",
}
ORDER = ["none", "read", "triage", "write", "maintain", "admin"]
MATRIX = list(
    itertools.product([*Permission, None], SAID, [False, True], ["current", "stale"], ["person", "bot"])
)


@pytest.mark.parametrize(("role", "verb", "edited", "sha", "who"), MATRIX)
def test_role_by_command_by_edit_by_commit(
    role: Permission | None, verb: Verb, edited: bool, sha: str, who: str
) -> None:
    command = parse(SAID[verb])
    assert command is not None
    author = WRITER if who == "person" else BOT
    said = comment(SAID[verb], author, updated="2026-01-01T00:00:01Z" if edited else "2026-01-01T00:00:00Z")
    facts = pull(head=HEAD if sha == "current" else OLD_HEAD)
    allowed = (
        who == "person"
        and not edited
        and role is not None
        and ORDER.index(role.value) >= ORDER.index(NEEDS[verb])
        and (verb is not Verb.RUN or sha == "current")
    )
    assert (refusal(command, said, role, facts) == "") is allowed


def test_a_commit_that_begins_alike_is_another() -> None:
    """Whoever makes both commits makes their first digits agree, and swaps them after the word was given."""
    twin = HEAD[:20] + "0" * 20
    said = f"/ftgate run {HEAD}"
    command = parse(said)
    assert command is not None
    assert refusal(command, comment(said), Permission.ADMIN, pull(head=twin))
    assert not admission(pull(head=twin), twin, [comment(said)], lookup()).admitted


def test_every_verb_has_a_needed_permission() -> None:
    assert set(NEEDED) == set(Verb)


def test_nobody_waives_a_reason_of_their_own_pull_request() -> None:
    said = SAID[Verb.WAIVE]
    command = parse(said)
    assert command is not None
    assert refusal(command, comment(said, MAINTAINER), Permission.ADMIN, pull(author=MAINTAINER))
    renamed = Person(login="Maria-Renamed", id=MAINTAINER.id)
    assert refusal(command, comment(said, renamed), Permission.ADMIN, pull(author=MAINTAINER))
    assert not refusal(command, comment(said, MAINTAINER), Permission.MAINTAIN, pull())


def test_nothing_runs_on_a_closed_pull_request() -> None:
    for verb in (Verb.RUN, Verb.RETRY, Verb.WAIVE):
        command = parse(SAID[verb])
        assert command is not None
        assert refusal(command, comment(SAID[verb]), Permission.ADMIN, pull(is_open=False))


@pytest.mark.parametrize(
    "author", [BOT, GHOST, Person(login="x[bot]", id=5), Person(login="o", id=5, kind="Organization")]
)
def test_only_people_command(author: Person) -> None:
    command = parse("/ftgate status")
    assert command is not None
    assert refusal(command, comment("/ftgate status", author), Permission.ADMIN, pull())


def test_a_writer_s_branch_of_the_repository_is_admitted_at_once() -> None:
    facts = pull(author=WRITER, head_repository="Acme/Bank")
    given = admission(facts, HEAD, [], lookup())
    assert (given.admitted, given.by, given.permission) == (True, "wim", Permission.WRITE)


@pytest.mark.parametrize(
    "changes",
    [
        {"author": WRITER},  # from a fork
        {"author": WRITER, "head_repository": None},  # whose fork is gone
        {"author": AUTHOR, "head_repository": "acme/bank"},  # who may only read
        {"author": BOT, "head_repository": "acme/bank"},
        {"author": WRITER, "head_repository": "acme/bank", "is_open": False},
    ],
)
def test_all_others_wait_and_are_told_what_to_type(changes: dict[str, object]) -> None:
    given = admission(pull(**changes), HEAD, [], lookup())
    assert not given.admitted
    assert f"/ftgate run {HEAD}" in given.why


def test_a_pusher_without_permission_makes_it_wait() -> None:
    facts = pull(author=WRITER, head_repository="acme/bank")
    assert not admission(facts, HEAD, [], lookup(), STRANGER).admitted
    assert not admission(facts, HEAD, [], lookup(), BOT).admitted
    assert admission(facts, HEAD, [], lookup(), MAINTAINER).admitted


def test_a_command_admits_the_head_that_it_names() -> None:
    said = [comment("fine"), comment(f"/ftgate run {HEAD}\nlooked at every line", WRITER, url="u")]
    given = admission(pull(), HEAD, said, lookup())
    assert (given.admitted, given.by, given.comment, given.when) == (True, "wim", "u", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize("role", [None, Permission.NONE, Permission.READ, Permission.TRIAGE])
def test_a_command_of_somebody_who_may_not_admits_nothing(role: Permission | None) -> None:
    said = [comment(f"/ftgate run {HEAD}", STRANGER)]
    assert not admission(pull(), HEAD, said, lookup({"sam": role})).admitted


def test_a_command_for_an_older_head_or_edited_admits_nothing() -> None:
    old = comment(f"/ftgate run {OLD_HEAD}")
    edited = comment(f"/ftgate run {HEAD}", updated="2026-01-01T00:00:09Z")
    assert not admission(pull(), HEAD, [old, edited], lookup()).admitted


def test_a_run_of_a_head_that_has_moved_is_not_admitted_whoever_commands() -> None:
    given = admission(
        pull(), OLD_HEAD, [comment(f"/ftgate run {OLD_HEAD}"), comment(f"/ftgate run {HEAD}")], lookup()
    )
    assert not given.admitted
    assert "moved" in given.why


def test_permissions_are_asked_for_nobody_whose_command_has_no_effect() -> None:
    asked: list[str] = []

    def ask(person: Person) -> Permission:
        asked.append(person.login)
        return Permission.READ

    said = [
        comment("hello", STRANGER),
        comment(f"/ftgate run {OLD_HEAD}", STRANGER),
        comment("/ftgate run", BOT),
    ]
    admission(pull(), HEAD, said, ask)
    assert asked == []


def test_waivers_are_those_of_maintainers_who_did_not_open_the_pull_request() -> None:
    said = SAID[Verb.WAIVE]
    comments = [comment(said, person) for person in (MAINTAINER, WRITER, STRANGER, BOT, AUTHOR)]
    roles = {**ROLES, "mallory": Permission.ADMIN}
    given = waivers(pull(), comments, lookup(roles))
    assert [(w.by, w.reason, w.data, w.why) for w in given] == [
        ("maria", "regression.broken", DATA[:40], "the old answer was wrong")
    ]
