"""How what is remembered looks in an answer."""

import base64
from typing import Any
from urllib.parse import quote

from tests.github.contract import made
from tests.github.state import ACTIONS_APP, Comment, Hub, Job, Pull, Repository, WorkflowRun

Shape = dict[str, Any]


def user(hub: Hub, login: str) -> Shape:
    number, kind = hub.person(login)
    path = quote(login)
    urls = {"url": f"{hub.url}/users/{path}", "html_url": f"https://github.com/{path}"}
    return made("simple-user", {"login": login, "id": number, "type": kind, **urls})


def _repository(hub: Hub, repo: Repository) -> Shape:
    return {
        "id": hub.person(f"repo:{repo.name}")[0],
        "name": repo.name.split("/")[1],
        "full_name": repo.name,
        "owner": user(hub, repo.owner),
        "private": repo.private,
        "fork": repo.parent is not None,
        "default_branch": "main",
        "url": f"{hub.url}/repos/{repo.name}",
        "html_url": f"https://github.com/{repo.name}",
        "clone_url": str(repo.git.root),
    }


def repository(hub: Hub, repo: Repository, login: str) -> Shape:
    role = repo.role(login)
    may = {"admin": "admin", "maintain": "maintain", "push": "write", "triage": "triage", "pull": "read"}
    order = ["none", "read", "triage", "write", "maintain", "admin"]
    permissions = {name: order.index(role) >= order.index(least) for name, least in may.items()}
    parent = hub.repositories.get(repo.parent or "")
    extra = {"parent": _repository(hub, parent)} if parent else {}
    return made("full-repository", {**_repository(hub, repo), "permissions": permissions, **extra})


def association(repo: Repository, login: str) -> str:
    if login == repo.owner:
        return "OWNER"
    return "COLLABORATOR" if login in repo.roles else "NONE"


def comment(hub: Hub, repo: Repository, it: Comment) -> Shape:
    kind = "pull" if it.number in repo.pulls else "issues"
    return made(
        "issue-comment",
        {
            "id": it.id,
            "url": f"{hub.url}/repos/{repo.name}/issues/comments/{it.id}",
            "html_url": f"https://github.com/{repo.name}/{kind}/{it.number}#issuecomment-{it.id}",
            "issue_url": f"{hub.url}/repos/{repo.name}/issues/{it.number}",
            "body": it.body,
            "user": user(hub, it.login),
            "created_at": it.created,
            "updated_at": it.edited,
            "author_association": association(repo, it.login),
        },
    )


def reaction(hub: Hub, it: tuple[int, str, str]) -> Shape:
    return made(
        "reaction", {"id": it[0], "user": user(hub, it[1]), "content": it[2], "created_at": hub.now()}
    )


def label(hub: Hub, repo: Repository, name: str) -> Shape:
    url = f"{hub.url}/repos/{repo.name}/labels/{quote(name)}"
    return made(
        "label",
        {"id": hub.person(f"label:{name}")[0], "name": name, "url": url, "color": "ededed", "default": False},
    )


def _side(hub: Hub, name: str, ref: str, sha: str) -> Shape:
    repo = hub.repositories.get(name)
    owner = name.split("/")[0]
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user(hub, owner),
        "repo": _repository(hub, repo) if repo else None,
    }


def pull(hub: Hub, repo: Repository, it: Pull, *, simple: bool = False) -> Shape:
    url = f"{hub.url}/repos/{repo.name}/pulls/{it.number}"
    base = repo.git.sha(f"refs/heads/{it.base_ref}") or ""
    values = {
        "id": hub.person(f"pull:{repo.name}#{it.number}")[0],
        "number": it.number,
        "url": url,
        "html_url": f"https://github.com/{repo.name}/pull/{it.number}",
        "issue_url": f"{hub.url}/repos/{repo.name}/issues/{it.number}",
        "state": it.state,
        "draft": it.draft,
        "title": it.title,
        "body": it.body,
        "user": user(hub, it.author),
        "created_at": it.created,
        "labels": [label(hub, repo, name) for name in it.labels],
        "head": _side(hub, it.head_repo, it.head_ref, it.last_head),
        "base": _side(hub, repo.name, it.base_ref, base),
        "author_association": association(repo, it.author),
    }
    if simple:
        return made("pull-request-simple", values)
    changed = repo.git.diff(base, it.last_head)
    counts = {
        "changed_files": len(changed),
        "additions": sum(c[2] for c in changed),
        "deletions": sum(c[3] for c in changed),
    }
    comments = sum(c.number == it.number for c in repo.comments.values())
    return made(
        "pull-request", {**values, **counts, "comments": comments, "merged": False, "mergeable": True}
    )


