"""The bench behaves as GitHub does, seen through PyGithub unchanged; GitHub's description holds it to its word."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import github as pygithub
import pytest
from github.InputGitTreeElement import InputGitTreeElement

from tests.edges.repositories import GitRepository
from tests.github import contract
from tests.github.routes import ROUTES
from tests.github.server import GitHub, github
from tests.github.state import ACTIONS_APP, ACTIONS_BOT, Repository

NAME = "acme/bank"
READ = {"contents": "read", "pull-requests": "read", "issues": "read", "actions": "read"}


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as made:
        repo = made.repository(NAME, roles={"wanda": "write", "trixi": "triage", "marta": "maintain"})
        repo.git.commit("main", {"README.md": "# Bank\n", "data/a.jsonl": "{}\n"})
        repo.git.branch("topic")
        repo.git.commit("topic", {"data/b.jsonl": "{}\n"})
        made.pull(NAME, "topic", "wanda", number=7)
        for login in ("wanda", "acme", "trixi", "marta", "stranger"):
            made.token(login, login)
        made.token(
            "job", ACTIONS_BOT, may={**READ, "pull-requests": "write", "checks": "write", "statuses": "write"}
        )
        made.token("admin-job", ACTIONS_BOT, may={**READ, "actions": "write", "contents": "write"})
        made.token("read-job", ACTIONS_BOT, may=READ)
        yield made


def client(hub: GitHub, token: str) -> pygithub.Github:
    return pygithub.Github(auth=pygithub.Auth.Token(token), base_url=hub.url, retry=None, seconds_between_writes=0,
                           seconds_between_requests=0)  # fmt: skip


def seen(hub: GitHub, token: str = "wanda") -> "pygithub.Repository.Repository":
    return client(hub, token).get_repo(NAME)


def repository(hub: GitHub) -> Repository:
    return hub.repositories[NAME]


def raw(hub: GitHub, method: str, path: str, body: object = None, token: str = "wanda") -> tuple[int, object]:
    content = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(
        f"{hub.url}{path}", content, {"Authorization": f"Bearer {token}"}, method=method
    )
    try:
        with urllib.request.urlopen(asked) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")


def test_the_extract_holds_the_operations_of_the_bench_and_no_other() -> None:
    described = {(m.upper(), path) for path, each in contract.description()["paths"].items() for m in each}
    assert described == {(route.method, route.template) for route in ROUTES}
    assert len(described) > 60
    assert "description" not in json.dumps(contract.description()["paths"]["/user"])


def test_a_person_a_workflow_and_nobody(hub: GitHub) -> None:
    assert client(hub, "wanda").get_user().login == "wanda"
    with pytest.raises(pygithub.GithubException) as refused:
        _ = client(hub, "job").get_user().login
    assert refused.value.status == 403
    with pytest.raises(pygithub.BadCredentialsException):
        seen(hub, "unknown")


@pytest.mark.parametrize(
    ("login", "legacy", "role"),
    [
        ("wanda", "write", "write"), ("trixi", "read", "triage"), ("marta", "write", "maintain"),
        ("acme", "admin", "admin"), ("stranger", "read", "read"),
    ],
)  # fmt: skip
def test_permissions_in_both_vocabularies(hub: GitHub, login: str, legacy: str, role: str) -> None:
    assert seen(hub).get_collaborator_permission(login) == legacy
    assert seen(hub).get_collaborator_role_name(login) == role


def test_the_head_of_a_pull_request_moves_with_its_branch(hub: GitHub) -> None:
    before = seen(hub).get_pull(7).head.sha
    after = repository(hub).git.commit("topic", {"data/b.jsonl": '{"a": 1}\n'})
    assert (before != after, seen(hub).get_pull(7).head.sha) == (True, after)
    assert repository(hub).git.sha("refs/pull/7/head") == after


def test_a_real_push_to_a_fork_moves_it_too(hub: GitHub, tmp_path: object) -> None:
    from pathlib import Path

    fork = hub.fork(NAME, "stranger")
    fork.git.commit("main", {"x.jsonl": "{}\n"})
    hub.pull(NAME, "stranger:main", "stranger", number=9)
    work = GitRepository(Path(str(tmp_path)) / "work")
    work.git("fetch", "-q", str(fork.git.root), "main")
    work.git("checkout", "-q", "-B", "main", "FETCH_HEAD")
    work.write("x.jsonl", "[]\n")
    sha = work.commit()
    work.git("push", "-q", str(fork.git.root), "main")
    pull = seen(hub).get_pull(9)
    assert (pull.head.sha, pull.head.repo.fork, pull.head.label) == (sha, True, "stranger:main")
    assert [file.filename for file in pull.get_files()] == ["x.jsonl"]
    assert work.git("ls-remote", str(repository(hub).git.root), "refs/pull/9/head").split()[0] == sha


def test_comments_come_in_pages(hub: GitHub) -> None:
    for number in range(71):
        hub.comment(NAME, 7, f"remark {number}", "stranger")
    issue = seen(hub).get_issue(7)
    assert issue.pull_request is not None
    assert [c.body for c in issue.get_comments()] == [f"remark {n}" for n in range(71)]
    assert next(c.body for c in issue.get_comments().reversed) == "remark 70"
    status, page = raw(hub, "GET", f"/repos/{NAME}/issues/7/comments?per_page=500")
    assert status == 200 and isinstance(page, list) and len(page) == 71


def test_comments_are_written_edited_and_deleted_by_who_may(hub: GitHub) -> None:
    made = seen(hub, "stranger").get_issue(7).create_comment("hello")
    assert (made.user.login, made.updated_at) == ("stranger", made.created_at)
    made.edit("hello again")
    assert seen(hub).get_issue(7).get_comment(made.id).updated_at > made.created_at
    with pytest.raises(pygithub.GithubException, match="403"):
        seen(hub, "trixi").get_issue(7).get_comment(made.id).edit("mine")
    with pytest.raises(pygithub.GithubException, match="not accessible by integration"):
        seen(hub, "read-job").get_issue(7).create_comment("no")
    assert seen(hub, "job").get_issue(7).create_comment("yes").user.type == "Bot"
    made.delete()
    with pytest.raises(pygithub.UnknownObjectException):
        seen(hub).get_issue(7).get_comment(made.id)


def test_a_body_has_65536_characters(hub: GitHub) -> None:
    seen(hub, "wanda").get_issue(7).create_comment("ä" * 65_536)
    with pytest.raises(pygithub.GithubException, match="422"):
        seen(hub, "wanda").get_issue(7).create_comment("x" * 65_537)


def test_reactions_and_labels(hub: GitHub) -> None:
    asked = seen(hub).get_issue(7).get_comment(hub.comment(NAME, 7, "/ftgate run", "wanda").id)
    first = asked.create_reaction("eyes")
    assert asked.create_reaction("eyes").id == first.id
    assert [r.content for r in asked.get_reactions()] == ["eyes"]
    asked.delete_reaction(first.id)
    assert list(asked.get_reactions()) == []
    pull = seen(hub).get_pull(7)
    pull.add_to_labels("gpu")
    assert [label.name for label in pull.get_labels()] == ["gpu"]
    pull.remove_from_labels("gpu")
    assert [label.name for label in pull.get_labels()] == []


def test_statuses_are_combined_and_bounded(hub: GitHub) -> None:
    commit = seen(hub, "job").get_commit("topic")
    commit.create_status("pending", description="x" * 140, context="ftgate")
    commit.create_status("success", context="ftgate")
    assert commit.get_combined_status().state == "success"
    assert [s.state for s in commit.get_statuses()] == ["success", "pending"]
    with pytest.raises(pygithub.GithubException, match="422"):
        commit.create_status("success", description="x" * 141)


def test_check_runs_have_an_app_and_fifty_annotations(hub: GitHub) -> None:
    sha = seen(hub).get_pull(7).head.sha
    note: dict[str, str | int] = {
        "path": "a",
        "start_line": 1,
        "end_line": 1,
        "annotation_level": "failure",
        "message": "m",
    }
    made = seen(hub, "job").create_check_run(
        "ftgate", sha, status="in_progress", output={"title": "t", "summary": "s", "annotations": [note] * 50}
    )
    made.edit(conclusion="failure")
    found = list(seen(hub, "job").get_commit(sha).get_check_runs(check_name="ftgate"))
    assert [(c.app.id, c.conclusion, c.output.annotations_count) for c in found] == [
        (ACTIONS_APP, "failure", 50)
    ]
    assert len(list(found[0].get_annotations())) == 50
    with pytest.raises(pygithub.GithubException, match="403"):
        seen(hub, "acme").create_check_run("ftgate", sha)


def test_failed_jobs_run_again_with_what_depends_on_them(hub: GitHub) -> None:
    sha = seen(hub).get_pull(7).head.sha
    jobs = {
        "validate": (),
        "admit": ("validate",),
        "train": ("admit",),
        "ftgate": ("validate", "admit", "train"),
    }
    run = hub.run(NAME, ".github/workflows/ftgate.yml", sha, jobs, pulls=(7,), head_branch="topic")
    ours = seen(hub, "admin-job").get_workflow_run(run.id)
    assert not ours.rerun_failed_jobs()
    hub.finish(run, {"validate": "success", "admit": "failure", "train": "skipped", "ftgate": "failure"})
    kept = run.jobs[0].id
    (found,) = seen(hub, "admin-job").get_workflow_runs(
        head_sha=sha, event="pull_request_target", status="failure"
    )
    assert (found.id, found.run_attempt, found.conclusion) == (run.id, 1, "failure")
    assert [pull.number for pull in found.pull_requests] == [7]
    assert found.rerun_failed_jobs()
    states = {job.name: (job.status, job.id == kept) for job in ours.jobs("latest")}
    assert states == {
        "validate": ("completed", True), "admit": ("queued", False), "train": ("queued", False),
        "ftgate": ("queued", False),
    }  # fmt: skip
    assert len(list(ours.jobs("all"))) == 7
    assert ours.cancel()
    assert seen(hub, "admin-job").get_workflow_run(run.id).conclusion == "cancelled"
    assert not ours.cancel()
    assert not seen(hub, "read-job").get_workflow_run(run.id).rerun_failed_jobs()
    checks = seen(hub, "job").get_commit(sha).get_check_runs()
    assert {c.name: (c.app.slug, c.conclusion) for c in checks}["ftgate"] == ("github-actions", "cancelled")


def test_workflows_and_artifacts(hub: GitHub) -> None:
    sha = repository(hub).git.sha("topic") or ""
    run = hub.run(NAME, ".github/workflows/ftgate.yml", sha, {"validate": ()})
    hub.artifact(NAME, run.id, "run", b"PK zip")
    workflow = seen(hub, "admin-job").get_workflow("ftgate.yml")
    assert [r.id for r in workflow.get_runs()] == [run.id]
    assert workflow.create_dispatch("main")
    (kept,) = seen(hub).get_artifacts("run")
    assert (kept.workflow_run.id, kept.size_in_bytes) == (run.id, 6)
    asked = urllib.request.Request(kept.archive_download_url, headers={"Authorization": "Bearer wanda"})
    with urllib.request.urlopen(asked) as answer:
        assert answer.read() == b"PK zip"


def test_contents_and_git_data_are_a_real_repository(hub: GitHub) -> None:
    repo = seen(hub, "acme")
    assert repo.get_contents("data/a.jsonl").decoded_content == b"{}\n"  # type: ignore[union-attr]
    assert [c.path for c in repo.get_contents("data", ref="topic")] == ["data/a.jsonl", "data/b.jsonl"]  # type: ignore[union-attr]
    repo.create_file("new.txt", "add", "new", branch="topic")
    blob = repo.create_git_blob("hello\n", "utf-8")
    head = repo.get_branch("main").commit.sha
    tree = repo.create_git_tree(
        [InputGitTreeElement("hello.txt", "100644", "blob", sha=blob.sha)], repo.get_git_tree(head)
    )
    commit = repo.create_git_commit("by hand", tree, [repo.get_git_commit(head)])
    made = repo.create_git_ref("refs/heads/baselines", commit.sha)
    assert base64.b64decode(repo.get_git_blob(blob.sha).content) == b"hello\n"
    assert {e.path for e in repo.get_git_tree(commit.sha, recursive=True).tree} == {
        "README.md", "data", "data/a.jsonl", "hello.txt"
    }  # fmt: skip
    compared = repo.compare("main", "baselines")
    assert (compared.ahead_by, [f.filename for f in compared.files]) == (1, ["hello.txt"])
    topic = repo.get_branch("topic").commit.sha
    with pytest.raises(pygithub.GithubException, match="not a fast forward"):
        made.edit(topic)
    made.edit(topic, force=True)
    assert repo.get_git_ref("heads/baselines").object.sha == topic
    assert [ref.ref for ref in repo.get_git_matching_refs("heads/base")] == ["refs/heads/baselines"]
    made.delete()
    assert len(list(repo.get_branches())) == 2


def test_rules_and_protection_say_what_is_required(hub: GitHub) -> None:
    check = {"context": "ftgate", "integration_id": ACTIONS_APP}
    rule = {"type": "required_status_checks", "parameters": {
        "required_status_checks": [check], "strict_required_status_checks_policy": False}}  # fmt: skip
    made = hub.ruleset(NAME, "main", [rule])
    hub.ruleset(NAME, "asleep", [rule], enforcement="disabled")
    assert raw(hub, "GET", f"/repos/{NAME}/rules/branches/main")[1] == [
        {**rule, "ruleset_source_type": "Repository", "ruleset_source": NAME, "ruleset_id": made}
    ]
    assert raw(hub, "GET", f"/repos/{NAME}/rules/branches/topic")[1] == []
    status, found = raw(hub, "GET", f"/repos/{NAME}/rulesets/{made}")
    assert status == 200 and isinstance(found, dict) and found["rules"] == [rule]
    assert raw(hub, "GET", f"/repos/{NAME}/branches/main/protection", token="acme")[0] == 404
    assert raw(hub, "GET", f"/repos/{NAME}/branches/main/protection", token="wanda")[0] == 403
    repository(hub).protection["main"] = {
        "required_status_checks": {
            "contexts": ["ftgate"],
            "checks": [{"context": "ftgate", "app_id": ACTIONS_APP}],
        }
    }
    status, kept = raw(hub, "GET", f"/repos/{NAME}/branches/main/protection", token="acme")
    assert (
        status == 200 and isinstance(kept, dict) and kept["required_status_checks"]["contexts"] == ["ftgate"]
    )


def test_requests_are_counted_until_none_are_left(hub: GitHub) -> None:
    hub.remaining = 1
    seen(hub)
    assert client(hub, "wanda").get_rate_limit().rate.remaining == 0
    with pytest.raises(pygithub.RateLimitExceededException):
        seen(hub)


def test_the_journal_says_who_asked_what(hub: GitHub) -> None:
    seen(hub).get_issue(7).create_comment("x")
    assert [(e.method, e.login, e.status) for e in hub.journal] == [
        ("GET", "wanda", 200), ("GET", "wanda", 200), ("POST", "wanda", 201)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("POST", "/repos/acme/bank/issues/7/comments", {"text": "x"}, "body"),
        ("POST", "/repos/acme/bank/issues/7/comments", {"body": 7}, "not of type"),
        ("POST", "/repos/acme/bank/issues/comments/1/reactions", {"content": "wave"}, "is not one of"),
        ("GET", "/repos/acme/bank/issues/7/comments?pages=2", None, "not described"),
        ("GET", "/repos/acme/bank/issues/seven", None, "not of type"),
        ("GET", "/repos/acme/bank/secret", None, "no such operation"),
        ("POST", "/repos/acme/bank/statuses/topic", {"state": "fine"}, "is not one of"),
        ("GET", "/repos/acme/bank/pulls", {"body": 1}, "where none is described"),
        ("POST", "/repos/acme/bank/issues/7/comments", None, "missing"),
    ],
)
def test_a_request_that_github_does_not_know_is_caught(
    method: str, path: str, body: object, said: str
) -> None:
    with github(contract_holds=False) as hub:
        hub.repository(NAME)
        hub.token("wanda", "wanda")
        assert raw(hub, method, path, body)[0] in (404, 422)
        assert said in " ".join(hub.violations)
    with pytest.raises(AssertionError), github() as hub:
        hub.token("wanda", "wanda")
        raw(hub, method, path, body)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ({"id": "101"}, "/id"),
        ({"created_at": "yesterday"}, "/created_at"),
        ({"user": {"login": "wanda"}}, "/user"),
        ({"author_association": "FRIEND"}, "/author_association"),
        ({"url": None}, "/url"),
    ],
)
def test_an_answer_that_github_would_not_give_is_caught(
    monkeypatch: pytest.MonkeyPatch, spoil: dict[str, object], said: str
) -> None:
    from tests.github import shapes

    true = shapes.comment
    monkeypatch.setattr(shapes, "comment", lambda *about: {**true(*about), **spoil})
    with github(contract_holds=False) as hub:
        hub.repository(NAME)
        hub.token("wanda", "wanda")
        made = hub.comment(NAME, 7, "x", "wanda")
        raw(hub, "GET", f"/repos/{NAME}/issues/comments/{made.id}")
        assert said in " ".join(hub.violations)


def test_a_shape_has_no_invented_property() -> None:
    with pytest.raises(KeyError, match="colour"):
        contract.made("label", {"colour": "red"})
