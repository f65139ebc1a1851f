"""The sticky comment, with PyGithub unchanged against a GitHub on loopback."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from ftgate.edges.github_api import Patience, Waiting
from ftgate.edges.pull_request import GitHubPullRequest
from ftgate.errors import OutsideError, RefusedError
from tests.edges.servers import unused_url
from tests.github.faults import Fault
from tests.github.server import GitHub, github
from tests.github.state import ACTIONS_BOT, Comment

REPOSITORY, NUMBER, TOKEN = "acme/bank", 7, "t0ken"
MARKER = "<!-- ftgate -->"
QUICK = Patience(
    timeout=2, retries=1, backoff=0.0, longest_wait=2, settle=0.0, between_requests=0.0, between_writes=0.0
)
GRANTS = {"pull-requests": "write", "contents": "read"}


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as state:
        repo = state.repository(REPOSITORY)
        repo.git.commit("main", {"README.md": "# Bank\n"})
        repo.git.branch("topic")
        state.pull(REPOSITORY, "topic", "wanda", number=NUMBER)
        state.token(TOKEN, ACTIONS_BOT, may=GRANTS)
        yield state


def pull_request(
    hub: GitHub, token: str = TOKEN, author: str | None = ACTIONS_BOT, say: Callable[[str], None] = print
) -> GitHubPullRequest:
    return GitHubPullRequest(
        REPOSITORY, NUMBER, token, base_url=hub.url, author=author, waiting=Waiting(QUICK, say)
    )


def stands(word: str) -> Callable[[Sequence[str], str], str]:
    return lambda own, head: f"{MARKER}\n{word}"


def comment(hub: GitHub, body: str, login: str = ACTIONS_BOT) -> Comment:
    return hub.comment(REPOSITORY, NUMBER, body, login)


def own(hub: GitHub, login: str = ACTIONS_BOT) -> list[str]:
    return [c.body for c in hub.repositories[REPOSITORY].comments.values() if c.login == login]


def test_the_first_run_creates_the_comment(hub: GitHub) -> None:
    url = pull_request(hub).upsert_comment(MARKER, stands("pass"))
    (number,) = hub.repositories[REPOSITORY].comments
    assert own(hub) == [f"{MARKER}\npass"]
    assert url == f"https://github.com/{REPOSITORY}/pull/{NUMBER}#issuecomment-{number}"


def test_the_second_run_edits_it(hub: GitHub) -> None:
    first = pull_request(hub).upsert_comment(MARKER, stands("pass"))
    second = pull_request(hub).upsert_comment(MARKER, stands("fail"))
    assert (first == second, own(hub)) == (True, [f"{MARKER}\nfail"])


def test_an_unchanged_comment_is_not_written_again(hub: GitHub) -> None:
    comment(hub, f"{MARKER}\r\npass\n")
    pull_request(hub).upsert_comment(MARKER, stands("pass"))
    assert {entry.method for entry in hub.journal} == {"GET"}


def test_what_should_not_stand_is_not_begun(hub: GitHub) -> None:
    assert pull_request(hub).upsert_comment(MARKER, lambda own, head: None) is None
    assert hub.calls("POST") == 0


@pytest.mark.parametrize("others", [29, 99, 100, 250])
def test_it_is_found_on_every_page(hub: GitHub, others: int) -> None:
    for number in range(others):
        comment(hub, f"remark {number}", "someone")
    mine = comment(hub, f"{MARKER}\nold")
    pull_request(hub).upsert_comment(MARKER, stands("new"))
    assert mine.body == f"{MARKER}\nnew"
    assert len(hub.repositories[REPOSITORY].comments) == others + 1


def test_the_marker_in_a_strangers_comment_captures_nothing(hub: GitHub) -> None:
    theirs = comment(hub, f"{MARKER}\nI am the gate", "stranger")
    pull_request(hub).upsert_comment(MARKER, stands("fail"))
    assert theirs.body == f"{MARKER}\nI am the gate"
    assert own(hub) == [f"{MARKER}\nfail"]


def test_another_workflow_that_quotes_the_marker_captures_nothing(hub: GitHub) -> None:
    theirs = comment(hub, f"They wrote:\n> {MARKER}")
    pull_request(hub).upsert_comment(MARKER, stands("fail"))
    assert theirs.body == f"They wrote:\n> {MARKER}"
    assert len(own(hub)) == 2


def test_of_several_the_oldest_stays_and_the_others_go(hub: GitHub) -> None:
    first = comment(hub, f"{MARKER}\none")
    comment(hub, f"{MARKER}\ntwo")
    comment(hub, "another bot comment of ours")
    pull_request(hub).upsert_comment(MARKER, stands("new"))
    assert own(hub) == [f"{MARKER}\nnew", "another bot comment of ours"]
    assert first.body == f"{MARKER}\nnew"


def test_nothing_is_deleted_before_the_oldest_carries_the_text(hub: GitHub) -> None:
    comment(hub, f"{MARKER}\none")
    comment(hub, f"{MARKER}\ntwo")
    pull_request(hub).upsert_comment(MARKER, lambda own, head: own[-1])
    methods = [
        entry.method
        for entry in hub.journal
        if entry.method != "GET" or entry.path.endswith("/comments?per_page=100")
    ]
    assert methods == ["GET", "PATCH", "GET", "DELETE", "GET"]
    assert own(hub) == [f"{MARKER}\ntwo"]


def test_a_token_that_may_not_ask_is_the_workflows(hub: GitHub) -> None:
    mine = comment(hub, f"{MARKER}\nold")
    pull_request(hub, author=None).upsert_comment(MARKER, stands("new"))
    assert mine.body == f"{MARKER}\nnew"


def test_an_apps_token_is_told_who_it_is(hub: GitHub) -> None:
    hub.token("app", "ftgate[bot]", may=GRANTS)
    mine = comment(hub, f"{MARKER}\nold", "ftgate[bot]")
    pull_request(hub, "app", "ftgate[bot]").upsert_comment(MARKER, stands("new"))
    assert mine.body == f"{MARKER}\nnew"


def test_github_is_asked_who_the_token_is(hub: GitHub) -> None:
    hub.token("hers", "a-person")
    mine = comment(hub, f"{MARKER}\nold", "a-person")
    pull_request(hub, "hers", None).upsert_comment(MARKER, stands("new"))
    assert mine.body == f"{MARKER}\nnew"


def test_the_head_is_where_the_branch_is_now(hub: GitHub) -> None:
    asked = pull_request(hub)
    before = asked.head()
    pushed = hub.repositories[REPOSITORY].git.commit("topic", {"a": "b"})
    assert (asked.head(), pushed != before) == (pushed, True)


def test_a_read_only_token_is_told_what_it_lacks(hub: GitHub) -> None:
    hub.token("fork", ACTIONS_BOT, may={"pull-requests": "read"})
    with pytest.raises(RefusedError) as caught:
        pull_request(hub, "fork").upsert_comment(MARKER, stands("fail"))
    assert "HTTP 403" in caught.value.message
    assert "pull-requests: write" in caught.value.advice
    assert "verdict is unchanged" in caught.value.advice
    assert hub.calls("POST") == 1


def test_a_wrong_token_is_said_and_never_shown(hub: GitHub) -> None:
    with pytest.raises(OutsideError) as caught:
        pull_request(hub, "s3cret").upsert_comment(MARKER, stands("x"))
    assert "GITHUB_TOKEN" in caught.value.advice
    assert "s3cret" not in caught.value.message + caught.value.advice


def test_another_pull_request_is_not_found(hub: GitHub) -> None:
    absent = GitHubPullRequest(REPOSITORY, 8, TOKEN, base_url=hub.url, author="x", waiting=Waiting(QUICK))
    with pytest.raises(OutsideError, match=r"acme/bank#8.*HTTP 404"):
        absent.upsert_comment(MARKER, stands("x"))


def test_a_body_beyond_githubs_limit_is_refused_once(hub: GitHub) -> None:
    with pytest.raises(OutsideError, match="HTTP 422"):
        pull_request(hub).upsert_comment(MARKER, stands("x" * 65_537))
    assert (hub.calls("POST"), own(hub)) == (1, [])


def test_a_github_that_stays_down_is_said_with_its_answer(hub: GitHub) -> None:
    hub.faults.always = {"GET": "502"}
    with pytest.raises(OutsideError, match="HTTP 502"):
        pull_request(hub).upsert_comment(MARKER, stands("x"))
    assert hub.calls("GET") == 1 + QUICK.retries


@pytest.mark.parametrize("fault", ["502-after", "reset-after", "truncated", "hang-after"])
def test_a_post_whose_answer_is_lost_is_not_sent_again(hub: GitHub, fault: Fault) -> None:
    hub.faults.turns = {("POST", 1): fault}
    pull_request(hub).upsert_comment(MARKER, stands("fail"))
    assert (hub.calls("POST"), own(hub)) == (1, [f"{MARKER}\nfail"])


@pytest.mark.parametrize("fault", ["502", "reset", "403", "html"])
def test_a_post_that_may_have_been_obeyed_is_not_sent_again_either(hub: GitHub, fault: Fault) -> None:
    hub.faults.turns = {("POST", 1): fault}
    with pytest.raises(OutsideError, match="the comment cannot be written"):
        pull_request(hub).upsert_comment(MARKER, stands("fail"))
    assert (hub.calls("POST"), own(hub)) == (1, [])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_rate_limit_that_is_soon_over_is_waited_for_and_announced(hub: GitHub, method: str) -> None:
    said: list[str] = []
    hub.faults.turns, hub.faults.retry_after = {(method, 1): "secondary"}, 1
    pull_request(hub, say=said.append).upsert_comment(MARKER, stands("fail"))
    assert own(hub) == [f"{MARKER}\nfail"]
    assert said == ["GitHub: HTTP 403; waiting 1 s"]


@pytest.mark.parametrize("fault", ["secondary", "primary"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_a_rate_limit_is_not_waited_for_beyond_the_bound(hub: GitHub, fault: Fault, method: str) -> None:
    if method == "PATCH":
        comment(hub, f"{MARKER}\nold")
    hub.faults.always = {method: fault}
    with pytest.raises(OutsideError) as caught:
        pull_request(hub).upsert_comment(MARKER, stands("x"))
    assert "rate limit" in caught.value.advice
    assert hub.calls(method) == 1


def test_all_repetition_together_is_bounded(hub: GitHub) -> None:
    waiting = Waiting(Patience(timeout=1, retries=50, backoff=0.01, total=1))
    hub.faults.always = {"GET": "502"}
    with pytest.raises(OutsideError, match="HTTP 502"):
        GitHubPullRequest(REPOSITORY, NUMBER, TOKEN, base_url=hub.url, author="x", waiting=waiting).head()
    assert hub.calls("GET") < 20


def test_a_page_of_a_proxy_is_not_an_empty_list(hub: GitHub) -> None:
    hub.faults.always = {"GET": "html"}
    with pytest.raises(OutsideError, match="not GitHub's"):
        pull_request(hub).upsert_comment(MARKER, stands("fail"))
    assert hub.calls("POST") == 0


def test_a_comment_that_others_keep_changing_is_given_up(hub: GitHub) -> None:
    mine = comment(hub, f"{MARKER}\nold")
    seen = iter(range(1000))
    with pytest.raises(OutsideError, match="others keep changing it"):
        pull_request(hub).upsert_comment(MARKER, lambda own, head: f"{MARKER}\n{next(seen)}")
    assert mine.body.startswith(MARKER)


def test_nobody_listening_is_said() -> None:
    nobody = GitHubPullRequest("a/b", 1, "t", base_url=unused_url(), author="x", waiting=Waiting(QUICK))
    with pytest.raises(OutsideError, match="cannot be reached"):
        nobody.upsert_comment(MARKER, stands("x"))