def issue(hub: Hub, repo: Repository, number: int) -> Shape:
    it = repo.pulls.get(number)
    url = f"{hub.url}/repos/{repo.name}/issues/{number}"
    values: Shape = {
        "id": hub.person(f"issue:{repo.name}#{number}")[0],
        "number": number,
        "url": url,
        "comments_url": f"{url}/comments",
        "html_url": f"https://github.com/{repo.name}/issues/{number}",
        "repository_url": f"{hub.url}/repos/{repo.name}",
        "title": it.title if it else repo.issues[number],
        "state": it.state if it else "open",
        "user": user(hub, it.author if it else repo.owner),
        "labels": [label(hub, repo, name) for name in it.labels] if it else [],
        "comments": sum(c.number == number for c in repo.comments.values()),
    }
    if it:
        values["html_url"] = f"https://github.com/{repo.name}/pull/{number}"
        values["pull_request"] = {
            "url": f"{hub.url}/repos/{repo.name}/pulls/{number}",
            "html_url": values["html_url"],
        }
    return made("issue", values)


def app(hub: Hub, number: int = ACTIONS_APP) -> Shape:
    name = "github-actions" if number == ACTIONS_APP else f"app-{number}"
    return made("integration", {"id": number, "slug": name, "name": name, "permissions": {}, "events": []})


def check(hub: Hub, repo: Repository, it: Shape) -> Shape:
    url = f"{hub.url}/repos/{repo.name}/check-runs/{it['id']}"
    output = {"title": None, "summary": None, "text": None, **it.get("output", {})}
    output["annotations_count"] = len(output.pop("annotations", ()))
    output["annotations_url"] = f"{url}/annotations"
    output.pop("images", None)
    values = {key: it[key] for key in ("id", "name", "head_sha", "status", "conclusion")}
    values |= {"url": url, "html_url": f"https://github.com/{repo.name}/runs/{it['id']}", "output": output}
    values |= {
        "app": app(hub, it["app"]),
        "external_id": it.get("external_id", ""),
        "details_url": it.get("details_url"),
    }
    values["check_suite"] = {"id": hub.person(f"suite:{it['head_sha']}:{it['app']}")[0]}
    return made(
        "check-run", {**values, "started_at": it["started_at"], "completed_at": it.get("completed_at")}
    )


def check_of_job(run: WorkflowRun, it: Job) -> Shape:
    """The check run that Actions makes of a job."""
    done = run.updated if it.status == "completed" else None
    return {
        "id": it.id, "name": it.name, "head_sha": run.head_sha, "status": it.status, "conclusion": it.conclusion,
        "app": ACTIONS_APP, "started_at": run.created, "completed_at": done,
    }  # fmt: skip


def workflow(hub: Hub, repo: Repository, number: int) -> Shape:
    name, path = repo.workflows[number]
    url = f"{hub.url}/repos/{repo.name}/actions/workflows/{number}"
    return made("workflow", {"id": number, "name": name, "path": path, "state": "active", "url": url})


def run(hub: Hub, repo: Repository, it: WorkflowRun) -> Shape:
    url = f"{hub.url}/repos/{repo.name}/actions/runs/{it.id}"
    name = it.workflow.rsplit("/", 1)[-1]
    values: Shape = {
        "id": it.id, "name": repo.workflows[repo.workflow_id(name) or 0][0], "path": it.workflow,
        "workflow_id": repo.workflow_id(name), "event": it.event, "head_sha": it.head_sha,
        "head_branch": it.head_branch, "run_number": it.number, "run_attempt": len(it.attempts), "status": it.status,
        "conclusion": it.conclusion, "url": url, "html_url": f"https://github.com/{repo.name}/actions/runs/{it.id}",
        "jobs_url": f"{url}/jobs", "rerun_url": f"{url}/rerun", "cancel_url": f"{url}/cancel",
        "artifacts_url": f"{url}/artifacts", "created_at": it.created, "updated_at": it.updated,
        "run_started_at": it.started or it.created,
        "actor": user(hub, it.actor), "triggering_actor": user(hub, it.actor), "display_title": it.workflow,
        "pull_requests": [_minimal(hub, repo, repo.pulls[n]) for n in it.pulls],
        "repository": _repository(hub, repo), "head_repository": _repository(hub, repo),
    }  # fmt: skip
    return made("workflow-run", values)


