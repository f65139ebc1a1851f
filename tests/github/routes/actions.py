"""Workflows, their runs and jobs, re-runs, cancellation, artifacts."""

import hashlib
from typing import Any

from tests.github import shapes
from tests.github.contract import made
from tests.github.routing import Answer, Call, Refused, route
from tests.github.state import Artifact, Job, WorkflowRun

_ACTIONS = "/repos/{owner}/{repo}/actions"
_RUN = f"{_ACTIONS}/runs/{{run_id}}"


def _run(call: Call) -> WorkflowRun:
    found = call.repo.runs.get(call.number("run_id"))
    if found is None:
        raise Refused(404, "Not Found")
    return found


@route("GET", f"{_ACTIONS}/workflows", "actions")
def workflows(call: Call) -> Answer:
    return call.page(
        [shapes.workflow(call.hub, call.repo, number) for number in call.repo.workflows], "workflows"
    )


def _workflow(call: Call) -> int:
    found = call.repo.workflow_id(call.parameters["workflow_id"])
    if found is None:
        raise Refused(404, "Not Found")
    return found


@route("GET", f"{_ACTIONS}/workflows/{{workflow_id}}", "actions")
def workflow(call: Call) -> Answer:
    return Answer(200, shapes.workflow(call.hub, call.repo, _workflow(call)))


@route("GET", f"{_ACTIONS}/workflows/{{workflow_id}}/runs", "actions")
def runs_of_workflow(call: Call) -> Answer:
    path = call.repo.workflows[_workflow(call)][1]
    return _listed(call, [run for run in call.repo.runs.values() if run.workflow == path])


@route("GET", f"{_ACTIONS}/runs", "actions")
def runs(call: Call) -> Answer:
    return _listed(call, list(call.repo.runs.values()))


def _listed(call: Call, found: list[WorkflowRun]) -> Answer:
    """Newest first, as asked; `status` may be a conclusion too."""
    state = call.asked("status")
    found = [
        run
        for run in found
        if call.asked("head_sha", run.head_sha) == run.head_sha and call.asked("event", run.event) == run.event
        and call.asked("branch", run.head_branch) == run.head_branch and call.asked("actor", run.actor) == run.actor
        and state in ("", run.status, run.conclusion)
    ]  # fmt: skip
    found.sort(key=lambda run: run.id, reverse=True)
    return call.page([shapes.run(call.hub, call.repo, run) for run in found], "workflow_runs")


@route("GET", _RUN, "actions")
def read(call: Call) -> Answer:
    return Answer(200, shapes.run(call.hub, call.repo, _run(call)))


@route("GET", f"{_RUN}/attempts/{{attempt_number}}/jobs", "actions")
def jobs_of_attempt(call: Call) -> Answer:
    run, number = _run(call), call.number("attempt_number")
    if not 1 <= number <= len(run.attempts):
        raise Refused(404, "Not Found")
    return call.page([shapes.job(call.hub, call.repo, run, job) for job in run.attempts[number - 1]], "jobs")


@route("GET", f"{_RUN}/jobs", "actions")
def jobs(call: Call) -> Answer:
    run = _run(call)
    every = [job for attempt in run.attempts for job in attempt]
    shown = {job.id: job for job in (every if call.asked("filter") == "all" else run.jobs)}
    return call.page([shapes.job(call.hub, call.repo, run, job) for job in shown.values()], "jobs")


@route("GET", f"{_ACTIONS}/jobs/{{job_id}}", "actions")
def job(call: Call) -> Answer:
    for run in call.repo.runs.values():
        for found in run.jobs:
            if found.id == call.number("job_id"):
                return Answer(200, shapes.job(call.hub, call.repo, run, found))
    raise Refused(404, "Not Found")


@route("POST", f"{_RUN}/rerun", "actions")
def rerun(call: Call) -> Answer:
    run = _run(call)
    _again(call, run, {job.name for job in run.jobs})
    return Answer(201, {})


