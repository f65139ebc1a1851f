"""Facts, commands and re-runs against a GitHub on loopback that is held to GitHub's own description."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ftgate.edges.artifacts import unzipped
from ftgate.edges.github_api import Patience, Waiting
from ftgate.edges.github_facts import GitHubRest
from ftgate.edges.github_rest import Rest
from ftgate.edges.pull_request import GitHubPullRequest
from ftgate.errors import InputError, OutsideError
from ftgate.report.help import MARK
from ftgate.report.stamp import MARKER
from ftgate.stages.admit import admit, said_on
from ftgate.stages.bot import Desk, Reply, obey
from ftgate.values.trust import Permission, Person
from ftgate.wire import run_json
from tests.decide.builders import plan, run
from tests.fakes import FakeProgress
from tests.github.faults import Fault
from tests.github.server import GitHub, github
from tests.github.state import ACTIONS_BOT, WorkflowRun

NAME = "acme/bank"
PULL = 7
WORKFLOW = ".github/workflows/ftgate.yml"
JOBS = {"validate": (), "admit": ("validate",), "train": ("admit",), "ftgate": ("train",)}
HASTY = Patience(
    timeout=2, retries=2, backoff=0.01, longest_wait=1, settle=0, between_requests=0, between_writes=0
)
MAY = {"contents": "read", "pull-requests": "write", "issues": "write", "actions": "write"}


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as made:
        roles = {"wanda": "write", "trixi": "triage", "marta": "maintain", "owner2": "admin"}
        repo = made.repository(NAME, roles=roles)
        repo.git.commit("main", {"README.md": "# Bank\n", "data/a.jsonl": "{}\n"})
        made.fork(NAME, "stranger").git.commit("main", {"data/b.jsonl": "{}\n"})
        made.pull(NAME, "stranger:main", "stranger", number=PULL)
        made.token("bot", ACTIONS_BOT, may=MAY)
        for login in ("wanda", "trixi", "marta", "stranger", "owner2"):
            made.person(login)
        made.person("dependabot[bot]", "Bot")
        yield made


def head(hub: GitHub) -> str:
    hub.sync(hub.repositories[NAME])
    return hub.repositories[NAME].pulls[PULL].last_head


def facts(hub: GitHub, number: int = PULL) -> GitHubRest:
    waiting = Waiting(HASTY)
    sticky = GitHubPullRequest(NAME, number, "bot", base_url=hub.url, waiting=waiting)
    return GitHubRest(Rest("bot", base_url=hub.url, waiting=waiting), NAME, number, sticky)


def waiting(hub: GitHub, path: str = WORKFLOW, event: str = "pull_request_target") -> WorkflowRun:
    """A run of the gate that ended because nobody had admitted the head."""
    made = hub.run(NAME, path, head(hub), JOBS, pulls=(PULL,), event=event)
    hub.finish(made, {"validate": "success", "admit": "failure", "train": "skipped", "ftgate": "failure"})
    return made


def sticky(hub: GitHub) -> int:
    return hub.comment(NAME, PULL, f"{MARKER} head=x -->\n## Waits\n", ACTIONS_BOT).id


def say(hub: GitHub, text: str, login: str = "wanda") -> int:
    return hub.comment(NAME, PULL, text, login).id


def asked(hub: GitHub, comment: int, pause: Callable[[float], None] | None = None) -> Reply | None:
    def never(seconds: float) -> None:
        raise AssertionError("nothing to wait for")

    return obey(
        comment, Desk(github=facts(hub), progress=FakeProgress(), workflow=WORKFLOW, pause=pause or never)
    )


def signs(hub: GitHub, comment: int) -> list[str]:
    return [content for _, _, content in hub.repositories[NAME].comments[comment].reactions]


def answered(hub: GitHub, comment: int) -> str:
    return hub.repositories[NAME].comments[comment].body


def writes(hub: GitHub, what: str) -> int:
    return sum(entry.method == "POST" and what in entry.path for entry in hub.journal)


def test_a_pull_request_from_a_fork(hub: GitHub) -> None:
    seen = facts(hub).pull()
    assert (seen.repository, seen.head_repository) == (NAME, "stranger/bank")
    assert not seen.is_same_repository
    assert (seen.author.login, seen.author.is_human, seen.head) == ("stranger", True, head(hub))


@pytest.mark.parametrize(
    ("login", "role"),
    [
        ("wanda", "write"),
        ("trixi", "triage"),
        ("marta", "maintain"),
        ("owner2", "admin"),
        ("stranger", "read"),
    ],
)
def test_permissions_have_all_levels(hub: GitHub, login: str, role: str) -> None:
    person = facts(hub).person(login)
    assert person is not None
    assert facts(hub).permission(person) is Permission(role)


class Told(Rest):
    """An answer that this bench cannot give."""

    def __init__(self, answer: object) -> None:
        super().__init__("")
        self.answer = answer

    def get(self, path: str, asked: dict[str, object] | None = None) -> object:
        return self.answer


@pytest.mark.parametrize(
    ("legacy", "role", "expected"),
    [
        ("write", "release-captain", Permission.WRITE),
        ("read", "release-captain", Permission.READ),
        ("admin", "release-captain", Permission.ADMIN),
        ("read", "admin", Permission.READ),
        ("write", "admin", Permission.WRITE),
        ("none", "admin", Permission.NONE),
        ("root", "admin", Permission.NONE),
    ],
)
def test_a_role_is_never_more_than_the_level_it_is_built_on(
    legacy: str, role: str, expected: Permission
) -> None:
    user = {"login": "wanda", "id": 5, "type": "User"}
    told = Told({"permission": legacy, "role_name": role, "user": user})
    sticky = GitHubPullRequest(NAME, PULL, "")
    assert GitHubRest(told, NAME, PULL, sticky).permission(Person(login="wanda", id=5)) is expected


@pytest.mark.parametrize("index", range(5))
@pytest.mark.parametrize("fault", ["502", "reset", "html"])
def test_an_outage_at_any_call_admits_nobody_who_may_not(hub: GitHub, index: int, fault: Fault) -> None:
    of = run(["PP"], ["PP"], plan=plan(head=head(hub)))
    say(hub, f"/ftgate run {head(hub)}", "stranger")
    say(hub, f"/ftgate run {head(hub)}", "trixi")
    hub.faults.calls.update(dict.fromkeys(range(index, index + 3), fault))
    try:
        given = admit(of, facts(hub), FakeProgress()).admission
    except OutsideError:
        return
    assert given is not None
    assert not given.admitted


def test_the_run_of_another_pull_request_with_the_same_head_is_left_alone(hub: GitHub) -> None:
    hub.pull(NAME, "stranger:main", "stranger", number=8)
    mine = waiting(hub)
    other = hub.run(NAME, WORKFLOW, head(hub), JOBS, pulls=(8,))
    hub.finish(other, dict.fromkeys(JOBS, "failure"))
    asked(hub, say(hub, "/ftgate retry"))
    assert (len(mine.attempts), len(other.attempts)) == (2, 1)


def test_an_unknown_login_and_one_that_changed_hands_may_do_nothing(hub: GitHub) -> None:
    assert facts(hub).person("nobody-at-all") is None
    assert facts(hub).permission(Person(login="nobody-at-all", id=3)) is Permission.NONE
    assert facts(hub).permission(Person(login="marta", id=999_999)) is Permission.NONE


@pytest.mark.parametrize("fault", ["502", "403", "reset", "html", "truncated", "secondary"])
def test_an_outage_while_asking_for_the_permission_denies(hub: GitHub, fault: Fault) -> None:
    sticky(hub)
    waiting(hub)
    comment = say(hub, f"/ftgate run {head(hub)}")
    # Comment, reaction and pull request come first; some faults are tried three times.
    times = 3 if fault in ("502", "reset", "truncated") else 1
    hub.faults.calls.update(dict.fromkeys(range(3, 3 + times), fault))
    reply = asked(hub, comment)
    assert reply is not None
    assert reply.sign == "-1"
    assert writes(hub, "rerun") == 0


def test_a_maintainer_s_word_runs_the_failed_jobs_again(hub: GitHub) -> None:
    shown, made = sticky(hub), waiting(hub)
    comment = say(hub, f"/ftgate run {head(hub)}")
    reply = asked(hub, comment)
    assert reply is not None
    assert reply.sign == "+1"
    assert signs(hub, comment) == ["eyes", "+1"]
    assert len(made.attempts) == 2
    assert {job.name: job.status for job in made.jobs}["admit"] == "queued"
    assert {job.name: job.attempt for job in made.jobs}["validate"] == 1
    assert "wanda, run" in answered(hub, shown)
    assert answered(hub, shown).startswith(f"{MARKER} head=x -->\n## Waits")


def test_an_answer_replaces_the_last_one(hub: GitHub) -> None:
    shown = sticky(hub)
    waiting(hub)
    asked(hub, say(hub, "/ftgate status", "trixi"))
    asked(hub, say(hub, "/ftgate help", "stranger"))
    assert answered(hub, shown).count(MARK) == 1
    assert "stranger, help" in answered(hub, shown)
    assert "trixi" not in answered(hub, shown)
    own = [c for c in hub.repositories[NAME].comments.values() if c.login == ACTIONS_BOT]
    assert len(own) == 1


def test_an_answer_never_decides_between_two_comments_of_a_race(hub: GitHub) -> None:
    older, newer = sticky(hub), sticky(hub)
    asked(hub, say(hub, "/ftgate help"))
    assert MARK not in answered(hub, older) + answered(hub, newer)


def test_a_marker_that_somebody_else_posted_is_left_alone(hub: GitHub) -> None:
    forged = say(hub, f"{MARKER} head=x -->\nmine", "stranger")
    asked(hub, say(hub, "/ftgate status"))
    assert answered(hub, forged) == f"{MARKER} head=x -->\nmine"


@pytest.mark.parametrize(
    ("login", "text", "sign"),
    [
        ("stranger", "/ftgate run {head}", "-1"),
        ("trixi", "/ftgate run {head}", "-1"),
        ("trixi", "/ftgate retry", "-1"),
        ("stranger", "/ftgate cancel", "-1"),
        ("stranger", "/ftgate explain p1", "-1"),
        ("wanda", "/ftgate run 0123456789012345678901234567890123456789", "confused"),
        ("wanda", "/ftgate run 0123456789ab", "confused"),
        ("wanda", "/ftgate run", "confused"),
        ("wanda", "/ftgate run main", "confused"),
        (
            "wanda",
            "/ftgate waive regression.broken aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa wrong before",
            "-1",
        ),
        ("wanda", "/ftgate approve", "confused"),
    ],
)
def test_refusals_start_nothing_and_say_why(hub: GitHub, login: str, text: str, sign: str) -> None:
    shown = sticky(hub)
    waiting(hub)
    comment = say(hub, text.format(head=head(hub)), login)
    reply = asked(hub, comment)
    assert reply is not None
    assert reply.sign == sign
    assert signs(hub, comment) == ["eyes", sign]
    assert writes(hub, "/actions/") == 0
    assert f"{login}, " in answered(hub, shown)


def test_an_edited_comment_starts_nothing(hub: GitHub) -> None:
    waiting(hub)
    comment = say(hub, "hello")
    kept = hub.repositories[NAME].comments[comment]
    kept.body, kept.edited = f"/ftgate run {head(hub)}", hub.now()
    reply = asked(hub, comment)
    assert reply is not None
    assert "edited" in reply.text
    assert writes(hub, "rerun") == 0


def test_apps_are_not_answered_at_all(hub: GitHub) -> None:
    for login in ("dependabot[bot]", ACTIONS_BOT):
        assert asked(hub, say(hub, "/ftgate status", login)) is None
    assert hub.calls("POST") == 0


def test_a_comment_that_is_gone_or_of_another_pull_request_is_not_answered(hub: GitHub) -> None:
    hub.repositories[NAME].issues[9] = "an issue"
    other = hub.comment(NAME, 9, "/ftgate status", "wanda").id
    assert asked(hub, other) is None
    assert asked(hub, 99_999) is None


def test_the_newest_run_of_the_gate_for_this_head_is_the_right_one(hub: GitHub) -> None:
    hub.run(NAME, ".github/workflows/ci.yml", head(hub), {"a": ()}, event="pull_request")
    other_event = waiting(hub, event="push")
    older, newer = waiting(hub), waiting(hub)
    hub.repositories["stranger/bank"].git.commit("main", {"data/c.jsonl": "{}\n"})
    stale = asked(hub, say(hub, "/ftgate retry"))
    assert stale is not None
    assert "has not run" in stale.text
    newest = waiting(hub)
    reply = asked(hub, say(hub, "/ftgate retry"))
    assert reply is not None
    assert reply.sign == "+1"
    assert [len(r.attempts) for r in (other_event, older, newer, newest)] == [1, 1, 1, 2]


def test_fifty_commands_are_one_run(hub: GitHub) -> None:
    made = waiting(hub)
    comments = [say(hub, f"/ftgate run {head(hub)}") for _ in range(50)]
    for comment in comments:
        reply = asked(hub, comment)
        assert reply is not None
        assert reply.sign == "+1"
    assert writes(hub, "rerun") == 1
    hub.finish(made, dict.fromkeys(("admit", "train", "ftgate"), "failure"))
    assert asked(hub, comments[7])
    assert writes(hub, "rerun") == 1
    assert asked(hub, say(hub, "/ftgate retry"))
    assert writes(hub, "rerun") == 2


def test_a_run_that_is_about_to_end_is_waited_for(hub: GitHub) -> None:
    made = hub.run(NAME, WORKFLOW, head(hub), JOBS, pulls=(PULL,))
    hub.finish(made, {"validate": "success", "admit": "failure", "train": "skipped"})
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            hub.finish(made, {"ftgate": "failure"})

    reply = asked(hub, say(hub, f"/ftgate run {head(hub)}"), pause)
    assert reply is not None
    assert len(waits) == 3
    assert writes(hub, "rerun-failed-jobs") == 1


def test_waiting_is_bounded(hub: GitHub) -> None:
    made = hub.run(NAME, WORKFLOW, head(hub), JOBS, pulls=(PULL,))
    hub.finish(made, {"validate": "success", "admit": "failure", "train": "skipped"})
    waits: list[float] = []
    reply = asked(hub, say(hub, f"/ftgate run {head(hub)}"), waits.append)
    assert reply is not None
    assert reply.sign == "confused"
    assert 1 < len(waits) <= 20


def test_cancel_stops_what_runs_and_nothing_else(hub: GitHub) -> None:
    done = waiting(hub)
    nothing = asked(hub, say(hub, "/ftgate cancel"))
    assert nothing is not None
    assert nothing.sign == "confused"
    running = hub.run(NAME, WORKFLOW, head(hub), JOBS, pulls=(PULL,))
    reply = asked(hub, say(hub, "/ftgate cancel"))
    assert reply is not None
    assert running.conclusion == "cancelled"
    assert done.conclusion == "failure"


def test_a_green_run_is_not_run_again(hub: GitHub) -> None:
    made = hub.run(NAME, WORKFLOW, head(hub), JOBS, pulls=(PULL,))
    hub.finish(made, dict.fromkeys(JOBS, "success"))
    asked(hub, say(hub, "/ftgate retry"))
    assert writes(hub, "rerun") == 0


@pytest.mark.parametrize(
    ("reason", "what"), [("regression.broken", "rerun-failed-jobs"), ("findings.roles", "rerun")]
)
def test_a_waiver_runs_what_has_to_decide_anew(hub: GitHub, reason: str, what: str) -> None:
    waiting(hub)
    reply = asked(
        hub,
        say(
            hub,
            f"/ftgate waive {reason} aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa it was wrong before",
            "marta",
        ),
    )
    assert reply is not None
    assert reply.sign == "+1"
    posted = [
        entry.path.rsplit("/", 1)[1]
        for entry in hub.journal
        if "/actions/" in entry.path and entry.body is None
    ]
    assert what in posted


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def test_explain_posts_the_prompt_as_the_run_of_this_head_has_it(hub: GitHub) -> None:
    shown, made = sticky(hub), waiting(hub)
    stored = run(["PF"], ["PP"], plan=plan(head=head(hub)))
    hub.artifact(NAME, made.id, "ftgate-verdict", zipped(run__json=run_json(stored)))
    # Of a machine that nobody has checked, and newer.
    hub.artifact(NAME, made.id, "ftgate-trained", zipped(run__json=b"{}"))
    reply = asked(hub, say(hub, "/ftgate explain r0"))
    assert reply is not None
    assert reply.sign == "+1", reply.text
    posted = list(hub.repositories[NAME].comments.values())[-1]
    assert posted.login == ACTIONS_BOT
    assert "candidate" in posted.body
    assert "answered in" in answered(hub, shown)
    unknown = asked(hub, say(hub, "/ftgate explain r99"))
    assert unknown is not None
    assert unknown.sign == "confused"


@pytest.mark.parametrize(
    "content", [b"", b"no zip", zipped(other__json=b"{}"), zipped(run__json=b"[" * 100_000)]
)
def test_explain_says_how_to_get_a_run_that_cannot_be_had(hub: GitHub, content: bytes) -> None:
    made = waiting(hub)
    if content:
        hub.artifact(NAME, made.id, "ftgate-verdict", content)
    reply = asked(hub, say(hub, "/ftgate explain r0"))
    assert reply is not None
    assert reply.sign == "confused"
    assert "ftgate run --base" in reply.text
    assert not [c for c in hub.repositories[NAME].comments.values() if c.login == ACTIONS_BOT]


def test_explain_never_shows_the_run_of_another_head(hub: GitHub) -> None:
    made = waiting(hub)
    hub.artifact(NAME, made.id, "ftgate-verdict", zipped(run__json=run_json(run(["PF"], ["PP"]))))
    reply = asked(hub, say(hub, "/ftgate explain r0"))
    assert reply is not None
    assert reply.sign == "confused"


def test_an_archive_is_read_within_bounds_and_never_unpacked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="more than"):
        unzipped(zipped(run__json=b"0" * 1_000_000), 999_999)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("run.json", b"{}")
        archive.writestr("run.json", b"{}")
    with pytest.raises(InputError, match=r"2 run\.json"):
        unzipped(buffer.getvalue())
    traversal = io.BytesIO()
    with zipfile.ZipFile(traversal, "w") as archive:
        archive.writestr("../../run.json", b"{}")
    with pytest.raises(InputError, match=r"0 run\.json"):
        unzipped(traversal.getvalue())
    assert list(tmp_path.iterdir()) == []


def test_admission_is_read_from_github(hub: GitHub) -> None:
    of = run(["PP"], ["PP"], plan=plan(head=head(hub)))
    progress = FakeProgress()
    waits = admit(of, facts(hub), progress).admission
    assert waits is not None
    assert not waits.admitted
    assert f"/ftgate run {head(hub)}" in waits.why
    say(hub, f"/ftgate run {head(hub)}", "stranger")
    say(hub, f"/ftgate run {head(hub)}", "trixi")
    still = admit(of, facts(hub), progress).admission
    assert still is not None
    assert not still.admitted
    comment = say(hub, f"/ftgate run {head(hub)}", "wanda")
    given = admit(of, facts(hub), progress).admission
    assert given is not None
    assert (given.admitted, given.by, given.permission) == (True, "wanda", Permission.WRITE)
    hub.repositories[NAME].comments[comment].edited = hub.now()
    again = admit(of, facts(hub), progress).admission
    assert again is not None
    assert not again.admitted


def test_a_head_that_moves_while_it_is_admitted_is_not(hub: GitHub) -> None:
    of = run(["PP"], ["PP"], plan=plan(head=head(hub)))
    say(hub, f"/ftgate run {head(hub)}", "wanda")
    hub.faults.before[0] = lambda: hub.repositories["stranger/bank"].git.commit(
        "main", {"data/x.jsonl": "{}\n"}
    )
    given = admit(of, facts(hub), FakeProgress()).admission
    assert given is not None
    assert not given.admitted


def test_commands_are_found_on_every_page(hub: GitHub) -> None:
    of = run(["PP"], ["PP"], plan=plan(head=head(hub)))
    for number in range(205):
        say(hub, f"comment {number}", "stranger")
    say(hub, f"/ftgate run {head(hub)}", "wanda")
    given = admit(of, facts(hub), FakeProgress()).admission
    assert given is not None
    assert given.admitted


def test_waivers_come_with_who_and_when(hub: GitHub) -> None:
    text = (
        "/ftgate waive regression.broken aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa the bank changed its terms"
    )
    for login in ("stranger", "wanda", "marta"):
        say(hub, text, login)
    said = said_on(facts(hub), FakeProgress(), head(hub))
    assert [(w.by, w.permission, w.why) for w in said.waivers] == [
        ("marta", Permission.MAINTAIN, "the bank changed its terms")
    ]
    assert said.waivers[0].comment.startswith("https://")


def test_the_verdict_goes_on_without_waivers_when_github_is_out(hub: GitHub) -> None:
    for index in range(4):
        hub.faults.calls[index] = "502"
    progress = FakeProgress()
    assert said_on(facts(hub), progress, head(hub)).waivers == ()
    assert "no waiver counts" in progress.said[0]


def test_an_answer_of_another_shape_is_no_answer(hub: GitHub) -> None:
    for index in range(4):
        hub.faults.calls[index] = "html"
    with pytest.raises(OutsideError):
        facts(hub).pull()


def test_a_re_run_whose_answer_is_lost_is_not_sent_twice(hub: GitHub) -> None:
    made = waiting(hub)
    seen = facts(hub)
    run_as_seen = next(r for r in seen.workflow_runs(head(hub)) if r.id == made.id)
    hub.faults.turns["POST", 1] = "reset-after"
    with pytest.raises(OutsideError):
        seen.run_again(run_as_seen, failed_only=True)
    assert hub.calls("POST") == 1
    assert len(made.attempts) == 2


def test_the_event_s_text_is_never_believed(hub: GitHub) -> None:
    comment = say(hub, "just words", "wanda")
    assert asked(hub, comment) is None
    assert json.dumps([entry.method for entry in hub.journal]) == '["GET"]'