def _minimal(hub: Hub, repo: Repository, it: Pull) -> Shape:
    def side(name: str, ref: str, sha: str) -> Shape:
        owner = hub.repositories[name]
        return {
            "ref": ref,
            "sha": sha,
            "repo": {k: _repository(hub, owner)[k] for k in ("id", "url", "name")},
        }

    url = f"{hub.url}/repos/{repo.name}/pulls/{it.number}"
    base = repo.git.sha(f"refs/heads/{it.base_ref}") or ""
    sides = {
        "head": side(it.head_repo, it.head_ref, it.last_head),
        "base": side(repo.name, it.base_ref, base),
    }
    return made("pull-request-minimal", {"id": it.number, "number": it.number, "url": url, **sides})


def job(hub: Hub, repo: Repository, of: WorkflowRun, it: Job) -> Shape:
    url = f"{hub.url}/repos/{repo.name}/actions/jobs/{it.id}"
    values = {
        "id": it.id, "run_id": of.id, "name": it.name, "status": it.status, "conclusion": it.conclusion,
        "head_sha": of.head_sha, "head_branch": of.head_branch, "run_attempt": it.attempt, "labels": list(it.labels),
        "url": url, "run_url": f"{hub.url}/repos/{repo.name}/actions/runs/{of.id}", "html_url": None,
        "workflow_name": of.workflow, "check_run_url": f"{hub.url}/repos/{repo.name}/check-runs/{it.id}",
    }  # fmt: skip
    return made("job", {**values, "completed_at": of.updated if it.status == "completed" else None})


def commit(hub: Hub, repo: Repository, sha: str, *, name: str = "commit", **extra: Any) -> Shape:
    """A commit as /commits shows it."""
    data = git_commit(hub, repo, sha)
    values = {
        "sha": sha,
        "url": f"{hub.url}/repos/{repo.name}/commits/{sha}",
        "html_url": f"https://github.com/{repo.name}/commit/{sha}",
        "commit": {
            "url": data["url"], "author": data["author"], "committer": data["committer"],
            "message": data["message"], "tree": data["tree"], "comment_count": 0,
        },
        "author": None, "committer": None,
        "parents": data["parents"],
    }  # fmt: skip
    return made(name, {**values, **extra})


def git_commit(hub: Hub, repo: Repository, sha: str) -> Shape:
    tree, parents, who, mail, when, message = repo.git.git(
        "log", "-1", "--format=%T%n%P%n%an%n%ae%n%cI%n%B", sha
    ).split("\n", 5)
    base = f"{hub.url}/repos/{repo.name}"
    person = {"name": who, "email": mail, "date": when}
    return made(
        "git-commit",
        {
            "sha": sha, "url": f"{base}/git/commits/{sha}", "message": message, "author": person, "committer": person,
            "tree": {"sha": tree, "url": f"{base}/git/trees/{tree}"},
            "parents": [_parent(hub, repo, p) for p in parents.split()],
        },
    )  # fmt: skip


def _parent(hub: Hub, repo: Repository, sha: str) -> Shape:
    urls = {"url": f"{hub.url}/repos/{repo.name}/git/commits/{sha}"}
    return {"sha": sha, **urls, "html_url": f"https://github.com/{repo.name}/commit/{sha}"}


def text(content: bytes) -> str:
    """Base64 in lines of 60, as GitHub writes it."""
    encoded = base64.b64encode(content).decode()
    return "".join(f"{encoded[i : i + 60]}\n" for i in range(0, len(encoded), 60))
