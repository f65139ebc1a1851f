"""Branches, commits, contents and git data, answered from a real repository."""

import base64
import subprocess
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from tests.github import shapes
from tests.github.contract import made
from tests.github.git import Entry
from tests.github.routes.pulls import entry
from tests.github.routing import Answer, Call, Refused, route

_REPO = "/repos/{owner}/{repo}"
_GIT = f"{_REPO}/git"
_INLINE = 1_000_000


def _commit(call: Call, revision: str) -> str:
    sha = call.repo.git.sha(revision)
    if sha is None:
        raise Refused(404, f"No commit found for the ref {revision}")
    return sha


def _object(call: Call, sha: str, kind: str) -> str:
    try:
        found = call.repo.git.git("cat-file", "-t", sha)
    except subprocess.CalledProcessError:
        found = ""
    if found != kind and not (kind == "tree" and found == "commit"):
        raise Refused(404, "Not Found")
    return sha


@route("GET", f"{_REPO}/branches", "contents")
def branches(call: Call) -> Answer:
    found = call.repo.git.refs("refs/heads/")
    return call.page([_branch(call, ref.removeprefix("refs/heads/"), "short-branch") for ref in found])


@route("GET", f"{_REPO}/branches/{{branch}}", "contents")
def branch(call: Call) -> Answer:
    _commit(call, f"refs/heads/{call.parameters['branch']}")
    return Answer(200, _branch(call, call.parameters["branch"], "branch-with-protection"))


def _branch(call: Call, name: str, shape: str) -> dict[str, Any]:
    sha = _commit(call, f"refs/heads/{name}")
    commit = shapes.commit(call.hub, call.repo, sha)
    short = {"sha": sha, "url": commit["url"]}
    protected = name in call.repo.protection or bool(call.repo.rules(name))
    return made(
        shape, {"name": name, "commit": short if shape == "short-branch" else commit, "protected": protected}
    )


@route("GET", f"{_REPO}/commits", "contents")
def commits(call: Call) -> Answer:
    start = _commit(call, call.asked("sha", "main"))
    path = call.asked("path")
    shas = call.repo.git.git("rev-list", "--max-count=1000", start, "--", *([path] if path else [])).split()
    return call.page([shapes.commit(call.hub, call.repo, sha) for sha in shas])


@route("GET", f"{_REPO}/commits/{{ref}}", "contents")
def commit(call: Call) -> Answer:
    return Answer(200, shapes.commit(call.hub, call.repo, _commit(call, call.parameters["ref"])))


@route("GET", f"{_REPO}/compare/{{basehead}}", "contents")
def compare(call: Call) -> Answer:
    base, _, head = call.parameters["basehead"].partition("...")
    old, new = _commit(call, base), _commit(call, head)
    git = call.repo.git
    middle = git.git("merge-base", old, new)
    ahead = git.git("rev-list", "--reverse", f"{old}..{new}").split()
    behind = len(git.git("rev-list", f"{new}..{old}").split())
    state = "identical" if old == new else "diverged" if ahead and behind else "ahead" if ahead else "behind"
    url = f"{call.hub.url}{call.path}"
    values = {
        "url": url, "status": state, "ahead_by": len(ahead), "behind_by": behind, "total_commits": len(ahead),
        "base_commit": shapes.commit(call.hub, call.repo, old),
        "merge_base_commit": shapes.commit(call.hub, call.repo, middle),
        "commits": [shapes.commit(call.hub, call.repo, sha) for sha in ahead[:250]],
        "files": [entry(call, *each, new) for each in git.diff(old, new)[:300]],
    }  # fmt: skip
    return Answer(200, made("commit-comparison", values))


