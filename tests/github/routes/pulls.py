"""Pull requests; their head is where their branch is."""

from urllib.parse import quote

from tests.github import shapes
from tests.github.contract import made
from tests.github.routing import Answer, Call, Refused, route
from tests.github.state import Pull

_PULL = "/repos/{owner}/{repo}/pulls/{pull_number}"
_MOST_FILES = 3000
STATES = {"A": "added", "D": "removed", "M": "modified", "T": "changed"}


def _pull(call: Call) -> Pull:
    found = call.repo.pulls.get(call.number("pull_number"))
    if found is None:
        raise Refused(404, "Not Found")
    return found


@route("GET", "/repos/{owner}/{repo}/pulls", "pull-requests")
def pulls(call: Call) -> Answer:
    state, head = call.asked("state", "open"), call.asked("head")
    found = [
        p
        for p in call.repo.pulls.values()
        if state in (p.state, "all") and head in ("", f"{p.head_repo.split('/')[0]}:{p.head_ref}")
        and call.asked("base", p.base_ref) == p.base_ref
    ]  # fmt: skip
    return call.page([shapes.pull(call.hub, call.repo, p, simple=True) for p in found])


@route("POST", "/repos/{owner}/{repo}/pulls", "pull-requests")
def create(call: Call) -> Answer:
    title, head, base = call.body.get("title", ""), call.body["head"], call.body["base"]
    made = call.hub.pull(call.repo.name, head, call.identity.login, base=base, title=title)
    made.body, made.draft = call.body.get("body") or "", bool(call.body.get("draft"))
    return Answer(201, shapes.pull(call.hub, call.repo, made))


@route("GET", _PULL, "pull-requests")
def read(call: Call) -> Answer:
    return Answer(200, shapes.pull(call.hub, call.repo, _pull(call)))


@route("PATCH", _PULL, "pull-requests")
def edit(call: Call) -> Answer:
    pull = _pull(call)
    for name in ("title", "body", "state"):
        setattr(pull, name, call.body.get(name, getattr(pull, name)))
    return Answer(200, shapes.pull(call.hub, call.repo, pull))


@route("GET", f"{_PULL}/files", "pull-requests")
def files(call: Call) -> Answer:
    pull = _pull(call)
    base = call.repo.git.sha(f"refs/heads/{pull.base_ref}") or ""
    changed = call.repo.git.diff(base, pull.last_head)
    return call.page([entry(call, *each, pull.last_head) for each in changed[:_MOST_FILES]])


@route("GET", f"{_PULL}/commits", "pull-requests")
def commits(call: Call) -> Answer:
    pull = _pull(call)
    shas = call.repo.git.git("rev-list", "--reverse", f"refs/heads/{pull.base_ref}..{pull.last_head}").split()
    return call.page([shapes.commit(call.hub, call.repo, sha) for sha in shas[:250]])


@route("GET", "/repos/{owner}/{repo}/commits/{commit_sha}/pulls", "pull-requests")
def of_commit(call: Call) -> Answer:
    sha = call.repo.git.sha(call.parameters["commit_sha"])
    if sha is None:
        raise Refused(409, "No commit found")
    found = [p for p in call.repo.pulls.values() if call.repo.git.is_ancestor(sha, p.last_head)]
    found = [p for p in found if not call.repo.git.is_ancestor(sha, f"refs/heads/{p.base_ref}")]
    found += [p for p in call.repo.pulls.values() if p.merged == sha]
    return call.page([shapes.pull(call.hub, call.repo, p, simple=True) for p in found])


def entry(call: Call, path: str, letter: str, added: int, removed: int, head: str) -> shapes.Shape:
    """A changed file."""
    sha = next((e.sha for e in call.repo.git.tree(head, recursive=True) if e.path == path), None)
    base, named = f"https://github.com/{call.repo.name}", quote(path)
    values = {
        "sha": sha, "filename": path, "status": STATES[letter], "additions": added, "deletions": removed,
        "changes": added + removed, "blob_url": f"{base}/blob/{head}/{named}", "raw_url": f"{base}/raw/{head}/{named}",
        "contents_url": f"{call.hub.url}/repos/{call.repo.name}/contents/{named}?ref={head}",
    }  # fmt: skip
    return made("diff-entry", values)
