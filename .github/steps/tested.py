"""Finds the run of the gate that judged what a push brought, for `ftgate promote`; prints `run=ID`, or nothing.

The run may be of the merge queue's commit, of a merged parent, or of the head of the pull request that GitHub names for
the commit. Which of its evidence counts is decided by promote, which compares it with the repository.

Environment: AFTER (the commit) and GITHUB_TOKEN, and of the runner's own GITHUB_API_URL, GITHUB_REPOSITORY,
GITHUB_WORKFLOW_REF and RUNNER_TEMP (with the bare repository of fetch.sh).
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ARTIFACT = "ftgate-verdict"
EVENTS = ("merge_group", "pull_request_target")
"""Not those that somebody started by hand: such a run belongs to the commit of a branch, not to what it judged."""
_SECONDS = 30


def main() -> int:
    """The newest run that passed; nothing when there is none, or when GitHub does not answer."""
    try:
        for head in heads(os.environ["AFTER"]):
            found = [run for run in runs(head) if has_artifact(run)]
            if found:
                print(f"run={max(found)}")
                return 0
    except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
        print(
            f"::notice::the run that tested this commit was not found: {type(error).__name__}",
            file=sys.stderr,
        )
    return 0


def heads(after: str) -> Iterator[str]:
    """Commits that a run may have tested, the likeliest first."""
    yield after
    repository = Path(os.environ["RUNNER_TEMP"]) / "repository"
    command = ["git", "-C", str(repository), "rev-list", "--parents", "-n", "1", "--end-of-options", after]
    yield from subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[2:]
    for pull in get(f"commits/{after}/pulls"):
        yield pull["head"]["sha"]


def runs(head: str) -> list[int]:
    """Ids of the gate's own runs about a commit that ended well."""
    listed = get(f"actions/runs?{urllib.parse.urlencode({'head_sha': head, 'status': 'success'})}")[
        "workflow_runs"
    ]
    path = (
        os.environ["GITHUB_WORKFLOW_REF"]
        .partition("@")[0]
        .removeprefix(f"{os.environ['GITHUB_REPOSITORY']}/")
    )
    return [int(run["id"]) for run in listed if run["path"] == path and run["event"] in EVENTS]


def has_artifact(run: int) -> bool:
    """Whether it kept what it judged, and GitHub still has it."""
    listed = get(f"actions/runs/{run}/artifacts")["artifacts"]
    return any(each["name"] == ARTIFACT and not each["expired"] for each in listed)


def get(path: str) -> Any:
    """JSON of an address below the repository's."""
    url = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}"
    headers = {
        "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
        "Accept": "application/vnd.github+json",
    }
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_SECONDS) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
