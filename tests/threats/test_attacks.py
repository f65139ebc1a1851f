"""What an attacker would really send: code in the tree, odd names, echoed keys, forged runs. Nothing of it acts."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftgate.cli import wiring
from ftgate.cli.main import main
from ftgate.edges.github_api import Patience, Waiting
from ftgate.wire import run_json, run_of
from tests.builders import SETTINGS, base_files, lines, pairs
from tests.commands import Command, commanding
from tests.decide.builders import run
from tests.edges.repositories import GitRepository
from tests.edges.servers import Handler, serving

FTGATE = Path(sys.executable).with_name("ftgate")
HASTY = Patience(
    timeout=2, retries=1, backoff=0.01, longest_wait=1, settle=0, between_requests=0, between_writes=0
)
COMMAND = re.compile(r"^\s*::[a-z-]+|##\[", re.MULTILINE | re.IGNORECASE)
"""What GitHub's runner takes for a workflow command."""


@pytest.fixture
def ftgate(capfd: pytest.CaptureFixture[str]) -> Command:
    return commanding(capfd)


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    """main with settings and data; the attacker's branch is `evil`, checked out."""
    made = GitRepository(tmp_path / "repository")
    for path, content in base_files().items():
        made.write(path, content)
    made.commit("main")
    made.git("checkout", "-q", "-b", "evil")
    made.write("data/train/b.jsonl", lines(pairs(3, start=100)))
    return made


def gate(repository: GitRepository, out: Path) -> list[list[str]]:
    """What the jobs of the workflow run, but for the training."""
    where = ["--repo", str(repository.root)]
    commits = [*where, "--base", "main", "--head", "evil"]
    return [
        ["plan", *commits, "--out", str(out)],
        ["validate", *where, "--out", str(out)],
        ["decide", *commits, "--out", str(out), "--jobs", '{"train": {"result": "failure"}}'],
        ["publish", "--out", str(out)],
    ]


def test_code_in_the_pull_request_never_runs(repository: GitRepository, tmp_path: Path) -> None:
    """Even with the pull request checked out and the working directory in it, which the workflow never does."""
    marker = tmp_path / "was-here"
    payload = f"open({str(marker)!r}, 'w').write('pwned')\n"
    modules = (
        "sitecustomize",
        "usercustomize",
        "conftest",
        "jsonschema",
        "msgspec",
        "click",
        "github",
        "json",
    )
    for name in modules:
        repository.write(f"{name}.py", payload)
    repository.write("ftgate/__init__.py", payload)
    repository.write("ftgate/cli/main.py", payload)
    repository.write("setup.py", payload)
    repository.write("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '-p evil'\n")
    repository.write(".gitattributes", "* filter=evil diff=evil merge=evil\n")
    repository.write(".githooks/post-checkout", f"#!/bin/sh\ntouch {marker}\n")
    repository.commit("evil")
    # The strongest form: the filters that the attributes name exist in the repository's configuration.
    repository.git("config", "filter.evil.smudge", f"touch {marker}; cat")
    repository.git("config", "filter.evil.process", f"touch {marker}")
    repository.git("config", "diff.evil.textconv", f"touch {marker}; cat")
    repository.git("config", "core.fsmonitor", f"touch {marker}")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_COLOR": "1"}
    asked = [*gate(repository, tmp_path / "out"), ["validate"], ["doctor"], ["split", "--help"]]
    for arguments in asked:
        done = subprocess.run(
            [FTGATE, *arguments],
            cwd=repository.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1, 3), done.stderr
        assert not marker.exists(), arguments


NAMES = {
    "newline": "data/train/a\n::error::x.jsonl",
    "command": "data/train/::error file=x,line=1::pwned.jsonl",
    "legacy command": "data/train/x##[error]pwned.jsonl",
    "escape": "data/train/\x1b]0;pwned\x07.jsonl",
    "bidi": "data/train/\u202elnosj.x.jsonl",
    "markup": "data/train/<img src=x onerror=alert(1)>@everyone.jsonl",
    "marker": "data/train/<!-- ftgate:comment v1 -->.jsonl",
    "mask": "data/train/::add-mask::a.jsonl",
    "output": "data/train/x\nverdict=pass.jsonl",
}


