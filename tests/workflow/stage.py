"""A repository on a GitHub of this machine, whose workflow runs here job by job."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ftgate.cli.workflows import COPY, caller
from tests.builders import base_files
from tests.github.server import GitHub

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
GATE = ROOT / ".github" / "workflows" / "gate.yml"
BANK = "acme/bank"
HOSTILE = (
    '$(touch pwned) `touch pwned` "; touch pwned; #\n::error::gone\n##[set-env name=X]1\n${{ github.token }}'
)
SECRETS = {
    "OPENAI_API_KEY": "sk-canary-of-the-judge",
    "HF_TOKEN": "hf_canary",
    "DEPLOY_KEY": "never-handed-over",
}
TOKEN = "the-workflow-token"


def node() -> str:
    """The interpreter, with the packages of package.json beside it; skips the test where they are absent."""
    found = shutil.which("node")
    if found is None or not (HERE / "node_modules" / "@actions" / "expressions").is_dir():
        pytest.skip("needs node and `make node`: GitHub's own parser and evaluator")
    return found


def needs_command(name: str, *options: str) -> None:
    """Fails where ftgate has no such command or option: the workflow calls it."""
    done = ftgate_command(name, "--help")
    missing = [option for option in options if option not in done.stdout]
    if done.returncode != 0 or missing:
        pytest.fail(f"this ftgate has no `{name} {' '.join(missing)}`")


@cache
def ftgate_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ftgate.cli.main", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@cache
def _examples() -> list[dict[str, Any]]:
    file = HERE / "node_modules" / "@octokit" / "webhooks-examples" / "api.github.com" / "index.json"
    examples: list[dict[str, Any]] = json.loads(file.read_text())
    return examples


def example(event: str, **wanted: Any) -> dict[str, Any]:
    """GitHub's own example of an event, the first one whose keys have the wanted values."""
    known = next(each for each in _examples() if each["name"] == event)["examples"]
    found: dict[str, Any] = next(each for each in known if all(each.get(k) == v for k, v in wanted.items()))
    return deepcopy(found)