@route("GET", f"{_REPO}/contents/{{path}}", "contents")
def contents(call: Call) -> Answer:
    sha = _commit(call, call.asked("ref", "main"))
    path = call.parameters["path"].strip("/")
    every = call.repo.git.tree(sha, recursive=True)
    found = next((each for each in every if each.path == path), None)
    if found is not None and found.kind == "blob":
        return Answer(200, _file(call, found, sha))
    below = [each for each in every if str(PurePosixPath(each.path).parent) in (path, path or ".")]
    if not below:
        raise Refused(404, "Not Found")
    return Answer(200, [_listed(call, each, sha) for each in below])


def _listed(call: Call, it: Entry, sha: str) -> dict[str, Any]:
    url = f"{call.hub.url}/repos/{call.repo.name}/contents/{quote(it.path)}?ref={sha}"
    git = f"{call.hub.url}/repos/{call.repo.name}/git/{it.kind}s/{it.sha}"
    page, named = f"https://github.com/{call.repo.name}", f"{sha}/{quote(it.path)}"
    kind = {"tree": "dir", "commit": "submodule"}.get(it.kind, "file")
    return {
        "type": kind, "name": PurePosixPath(it.path).name, "path": it.path, "sha": it.sha, "size": it.size or 0,
        "url": url, "git_url": git, "html_url": f"{page}/blob/{named}", "download_url": f"{page}/raw/{named}",
        "_links": {"self": url, "git": git, "html": f"{page}/blob/{named}"},
    }  # fmt: skip


def _file(call: Call, it: Entry, sha: str) -> dict[str, Any]:
    """Beyond a megabyte GitHub gives no content here."""
    content = call.repo.git.raw("cat-file", "blob", it.sha)
    inline = len(content) <= _INLINE
    shown = {"encoding": "base64" if inline else "none", "content": shapes.text(content) if inline else ""}
    return {**_listed(call, it, sha), **shown}


@route("PUT", f"{_REPO}/contents/{{path}}", "contents")
def put(call: Call) -> Answer:
    name, path = call.body.get("branch", "main"), call.parameters["path"]
    before = call.repo.git.sha(f"refs/heads/{name}")
    known = {e.path: e.sha for e in call.repo.git.tree(before, recursive=True)} if before else {}
    if known.get(path) != call.body.get("sha"):
        raise Refused(409, f"{path} does not match {call.body.get('sha')}")
    sha = call.repo.git.commit(name, {path: base64.b64decode(call.body["content"])}, call.body["message"])
    it = next(e for e in call.repo.git.tree(sha, recursive=True) if e.path == path)
    listed, commit = _listed(call, it, sha), shapes.git_commit(call.hub, call.repo, sha)
    return Answer(200 if path in known else 201, {"content": listed, "commit": commit})


@route("GET", f"{_GIT}/ref/{{ref}}", "contents")
def ref(call: Call) -> Answer:
    name = f"refs/{call.parameters['ref']}"
    found = call.repo.git.refs(name).get(name)
    if found is None:
        raise Refused(404, "Not Found")
    return Answer(200, _ref(call, name, found))


@route("GET", f"{_GIT}/matching-refs/{{ref}}", "contents")
def matching(call: Call) -> Answer:
    found = call.repo.git.refs(f"refs/{call.parameters['ref']}")
    return Answer(200, [_ref(call, name, sha) for name, sha in found.items()])


def _ref(call: Call, name: str, sha: str) -> dict[str, Any]:
    base = f"{call.hub.url}/repos/{call.repo.name}/git"
    return made(
        "git-ref",
        {
            "ref": name,
            "url": f"{base}/{name}",
            "object": {"type": "commit", "sha": sha, "url": f"{base}/commits/{sha}"},
        },
    )


@route("POST", f"{_GIT}/refs", "contents")
def create_ref(call: Call) -> Answer:
    name, sha = call.body["ref"], call.body["sha"]
    if call.repo.git.refs(name).get(name):
        raise Refused(422, "Reference already exists")
    if call.repo.git.sha(sha) != sha:
        raise Refused(422, "Object does not exist")
    call.repo.git.git("update-ref", name, sha)
    return Answer(201, _ref(call, name, sha))