@pytest.mark.parametrize("name", NAMES)
def test_hostile_file_names_do_not_act(
    ftgate: Command, repository: GitRepository, tmp_path: Path, name: str
) -> None:
    repository.write(NAMES[name], '{"messages": [\n')
    repository.commit("evil")
    printed = ""
    for arguments in gate(repository, tmp_path / "out"):
        said = ftgate(*arguments)
        printed += said.out + said.err
    assert said.code == 0
    assert not COMMAND.search(printed)
    assert "\x1b" not in printed and "\u202e" not in printed and "\x07" not in printed
    comment = (tmp_path / "out" / "comment.md").read_text()
    assert comment.count("<!-- ftgate") == 1
    assert not re.search(
        r"<(?!/?(?:details|summary|br)\b|!--)", re.sub(r"(`+).*?\1", "", comment, flags=re.DOTALL)
    )
    for format in ("github", "json", "sarif"):
        for line in ftgate("validate", "--repo", repository.root, "--output-format", format).out.splitlines():
            assert "##[" not in line
            if "::" in line and line.lstrip().startswith("::"):
                assert re.match(r"::(error|warning|notice) ", line), line


@pytest.mark.parametrize(("mode", "kind"), [("120000", "symbolic link"), ("160000", "submodule")])
def test_links_and_submodules_are_never_followed(
    ftgate: Command, repository: GitRepository, tmp_path: Path, mode: str, kind: str
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text('{"messages": "canary-of-the-runner"}\n')
    (tmp_path / "target").write_text(str(secret))
    oid = repository.git("hash-object", "-w", str(tmp_path / "target"))
    if mode == "160000":
        oid = repository.git("rev-parse", "HEAD")
    repository.git("add", "-A")
    repository.git("update-index", "--add", "--cacheinfo", f"{mode},{oid},data/train/evil.jsonl")
    repository.git("commit", "-q", "-m", "evil")
    printed = "".join(
        said.out + said.err for said in (ftgate(*a) for a in gate(repository, tmp_path / "out"))
    )
    stored = run_of((tmp_path / "out" / "run.json").read_bytes(), "run.json")
    assert stored.verdict is not None
    assert (stored.verdict.outcome.value, stored.verdict.reasons[0].id) == ("fail", "findings.source")
    assert kind in printed
    assert "canary-of-the-runner" not in printed + (tmp_path / "out" / "run.json").read_text()


def test_a_pull_request_cannot_bend_the_rules_it_is_judged_by(
    ftgate: Command, repository: GitRepository, tmp_path: Path
) -> None:
    """Thresholds up, prompts gone, checks off: the verdict is the base branch's, and all of it is named."""
    bent = SETTINGS.replace("{max_broken: 2, margin: 0.2}", "{max_broken: 1000, margin: 1.0}")
    repository.write("ftgate.yaml", f"{bent}checks: {{secrets: 'off', json: 'off', encoding: 'off'}}\n")
    (repository.root / "regression/topics.yaml").unlink()
    repository.write("data/train/b.jsonl", '{"messages": [\n')
    repository.commit("evil")
    for arguments in gate(repository, tmp_path / "out"):
        ftgate(*arguments)
    stored = run_of((tmp_path / "out" / "run.json").read_bytes(), "run.json")
    assert stored.verdict is not None
    assert stored.verdict.outcome.value == "fail"
    assert stored.plan.policy.max_broken == 2
    assert {file.path for file in stored.plan.protected} == {"ftgate.yaml", "regression/topics.yaml"}
    assert "takes effect after merge" in (tmp_path / "out" / "comment.md").read_text()


class _Listener(Handler):
    heard: list[str]

    def do_GET(self) -> None:
        self.heard.append(self.path)
        self.reply(200, {})

    do_POST = do_PUT = do_HEAD = do_GET


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    class Bound(_Listener):
        pass

    Bound.heard = []
    with serving(Bound) as url:
        yield url, Bound.heard


def test_settings_of_a_pull_request_send_no_key_anywhere(
    ftgate: Command,
    repository: GitRepository,
    tmp_path: Path,
    listener: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, heard = listener
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, "canary-key")
    settings = SETTINGS.replace("base_model: fake", f"base_model: {url}/model")
    repository.write("ftgate.yaml", f"{settings}judge: {{model: x, base_url: '{url}/v1'}}\n")
    repository.write(".lfsconfig", f"[lfs]\n\turl = {url}/lfs\n")
    repository.write("schemas/x.json", f'{{"$ref": "{url}/schema"}}')
    repository.commit("evil")
    for arguments in gate(repository, tmp_path / "out"):
        assert ftgate(*arguments).code in (0, 1, 3)
    assert heard == []
    # Nor can they after the merge: an endpoint is no setting.
    merged = ftgate("validate", "--repo", repository.root)
    assert merged.code == 2
    assert "base_url" in merged.err
    assert heard == []


CANARY = "ghp_canary0123456789abcdefghijklmnopqrst"


class _Echo(Handler):
    status = 401

    def do_GET(self) -> None:
        self.body()
        if self.status == 0:
            self.reset()
            return
        said = f"denied: {self.headers.get('Authorization')} {CANARY}"
        self.reply(self.status, {"message": said}, {"Retry-After": "0", "X-Echo": said})

    do_POST = do_PATCH = do_DELETE = do_GET


@pytest.mark.parametrize("status", [401, 403, 404, 422, 429, 500, 502, 0, 200])
@pytest.mark.parametrize("token", [CANARY, f"{CANARY}\n"], ids=["key", "key with a newline"])
def test_no_key_is_shown_on_any_error_path(
    repository: GitRepository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    status: int,
    token: str,
) -> None:
    """A server that sends the key back in every answer, and a key that breaks the header: nothing prints either."""

    class Bound(_Echo):
        pass

    Bound.status = status
    event = {
        "action": "created",
        "issue": {"number": 7, "pull_request": {}},
        "comment": {"id": 1, "body": "/ftgate help"},
    }
    (tmp_path / "event.json").write_text(json.dumps(event))
    repository.commit("evil")
    for name in ("GITHUB_TOKEN", "OPENAI_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, token)
    monkeypatch.setattr(wiring, "_waiting", lambda progress: Waiting(HASTY))
    out = tmp_path / "out"
    on = ["--repository", "acme/bank", "--pull-request", "7"]
    commands = gate(repository, out)
    main([str(a) for a in commands[0]])
    with serving(Bound) as url:
        monkeypatch.setenv("GITHUB_API_URL", url)
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        codes = [
            main(["admit", "--out", str(out), *on]),
            main(["bot", "--event", str(tmp_path / "event.json"), "--repository", "acme/bank"]),
            main(["doctor", "--repo", str(repository.root), "--repository", "acme/bank"]),
            main([*commands[2], *on]),
            main(["publish", "--out", str(out), *on]),
        ]
    printed = "".join(capfd.readouterr())
    written = "".join(file.read_text() for file in out.rglob("*") if file.is_file())
    assert 5 not in codes, printed
    assert "Traceback" not in printed
    assert CANARY not in printed + written
    assert CANARY[8:30] not in printed + written


FORGED = {
    "pass without evidence": lambda plain: {
        **plain,
        "verdict": {"outcome": "pass", "decided_by": "x", "reasons": []},
    },
    "another head": lambda plain: {**plain, "plan": {**plain["plan"], "head": "1" * 40}},
    "looser policy": lambda plain: {
        **plain,
        "plan": {**plain["plan"], "policy": {"max_broken": 10**6, "margin": 1.0}},
    },
    "not applicable": lambda plain: {**plain, "plan": {**plain["plan"], "applicable": False}},
    "extra key": lambda plain: {**plain, "approved": True},
    "no findings": lambda plain: {**plain, "findings": []},
    "waived by itself": lambda plain: {
        **plain,
        "waivers": [
            {"reason": "training.missing", "data": "", "why": "x", "by": "me", "permission": "admin"}
        ],
    },
    "admitted by itself": lambda plain: {**plain, "admission": {"admitted": True, "head": "x", "why": "me"}},
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_run_json_never_passes(
    ftgate: Command, repository: GitRepository, tmp_path: Path, what: str
) -> None:
    repository.commit("evil")
    out = tmp_path / "out"
    plan, _, decide, publish = gate(repository, out)
    ftgate(*plan)
    plain = json.loads((out / "run.json").read_text())
    (out / "run.json").write_text(json.dumps(FORGED[what](plain)))
    (out / "comment.md").write_text("## Pass\n")
    said = ftgate(*decide[:-1], '{"admit": {"result": "success"}, "train": {"result": "success"}}')
    assert said.code == 3
    stored = run_of((out / "run.json").read_bytes(), "run.json")
    assert stored.waivers == ()
    assert stored.admission is None
    assert ftgate(*publish).code == 0
    assert "Inconclusive" in (out / "comment.md").read_text()


def test_a_run_of_another_repository_is_foreign(
    ftgate: Command, repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit("evil")
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_bytes(run_json(run(["PP"] * 30, ["PP"] * 100)))
    said = ftgate(*gate(repository, out)[2][:-1], '{"train": {"result": "success"}}')
    assert said.code == 3
    assert "not about this pull request" in said.out
