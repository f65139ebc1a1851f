"""The sticky comment, with PyGithub unchanged against a GitHub on loopback."""

from collections.abc import Iterator

import pytest

from ftgate.edges.pull_request import GitHubPullRequest, Patience
from ftgate.errors import OutsideError
from tests.edges.github_server import NUMBER, REPOSITORY, Fault, GitHub, github
from tests.edges.servers import unused_url

MARKER = "<!-- ftgate -->"
QUICK = Patience(timeout=2, retries=1, backoff=0.0, longest_wait=1, between_requests=0.0, between_writes=0.0)


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as state:
        yield state


def pull_request(hub: GitHub, author: str | None = None) -> GitHubPullRequest:
    return GitHubPullRequest(
        REPOSITORY, NUMBER, hub.token, base_url=hub.url, author=author or hub.login, patience=QUICK
    )


def own(hub: GitHub) -> list[str]:
    return [c["body"] for c in hub.comments.values() if c["user"]["login"] == hub.author]


def test_the_first_run_creates_the_comment(hub: GitHub) -> None:
    url = pull_request(hub).upsert_comment(MARKER, f"{MARKER}\npass")
    assert own(hub) == [f"{MARKER}\npass"]
    assert url == f"https://github.com/{REPOSITORY}/pull/{NUMBER}#issuecomment-101"


def test_the_second_run_edits_it(hub: GitHub) -> None:
    first = pull_request(hub).upsert_comment(MARKER, f"{MARKER}\npass")
    second = pull_request(hub).upsert_comment(MARKER, f"{MARKER}\nfail")
    assert (first == second, own(hub)) == (True, [f"{MARKER}\nfail"])


def test_an_unchanged_comment_is_not_written_again(hub: GitHub) -> None:
    hub.comment(f"{MARKER}\npass", hub.author)
    pull_request(hub).upsert_comment(MARKER, f"{MARKER}\npass")
    assert {method for method, _ in hub.journal} == {"GET"}


@pytest.mark.parametrize("others", [29, 30, 99, 100, 250])
def test_it_is_found_on_every_page(hub: GitHub, others: int) -> None:
    for number in range(others):
        hub.comment(f"remark {number}", "someone")
    mine = hub.comment(f"{MARKER}\nold", hub.author)
    pull_request(hub).upsert_comment(MARKER, f"{MARKER}\nnew")
    assert hub.comments[mine]["body"] == f"{MARKER}\nnew"
    assert len(hub.comments) == others + 1


def test_the_marker_in_a_strangers_comment_captures_nothing(hub: GitHub) -> None:
    theirs = hub.comment(f"{MARKER}\nI am the gate", "stranger")
    pull_request(hub).upsert_comment(MARKER, f"{MARKER}\nfail")
    assert hub.comments[theirs]["body"] == f"{MARKER}\nI am the gate"
    assert own(hub) == [f"{MARKER}\nfail"]


def test_of_two_the_oldest_wins_and_the_other_goes(hub: GitHub) -> None:
    first = hub.comment(f"{MARKER}\none", hub.author)
    hub.comment(f"{MARKER}\ntwo", hub.author)
    hub.comment("another bot comment of ours", hub.author)
    pull_request(hub).upsert_comment(MARKER, f"{MARKER}\nnew")
    assert own(hub) == [f"{MARKER}\nnew", "another bot comment of ours"]
    assert hub.comments[first]["body"] == f"{MARKER}\nnew"


def test_a_token_that_may_not_ask_is_the_workflows(hub: GitHub) -> None:
    hub.login = None
    mine = hub.comment(f"{MARKER}\nold", "github-actions[bot]")
    pull_request(hub).upsert_comment(MARKER, f"{MARKER}\nnew")
    assert hub.comments[mine]["body"] == f"{MARKER}\nnew"


def test_github_is_asked_who_the_token_is(hub: GitHub) -> None:
    hub.login = "a-person"
    mine = hub.comment(f"{MARKER}\nold", "a-person")
    asked = GitHubPullRequest(REPOSITORY, NUMBER, hub.token, base_url=hub.url, patience=QUICK)
    asked.upsert_comment(MARKER, f"{MARKER}\nnew")
    assert hub.comments[mine]["body"] == f"{MARKER}\nnew"