@route("PATCH", f"{_GIT}/refs/{{ref}}", "contents")
def move_ref(call: Call) -> Answer:
    name, sha = f"refs/{call.parameters['ref']}", call.body["sha"]
    old = call.repo.git.refs(name).get(name)
    if old is None or call.repo.git.sha(sha) != sha:
        raise Refused(422, "Reference does not exist" if old is None else "Object does not exist")
    if not call.body.get("force") and not call.repo.git.is_ancestor(old, sha):
        raise Refused(422, "Update is not a fast forward")
    call.repo.git.git("update-ref", name, sha, old)
    return Answer(200, _ref(call, name, sha))


@route("DELETE", f"{_GIT}/refs/{{ref}}", "contents")
def delete_ref(call: Call) -> Answer:
    name = f"refs/{call.parameters['ref']}"
    if name not in call.repo.git.refs(name):
        raise Refused(422, "Reference does not exist")
    call.repo.git.git("update-ref", "-d", name)
    return Answer(204)


@route("GET", f"{_GIT}/commits/{{commit_sha}}", "contents")
def git_commit(call: Call) -> Answer:
    return Answer(
        200, shapes.git_commit(call.hub, call.repo, _object(call, call.parameters["commit_sha"], "commit"))
    )


@route("POST", f"{_GIT}/commits", "contents")
def create_commit(call: Call) -> Answer:
    tree = _object(call, call.body["tree"], "tree")
    sha = call.repo.git.write_commit(tree, call.body.get("parents", []), call.body["message"])
    return Answer(201, shapes.git_commit(call.hub, call.repo, sha))


@route("GET", f"{_GIT}/trees/{{tree_sha}}", "contents")
def tree(call: Call) -> Answer:
    named = call.parameters["tree_sha"]
    found = call.repo.git.tree(_object(call, named, "tree"), recursive=bool(call.asked("recursive")))
    return Answer(200, _tree(call, call.repo.git.git("rev-parse", f"{named}^{{tree}}"), found))


def _tree(call: Call, sha: str, found: list[Entry]) -> dict[str, Any]:
    base = f"{call.hub.url}/repos/{call.repo.name}/git"
    shown = [
        {"path": e.path, "mode": e.mode, "type": e.kind, "sha": e.sha, "url": f"{base}/{e.kind}s/{e.sha}"}
        | ({} if e.size is None else {"size": e.size})
        for e in found
    ]
    return made("git-tree", {"sha": sha, "url": f"{base}/trees/{sha}", "truncated": False, "tree": shown})


@route("POST", f"{_GIT}/trees", "contents")
def create_tree(call: Call) -> Answer:
    changes: dict[str, tuple[str, str] | None] = {}
    for it in call.body["tree"]:
        sha = call.repo.git.blob(it["content"].encode()) if "content" in it else it["sha"]
        changes[it["path"]] = None if sha is None else (it["mode"], sha)
    sha = call.repo.git.write_tree(call.body.get("base_tree"), changes)
    return Answer(201, _tree(call, sha, call.repo.git.tree(sha)))


@route("GET", f"{_GIT}/blobs/{{file_sha}}", "contents")
def blob(call: Call) -> Answer:
    sha = _object(call, call.parameters["file_sha"], "blob")
    content = call.repo.git.raw("cat-file", "blob", sha)
    url = f"{call.hub.url}/repos/{call.repo.name}/git/blobs/{sha}"
    values = {
        "sha": sha,
        "url": url,
        "size": len(content),
        "encoding": "base64",
        "content": shapes.text(content),
    }
    return Answer(200, made("blob", values))


@route("POST", f"{_GIT}/blobs", "contents")
def create_blob(call: Call) -> Answer:
    content: str = call.body["content"]
    raw = base64.b64decode(content) if call.body.get("encoding") == "base64" else content.encode()
    sha = call.repo.git.blob(raw)
    return Answer(
        201, made("short-blob", {"sha": sha, "url": f"{call.hub.url}/repos/{call.repo.name}/git/blobs/{sha}"})
    )
