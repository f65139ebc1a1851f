"""decide, admit, bot and doctor as a workflow meets them: real git, a GitHub on loopback, exit codes, no traceback."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftgate.cli import wiring
from ftgate.edges.github_api import Patience, Waiting
from ftgate.report.stamp import MARKER
from ftgate.values.run import VerdictOutcome
from ftgate.wire import run_of
from tests.builders import base_files, line, lines, pairs
from tests.commands import Command, commanding
from tests.github.server import GitHub, github
from tests.github.state import ACTIONS_APP, ACTIONS_BOT, Repository

NAME = "acme/bank"
WORKFLOW = ".github/workflows/ftgate.yml"
SHA = "0123456789abcdef0123456789abcdef01234567"
HASTY = Patience(
    timeout=2, retries=1, backoff=0.01, longest_wait=1, settle=0, between_requests=0, between_writes=0
)
MAY = {"contents": "read", "pull-requests": "write", "issues": "write", "actions": "write"}
CALLER = f"""
on:
  pull_request_target: {{types: [opened, synchronize]}}
  merge_group:
  issue_comment: {{types: [created]}}
jobs:
  gate:
    uses: ftgate/ftgate/.github/workflows/gate.yml@{SHA} # v1
"""


@pytest.fixture
def ftgate(capfd: pytest.CaptureFixture[str]) -> Command:
    return commanding(capfd)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    with github() as made:
        repo = made.repository(NAME, roles={"wanda": "write", "marta": "maintain"})
        repo.git.commit("main", {**base_files(), WORKFLOW: CALLER})
        fork = made.fork(NAME, "stranger")
        fork.git.commit("main", {"data/train/b.jsonl": lines(pairs(3, start=100))})
        made.pull(NAME, "stranger:main", "stranger", number=7)
        made.token(
            "job",
            ACTIONS_BOT,
            may={"contents": "read", "pull-requests": "write", "issues": "write", "actions": "write"},
        )
        for login in ("wanda", "marta", "stranger"):
            made.token(login, login)
        monkeypatch.setenv("GITHUB_TOKEN", "job")
        monkeypatch.setenv("GITHUB_API_URL", made.url)
        monkeypatch.delenv("GITHUB_ACTOR", raising=False)
        monkeypatch.delenv("GITHUB_WORKFLOW_REF", raising=False)
        monkeypatch.setattr(wiring, "_waiting", lambda progress: Waiting(HASTY))
        yield made


def repo_of(hub: GitHub) -> Repository:
    hub.sync(hub.repositories[NAME])
    return hub.repositories[NAME]


def head(hub: GitHub) -> str:
    return repo_of(hub).pulls[7].last_head


def commits(hub: GitHub) -> list[str | Path]:
    return ["--repo", repo_of(hub).git.root, "--base", "main", "--head", head(hub)]


def on(number: int = 7) -> list[str]:
    return ["--repository", NAME, "--pull-request", str(number)]


def outcome(out: Path) -> VerdictOutcome:
    run = run_of((out / "run.json").read_bytes(), "run.json")
    assert run.verdict is not None
    return run.verdict.outcome


def test_admit_waits_then_lets_in(ftgate: Command, hub: GitHub, tmp_path: Path) -> None:
    out, outputs = tmp_path / "out", tmp_path / "outputs"
    assert ftgate("plan", *commits(hub), "--out", out).code == 0
    assert ftgate("validate", "--repo", repo_of(hub).git.root, "--out", out).code == 0
    waits = ftgate("admit", "--out", out, *on(), "--head", head(hub), "--outputs", outputs)
    assert waits.code == 3
    assert f"/ftgate run {head(hub)}" in waits.out
    hub.comment(NAME, 7, f"/ftgate run {head(hub)}", "wanda")
    given = ftgate("admit", "--out", out, *on(), "--outputs", outputs)
    assert given.code == 0
    assert "wanda" in given.out
    assert outputs.read_text() == "trains=false\ntrains=true\n"
    run = run_of((out / "run.json").read_bytes(), "run.json")
    assert run.admission is not None
    assert (run.admission.by, run.admission.head, run.admission.comment[:8]) == (
        "wanda",
        head(hub),
        "https://",
    )


def test_admit_refuses_a_head_that_was_not_planned(ftgate: Command, hub: GitHub, tmp_path: Path) -> None:
    ftgate("plan", *commits(hub), "--out", tmp_path / "out")
    said = ftgate("admit", "--out", tmp_path / "out", *on(), "--head", SHA)
    assert said.code == 2
    assert "not 0123456789ab" in said.err


def test_admit_admits_nothing_when_github_is_out(ftgate: Command, hub: GitHub, tmp_path: Path) -> None:
    ftgate("plan", *commits(hub), "--out", tmp_path / "out")
    hub.faults.always["GET"] = "502"
    said = ftgate("admit", "--out", tmp_path / "out", *on())
    assert said.code == 4
    assert "HTTP 502" in said.err


def test_admit_needs_nobody_where_nothing_is_trained(ftgate: Command, hub: GitHub, tmp_path: Path) -> None:
    hub.repositories["stranger/bank"].git.commit("main", {"data/train/c.jsonl": line("late", "late") + "{\n"})
    out = tmp_path / "out"
    ftgate("plan", *commits(hub), "--out", out)
    assert ftgate("validate", "--repo", repo_of(hub).git.root, "--out", out).code == 1
    said = ftgate("admit", "--out", out, *on())
    assert said.code == 0
    assert "nothing is to be trained" in said.out


def test_waiving_what_was_found_lets_the_data_be_trained(
    ftgate: Command, hub: GitHub, tmp_path: Path
) -> None:
    hub.repositories["stranger/bank"].git.commit("main", {"data/train/c.jsonl": line("late", "late") + "{\n"})
    out = tmp_path / "out"
    ftgate("plan", *commits(hub), "--out", out)
    ftgate("validate", "--repo", repo_of(hub).git.root, "--out", out)
    run = run_of((out / "run.json").read_bytes(), "run.json")
    for check in {finding.check for finding in run.findings if finding.severity == "error"}:
        hub.comment(
            NAME, 7, f"/ftgate waive findings.{check} {run.data_sha256} a broken line is meant", "marta"
        )
    hub.comment(NAME, 7, f"/ftgate run {head(hub)}", "marta")
    said = ftgate("admit", "--out", out, *on())
    assert (said.code, "admitted" in said.out) == (0, True)
    verdict = ftgate(
        "decide", *commits(hub), "--out", out, *on(), "--jobs", '{"train": {"result": "failure"}}'
    )
    assert verdict.code == 3
    assert "a broken line is meant" in verdict.out


def test_decide_takes_no_verdict_from_elsewhere(ftgate: Command, hub: GitHub, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ftgate("plan", *commits(hub), "--out", out)
    forged = json.loads((out / "run.json").read_text())
    forged["verdict"] = {"outcome": "pass", "decided_by": "decide", "reasons": []}
    forged["stages"] = ["plan", "validate", "train", "evaluate", "decide"]
    (out / "run.json").write_text(json.dumps(forged))
    (out / "comment.md").write_text("## Pass")
    said = ftgate("decide", *commits(hub), "--out", out, "--jobs", '{"train": {"result": "success"}}')
    assert said.code == 3
    assert outcome(out) is VerdictOutcome.INCONCLUSIVE
    assert "## 🟡 Inconclusive" in (out / "comment.md").read_text()


def test_decide_without_a_run_says_so(ftgate: Command, hub: GitHub, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = ftgate("decide", *commits(hub), "--out", out, "--jobs", '{"validate": {"result": "failure"}}')
    assert said.code == 3
    assert "no run arrived" in said.out
    assert ftgate("publish", "--out", out).code == 0
    assert "no run arrived" in (out / "comment.md").read_text()


@pytest.mark.parametrize("jobs", ["", "{}", "nonsense"])
def test_decide_that_cannot_decide_leaves_nothing_to_publish(
    ftgate: Command,
    hub: GitHub,
    tmp_path: Path,
    jobs: str,
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text('{"schema": "ftgate.run/1"}')
    where = ["--repo", repo_of(hub).git.root, "--base", "main", "--head", "no-such-branch"]
    assert ftgate("decide", *where, "--out", out, "--jobs", jobs).code == 2
    assert not (out / "run.json").exists()
    assert ftgate("publish", "--out", out).code == 2


@pytest.mark.parametrize(
    "arguments",
    [["--base", "main"], ["--repo", "."], ["--jobs", "{}"], ["--repository", "a/b"], ["--pull-request", "3"]],
)
def test_decide_wants_its_options_together(ftgate: Command, tmp_path: Path, arguments: list[str]) -> None:
    assert ftgate("decide", "--out", tmp_path, *arguments).code == 2


def event(tmp_path: Path, number: int, /, **changes: object) -> Path:
    said = {
        "action": "created",
        "issue": {"number": 7, "pull_request": {"url": "x"}},
        "comment": {"id": number, "body": "/ftgate help"},
        "repository": {"full_name": NAME},
        **changes,
    }
    file = tmp_path / "event.json"
    file.write_text(json.dumps(said))
    return file


def test_bot_answers_a_command(ftgate: Command, hub: GitHub, tmp_path: Path) -> None:
    sticky = hub.comment(NAME, 7, f"{MARKER} head=x -->\nWaits", ACTIONS_BOT)
    made = hub.run(
        NAME, WORKFLOW, head(hub), {"gate / admit": (), "gate / ftgate": ("gate / admit",)}, pulls=(7,)
    )
    hub.finish(made, {"gate / admit": "failure", "gate / ftgate": "failure"})
    comment = hub.comment(NAME, 7, f"/ftgate run {head(hub)}", "wanda")
    said = ftgate("bot", "--event", event(tmp_path, comment.id), "--repository", NAME)
    assert said.code == 0
    assert len(made.attempts) == 2
    assert "wanda, run" in sticky.body


def test_bot_finds_its_own_workflow(
    ftgate: Command,
    hub: GitHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_WORKFLOW_REF", f"{NAME}/.github/workflows/mine.yml@refs/heads/main")
    mine = hub.run(NAME, ".github/workflows/mine.yml", head(hub), {"admit": ()})
    other = hub.run(NAME, WORKFLOW, head(hub), {"admit": ()})
    for run in (mine, other):
        hub.finish(run, {"admit": "failure"})
    comment = hub.comment(NAME, 7, "/ftgate retry", "wanda")
    ftgate("bot", "--event", event(tmp_path, comment.id), "--repository", NAME)
    assert (len(mine.attempts), len(other.attempts)) == (2, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "edited"},
        {"action": "deleted"},
        {"issue": {"number": 7}},
        {"comment": {"id": 1, "body": "thanks!"}},
    ],
)
def test_bot_asks_nothing_about_what_is_no_command(
    ftgate: Command,
    hub: GitHub,
    tmp_path: Path,
    changes: dict[str, object],
) -> None:
    said = ftgate("bot", "--event", event(tmp_path, 1, **changes), "--repository", NAME)
    assert said.code == 0
    assert hub.journal == []


def test_bot_refuses_what_is_no_event(ftgate: Command, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("no JSON")
    for name in ("pipe", "text", "missing"):
        said = ftgate("bot", "--event", tmp_path / name, "--repository", NAME)
        assert said.code == 2


def test_doctor_says_what_to_click_and_when_it_is_right(ftgate: Command, hub: GitHub, tmp_path: Path) -> None:
    hub.repositories[NAME].private = True
    work = tmp_path / "work"
    for path, content in base_files().items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(content)
    bad = ftgate("doctor", "--repo", work, "--repository", NAME)
    assert bad.code == 1
    assert 'the check "gate / ftgate" is not required on main' in bad.out
    assert "settings/rules" in bad.out
    assert "branch protection of main (HTTP 403" in bad.out
    rule = {
        "type": "required_status_checks",
        "parameters": {
            "required_status_checks": [{"context": "gate / ftgate", "integration_id": ACTIONS_APP}],
            "strict_required_status_checks_policy": False,
        },
    }
    hub.ruleset(NAME, "main", [rule])
    good = ftgate("doctor", "--repo", work, "--repository", NAME, "--branch", "main")
    assert '"gate / ftgate" is required on main, from GitHub Actions' in good.out
    assert "at a fixed commit" in good.out
    assert good.code == 0, good.out


def test_doctor_reads_branch_protection_with_an_administrator_s_token(
    ftgate: Command,
    hub: GitHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.repositories[NAME].private = True
    hub.token("admin", "acme")
    monkeypatch.setenv("GITHUB_TOKEN", "admin")
    checks = {"url": "u", "contexts_url": "u", "strict": False, "contexts": ["gate / ftgate"]}
    checks |= {"checks": [{"context": "gate / ftgate", "app_id": None}]}
    hub.repositories[NAME].protection["main"] = {"required_status_checks": checks}
    said = ftgate("doctor", "--repo", tmp_path, "--repository", NAME)
    assert "from any source (branch protection)" in said.out
    assert "could not be read" not in said.out
    assert "no ftgate.yaml" in said.out


def test_doctor_needs_a_repository_that_exists(ftgate: Command, hub: GitHub, tmp_path: Path) -> None:
    assert ftgate("doctor", "--repo", tmp_path, "--repository", "acme/nothing").code == 4
    assert ftgate("doctor", "--repo", tmp_path, "--branch", "main").code == 2


def test_doctor_names_every_mistake_of_the_settings_on_its_own_line(ftgate: Command, tmp_path: Path) -> None:
    (tmp_path / "ftgate.yaml").write_text("behaviour: x\nbase_model: 3\n")
    said = ftgate("doctor", "--repo", tmp_path)
    assert said.code == 1
    found = [line.strip() for line in said.out.splitlines()]
    assert any(line.endswith("did you mean 'behavior'?") for line in found)
    assert any(line.startswith("ftgate.yaml:2: base_model:") for line in found)
