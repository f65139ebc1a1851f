"""A pull request on the bench and the gate's comment on it, for tests of outages and of runs that race."""

from ftgate.edges.github_api import Patience, Waiting
from ftgate.edges.pull_request import GitHubPullRequest
from ftgate.report.posted import Posting, verdict
from ftgate.report.stamp import MARKER, Stamp
from ftgate.stages.publish import put
from tests.github.server import GitHub
from tests.github.state import ACTIONS_BOT
from tests.report import runs

REPOSITORY, NUMBER, TOKEN = "acme/bank", 7, "t0ken"
QUICK = Patience(
    timeout=10, retries=2, backoff=0.0, longest_wait=2, settle=0.0, between_requests=0.0, between_writes=0.0
)
RUN = runs.not_applicable()


def prepare(hub: GitHub) -> None:
    """A repository with an open pull request, another's remark on it, and the workflow's token."""
    repo = hub.repository(REPOSITORY)
    repo.git.commit("main", {"README.md": "# Bank\n"})
    repo.git.branch("topic")
    repo.git.commit("topic", {"data.jsonl": "{}\n"})
    hub.pull(REPOSITORY, "topic", "wanda", number=NUMBER)
    hub.token(TOKEN, ACTIONS_BOT, may={"pull-requests": "write", "contents": "read"})
    again(hub)


def again(hub: GitHub) -> None:
    """As it was at the start."""
    hub.forget()
    repo = hub.repositories[REPOSITORY].git
    repo.git("update-ref", "refs/heads/topic", repo.git("rev-list", "--reverse", "main..topic").split()[0])
    hub.comment(REPOSITORY, NUMBER, f"{MARKER} I am the gate -->", "stranger")


def push(hub: GitHub, text: str) -> str:
    """Moves the head; returns it."""
    return hub.repositories[REPOSITORY].git.commit("topic", {"data.jsonl": text})


def head(hub: GitHub) -> str:
    """Where the pull request is."""
    return hub.repositories[REPOSITORY].git.sha("topic") or ""


def posting(sha: str, run: int = 1, attempt: int = 1) -> Posting:
    """A final text of an execution."""
    return verdict(RUN, Stamp(head=sha, run=run, attempt=attempt))


def client(hub: GitHub, patience: Patience = QUICK) -> GitHubPullRequest:
    """A client of its own, as every job has one."""
    return GitHubPullRequest(REPOSITORY, NUMBER, TOKEN, base_url=hub.url, waiting=Waiting(patience))


def publish(hub: GitHub, text: Posting, patience: Patience = QUICK) -> None:
    """The whole publication of one job."""
    put(text, client(hub, patience))


def sticky(hub: GitHub) -> list[str]:
    """The gate's comments that stand."""
    every = sorted(hub.repositories[REPOSITORY].comments.values(), key=lambda comment: comment.id)
    return [c.body for c in every if c.login == ACTIONS_BOT]