def test_a_read_only_token_is_told_what_it_lacks(hub: GitHub) -> None:
    hub.may_write = False
    with pytest.raises(OutsideError) as caught:
        pull_request(hub).upsert_comment(MARKER, f"{MARKER}\nfail")
    assert "HTTP 403" in caught.value.message
    assert "pull-requests: write" in caught.value.advice
    assert "verdict is unchanged" in caught.value.advice
    assert hub.calls("POST") == 1


def test_a_wrong_token_is_said_and_never_shown(hub: GitHub) -> None:
    wrong = GitHubPullRequest(REPOSITORY, NUMBER, "s3cret", base_url=hub.url, author="x", patience=QUICK)
    with pytest.raises(OutsideError) as caught:
        wrong.upsert_comment(MARKER, "x")
    assert "GITHUB_TOKEN" in caught.value.advice
    assert "s3cret" not in caught.value.message + caught.value.advice


def test_another_pull_request_is_not_found(hub: GitHub) -> None:
    absent = GitHubPullRequest(REPOSITORY, 8, hub.token, base_url=hub.url, author="x", patience=QUICK)
    with pytest.raises(OutsideError, match=r"acme/bank#8.*HTTP 404"):
        absent.upsert_comment(MARKER, "x")


def test_a_body_beyond_githubs_limit_is_refused_once(hub: GitHub) -> None:
    with pytest.raises(OutsideError, match="HTTP 422"):
        pull_request(hub).upsert_comment(MARKER, "x" * 65_537)
    assert (hub.calls("POST"), own(hub)) == (1, [])


@pytest.mark.parametrize("fault", ["502", "reset"])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize("call", [1, 2])
def test_reads_and_edits_survive_a_fault(hub: GitHub, fault: Fault, method: str, call: int) -> None:
    hub.comment(f"{MARKER}\nold", hub.author)
    hub.faults = {(method, call): fault}
    pull_request(hub).upsert_comment(MARKER, f"{MARKER}\nnew")
    assert own(hub) == [f"{MARKER}\nnew"]


def test_a_github_that_stays_down_is_said_with_its_answer(hub: GitHub) -> None:
    hub.faults = {("GET", call): "502" for call in range(1, 10)}
    with pytest.raises(OutsideError, match="HTTP 502"):
        pull_request(hub).upsert_comment(MARKER, "x")
    assert hub.calls("GET") == 1 + QUICK.retries


@pytest.mark.parametrize("fault", ["502-after", "reset-after"])
def test_a_post_whose_answer_is_lost_is_not_sent_again(hub: GitHub, fault: Fault) -> None:
    hub.faults = {("POST", 1): fault}
    pull_request(hub).upsert_comment(MARKER, f"{MARKER}\nfail")
    assert (hub.calls("POST"), own(hub)) == (1, [f"{MARKER}\nfail"])


@pytest.mark.parametrize("fault", ["502", "reset", "403", "secondary", "primary"])
def test_a_post_that_was_not_obeyed_is_not_sent_again_either(hub: GitHub, fault: Fault) -> None:
    hub.faults = {("POST", 1): fault}
    with pytest.raises(OutsideError, match="the comment cannot be written"):
        pull_request(hub).upsert_comment(MARKER, f"{MARKER}\nfail")
    assert (hub.calls("POST"), own(hub)) == (1, [])


@pytest.mark.parametrize("fault", ["secondary", "primary"])
def test_a_rate_limit_is_not_waited_for_beyond_the_bound(hub: GitHub, fault: Fault) -> None:
    hub.faults = {("GET", call): fault for call in range(1, 10)}
    with pytest.raises(OutsideError) as caught:
        pull_request(hub).upsert_comment(MARKER, "x")
    assert "rate limit" in caught.value.advice


def test_a_page_of_a_proxy_is_not_an_empty_list(hub: GitHub) -> None:
    hub.faults = {("GET", call): "html" for call in range(1, 10)}
    with pytest.raises(OutsideError, match="not GitHub's"):
        pull_request(hub).upsert_comment(MARKER, f"{MARKER}\nfail")
    assert hub.calls("POST") == 0


def test_nobody_listening_is_said() -> None:
    nobody = GitHubPullRequest("a/b", 1, "t", base_url=unused_url(), author="x", patience=QUICK)
    with pytest.raises(OutsideError, match="cannot be reached"):
        nobody.upsert_comment(MARKER, "x")
