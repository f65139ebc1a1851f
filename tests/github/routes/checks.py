"""Commit statuses and check runs; every job of a workflow run is a check run of GitHub Actions."""

from collections.abc import Iterator
from typing import Any

from tests.github import shapes
from tests.github.contract import made
from tests.github.routing import Answer, Call, Refused, route
from tests.github.state import ACTIONS_APP

LONGEST_DESCRIPTION = 140
MOST_ANNOTATIONS = 50
_CHECK = "/repos/{owner}/{repo}/check-runs/{check_run_id}"


def _sha(call: Call, name: str = "ref") -> str:
    sha = call.repo.git.sha(call.parameters[name])
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {call.parameters[name]}")
    return sha


@route("POST", "/repos/{owner}/{repo}/statuses/{sha}", "statuses")
def set_status(call: Call) -> Answer:
    if len(call.body.get("description") or "") > LONGEST_DESCRIPTION:
        raise Refused(
            422, f"Validation Failed: description is too long (maximum is {LONGEST_DESCRIPTION} characters)"
        )
    sha, moment = _sha(call, "sha"), call.hub.now()
    kept = {
        "id": call.hub.id(),
        "sha": sha,
        "login": call.identity.login,
        "at": moment,
        "context": "default",
        **call.body,
    }
    call.repo.statuses.append(kept)
    return Answer(201, _status(call, kept))


def _status(call: Call, it: dict[str, Any], name: str = "status") -> dict[str, Any]:
    values = {key: it[key] for key in ("id", "state", "context")} | {
        "url": f"{call.hub.url}/repos/{call.repo.name}/statuses/{it['sha']}",
        "description": it.get("description"), "target_url": it.get("target_url"),
        "created_at": it["at"], "updated_at": it["at"],
    }  # fmt: skip
    creator = {"creator": shapes.user(call.hub, it["login"])} if name == "status" else {}
    return made(name, values | creator)


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/statuses", "statuses")
def statuses(call: Call) -> Answer:
    sha = _sha(call)
    return call.page([_status(call, each) for each in reversed(call.repo.statuses) if each["sha"] == sha])


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/status", "statuses")
def combined(call: Call) -> Answer:
    sha = _sha(call)
    latest = {each["context"]: each for each in call.repo.statuses if each["sha"] == sha}
    states = {each["state"] for each in latest.values()}
    state = "failure" if states & {"error", "failure"} else "success" if states == {"success"} else "pending"
    shown = [_status(call, each, "simple-commit-status") for each in latest.values()]
    repo = shapes.repository(call.hub, call.repo, call.identity.login)
    minimal = {
        key: repo[key] for key in ("id", "name", "full_name", "owner", "private", "fork", "url", "html_url")
    }
    values = {"sha": sha, "state": state, "total_count": len(shown), "statuses": shown, "repository": minimal}
    return Answer(200, made("combined-commit-status", values))


@route("POST", "/repos/{owner}/{repo}/check-runs", "checks")
def create(call: Call) -> Answer:
    if call.identity.kind == "User":
        raise Refused(403, "You must authenticate via a GitHub App.")
    number = call.hub.id()
    kept: dict[str, Any] = {
        "id": number,
        "status": "queued",
        "conclusion": None,
        "app": ACTIONS_APP,
        "started_at": call.hub.now(),
    }
    kept["annotations"] = []
    call.repo.checks[number] = kept
    return Answer(201, _changed(call, kept))


@route("PATCH", _CHECK, "checks")
def edit(call: Call) -> Answer:
    return Answer(200, _changed(call, _own(call)))


@route("GET", _CHECK, "checks")
def read(call: Call) -> Answer:
    found = next((each for each in _all(call) if each["id"] == call.number("check_run_id")), None)
    if found is None:
        raise Refused(404, "Not Found")
    return Answer(200, shapes.check(call.hub, call.repo, found))


@route("GET", f"{_CHECK}/annotations", "checks")
def annotations(call: Call) -> Answer:
    return call.page([made("check-annotation", each) for each in _own(call)["annotations"]])


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", "checks")
def of_commit(call: Call) -> Answer:
    sha, name, app = _sha(call), call.asked("check_name"), call.asked("app_id")
    found = [
        each
        for each in _all(call)
        if each["head_sha"] == sha and name in ("", each["name"]) and app in ("", str(each["app"]))
        and call.asked("status", each["status"]) == each["status"]
    ]  # fmt: skip
    return call.page([shapes.check(call.hub, call.repo, each) for each in found], "check_runs")


def _all(call: Call) -> Iterator[dict[str, Any]]:
    yield from call.repo.checks.values()
    for run in call.repo.runs.values():
        for job in run.jobs:
            yield shapes.check_of_job(run, job)


def _own(call: Call) -> dict[str, Any]:
    found = call.repo.checks.get(call.number("check_run_id"))
    if found is None:
        raise Refused(404, "Not Found")
    return found


def _changed(call: Call, kept: dict[str, Any]) -> dict[str, Any]:
    """Annotations of every call are added; a conclusion completes."""
    new = call.body.get("output", {}).get("annotations", [])
    if len(new) > MOST_ANNOTATIONS:
        raise Refused(422, f"Invalid request. No more than {MOST_ANNOTATIONS} items are allowed")
    kept |= call.body
    kept["annotations"] = [*kept["annotations"], *new]
    if "output" in kept:
        kept["output"] = {**kept["output"], "annotations": kept["annotations"]}
    if kept.get("conclusion"):
        kept["status"], kept["completed_at"] = "completed", call.hub.now()
    return shapes.check(call.hub, call.repo, kept)