@route("POST", f"{_RUN}/rerun-failed-jobs", "actions")
def rerun_failed(call: Call) -> Answer:
    """Failed and cancelled jobs and whatever depends on them; the others keep their results."""
    run = _run(call)
    names = {job.name for job in run.jobs if job.conclusion in ("failure", "cancelled", "timed_out")}
    if run.status == "completed" and not names:
        raise Refused(403, "This workflow run cannot be retried: it has no failed jobs")
    while more := {job.name for job in run.jobs if names & set(job.needs)} - names:
        names |= more
    _again(call, run, names)
    return Answer(201, {})


def _again(call: Call, run: WorkflowRun, names: set[str]) -> None:
    if run.status != "completed":
        raise Refused(403, "This workflow is already running")
    attempt = len(run.attempts) + 1
    run.attempts.append(
        [
            Job(call.hub.id(), old.name, old.needs, labels=old.labels, attempt=attempt)
            if old.name in names
            else old
            for old in run.jobs
        ]
    )
    run.updated = run.started = call.hub.now()


@route("POST", f"{_RUN}/cancel", "actions")
def cancel(call: Call) -> Answer:
    run = _run(call)
    if run.status == "completed":
        raise Refused(409, "Cannot cancel a workflow run that is completed.")
    call.hub.finish(run, {job.name: "cancelled" for job in run.jobs if job.status != "completed"})
    return Answer(202, {})


@route("POST", f"{_ACTIONS}/workflows/{{workflow_id}}/dispatches", "actions")
def dispatch(call: Call) -> Answer:
    path = call.repo.workflows[_workflow(call)][1]
    sha = call.repo.git.sha(call.body["ref"])
    if sha is None:
        raise Refused(422, f"No ref found for: {call.body['ref']}")
    about: dict[str, Any] = {
        "event": "workflow_dispatch",
        "head_branch": call.body["ref"],
        "actor": call.identity.login,
    }
    call.hub.run(call.repo.name, path, sha, {"dispatched": ()}, **about)
    return Answer(204)


@route("GET", f"{_ACTIONS}/artifacts", "actions")
def artifacts(call: Call) -> Answer:
    return _artifacts(call, list(call.repo.artifacts.values()))


@route("GET", f"{_RUN}/artifacts", "actions")
def artifacts_of_run(call: Call) -> Answer:
    number = _run(call).id
    return _artifacts(call, [each for each in call.repo.artifacts.values() if each.run == number])


def _artifacts(call: Call, found: list[Artifact]) -> Answer:
    found = sorted(
        (a for a in found if call.asked("name", a.name) == a.name), key=lambda a: a.id, reverse=True
    )
    return call.page([_artifact(call, each) for each in found], "artifacts")


def _artifact(call: Call, it: Artifact) -> dict[str, Any]:
    url = f"{call.hub.url}/repos/{call.repo.name}/actions/artifacts/{it.id}"
    values = {
        "id": it.id, "name": it.name, "size_in_bytes": len(it.content), "url": url, "expired": it.expired,
        "archive_download_url": f"{url}/zip", "digest": f"sha256:{hashlib.sha256(it.content).hexdigest()}",
        "workflow_run": {"id": it.run, "head_sha": call.repo.runs[it.run].head_sha},
    }  # fmt: skip
    return made("artifact", values)


@route("GET", f"{_ACTIONS}/artifacts/{{artifact_id}}/{{archive_format}}", "actions")
def download(call: Call) -> Answer:
    """A redirect to where the bytes are, as GitHub answers."""
    found = call.repo.artifacts.get(call.number("artifact_id"))
    if found is None:
        raise Refused(404, "Not Found")
    if found.expired:
        raise Refused(410, "Artifact has expired")
    return Answer(302, None, {"Location": f"{call.hub.url}/-/artifacts/{call.repo.name}/{found.id}"})