def harness(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What harness.mjs says came of it."""
    done = subprocess.run(
        [node(), str(HERE / "harness.mjs")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


class Stage:
    """acme/bank with settings and data on main, and the workflow that `ftgate init --github` writes."""

    def __init__(self, hub: GitHub, work: Path) -> None:
        self.hub, self.work = hub, work
        work.mkdir()
        self.bank = hub.repository(BANK, roles={"wanda": "write", "marta": "maintain"})
        self.base = self.bank.git.commit("main", base_files(), "main")
        self.source = _commit_of_this_ftgate(hub)
        self.caller = work / "caller.yml"
        self.caller.write_text(caller(self.source))
        assert COPY in self.caller.read_text()
        for name, grants in {
            TOKEN: {"contents": "write", "pull-requests": "write", "issues": "write", "actions": "write"},
        }.items():
            hub.token(name, "github-actions[bot]", may=grants)
        self.attempt = 1
        self.earlier: dict[str, Any] = {}

    def pull(
        self, files: Mapping[str, str], *, author: str = "wanda", fork: bool = False, number: int = 7
    ) -> str:
        """Opens a pull request that writes files; returns its head."""
        if fork:
            home = self.hub.fork(BANK, author)
            home.git.commit("main", files, HOSTILE)
            self.hub.pull(BANK, f"{author}:main", author, number=number, title=HOSTILE)
        else:
            self.bank.git.branch("topic")
            self.bank.git.commit("topic", files, HOSTILE)
            self.hub.pull(BANK, "topic", author, number=number, title=HOSTILE)
        return self.head(number)

    def head(self, number: int = 7) -> str:
        self.hub.sync(self.bank)
        found = self.bank.git.sha(f"refs/pull/{number}/head")
        assert found
        return found

    def pull_event(self, action: str = "opened", number: int = 7) -> dict[str, Any]:
        event = example("pull_request", action=action)
        pull = self.bank.pulls[number]
        event["number"] = number
        event["pull_request"] |= {"number": number, "title": HOSTILE, "body": HOSTILE}
        event["pull_request"]["user"]["login"] = pull.author
        event["pull_request"]["head"] |= {
            "sha": self.head(number),
            "ref": '"; touch pwned; #',
            "label": HOSTILE,
        }
        event["pull_request"]["base"] |= {"ref": "main", "sha": self.base}
        return self._at_home(event)

    def comment_event(self, body: str, login: str, number: int = 7) -> dict[str, Any]:
        event = example("issue_comment", action="created")
        made = self.hub.comment(BANK, number, body, login)
        event["issue"] |= {
            "number": number,
            "title": HOSTILE,
            "pull_request": {"url": f"{self.hub.url}/pulls/{number}"},
        }
        event["comment"] |= {"id": made.id, "body": body}
        event["comment"]["user"]["login"] = login
        return self._at_home(event)

    def run(self, name: str, event: dict[str, Any], **asked: Any) -> dict[str, Any]:
        """All jobs of the workflow for an event; a second run of the same stage is another attempt.

        `results` are what GitHub says of jobs that do not run here; the early comment is one, unless `announce`.
        """
        if not asked.pop("announce", False):
            asked["results"] = {"announce": "success"} | asked.get("results", {})
        event_file = self.work / f"event-{name}-{self.attempt}.json"
        event_file.write_text(json.dumps(event))
        said = harness(
            {
                "caller": str(self.caller),
                "gate": str(GATE),
                "work": str(self.work),
                "github": self._github(name, event),
                "job": {"workflow_sha": "f" * 40, "workflow_repository": BANK},
                "secrets": SECRETS,
                "replace": {"Install ftgate": _installed(asked.pop("before", "")), **asked.pop("more", {})},
                "environment": self._environment(event_file),
                "earlier": self.earlier,
                **asked,
            }
        )
        assert not list(self.work.rglob("pwned")), "text of the event was executed"
        self.attempt += 1
        self.earlier = said["jobs"]
        return said

    def merge_group(self, files: Mapping[str, str]) -> dict[str, Any]:
        """A queue's event with its branch: main and files merged."""
        event = example("merge_group", action="checks_requested")
        name = "gh-readonly-queue/main/pr-7-" + self.base
        self.bank.git.branch(name, self.base)
        head = self.bank.git.commit(name, files, HOSTILE)
        event["merge_group"] |= {
            "head_ref": f"refs/heads/{name}", "head_sha": head, "base_ref": "refs/heads/main", "base_sha": self.base,
        }  # fmt: skip
        return self._at_home(event)

    def push(self, files: Mapping[str, str]) -> dict[str, Any]:
        """A push to main."""
        event = example("push")
        after = self.bank.git.commit("main", files, HOSTILE)
        event |= {
            "ref": "refs/heads/main",
            "before": self.base,
            "after": after,
            "created": False,
            "deleted": False,
        }
        return self._at_home(event)

    def _at_home(self, event: dict[str, Any]) -> dict[str, Any]:
        event["repository"] |= {"full_name": BANK, "default_branch": "main"}
        return event

    def _github(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        return {
            "event_name": name, "event": event, "server_url": f"file://{self.hub.root}", "repository": BANK,
            "ref": event.get("ref", "refs/heads/main"), "run_id": "4711", "run_number": "12",
            "run_attempt": str(self.attempt), "token": TOKEN, "workflow": "ftgate", "actor": "wanda",
        }  # fmt: skip

    def _environment(self, event_file: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.work),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "wanda",
            "GITHUB_API_URL": self.hub.url,
            "GITHUB_EVENT_PATH": str(event_file),
            "GITHUB_REPOSITORY": BANK,
            "GITHUB_RUN_ATTEMPT": str(self.attempt),
            "GITHUB_RUN_ID": "4711",
            "GITHUB_RUN_NUMBER": "12",
            "GITHUB_SERVER_URL": f"file://{self.hub.root}",
            "GITHUB_WORKFLOW_REF": f"{BANK}/.github/workflows/ftgate.yml@refs/heads/main",
        }


def _installed(before: str) -> str:
    """Stands for install.sh, which a test of its own runs: this checkout's ftgate, under the same name."""
    return (
        'test -f "$RUNNER_TEMP/source/.github/steps/install.sh"\n'
        'mkdir -p "$RUNNER_TEMP/ftgate/bin"\n'
        f"printf '#!/bin/sh\\nPYTHONPATH={ROOT} exec {sys.executable} -m ftgate.cli.main \"$@\"\\n'"
        ' > "$RUNNER_TEMP/ftgate/bin/ftgate"\n'
        'chmod +x "$RUNNER_TEMP/ftgate/bin/ftgate"\n'
        f'ln -s {sys.executable} "$RUNNER_TEMP/ftgate/bin/python"\n' + before
    )


def _commit_of_this_ftgate(hub: GitHub) -> str:
    files = {
        str(file.relative_to(ROOT)): file.read_bytes() for file in (ROOT / ".github" / "steps").iterdir()
    }
    return hub.repository("ftgate/ftgate").git.commit("main", files, "this ftgate")
