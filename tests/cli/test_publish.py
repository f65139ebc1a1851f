"""publish as a job calls it, against a GitHub on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.cli.main import main
from ftgate.edges.run_files import RunDirectory
from ftgate.values.run import Run
from tests.github.publishing import NUMBER, REPOSITORY, TOKEN, head, prepare, sticky
from tests.github.server import GitHub, github
from tests.github.state import ACTIONS_BOT
from tests.report import runs

PLACE = ["--repository", REPOSITORY, "--pull-request", str(NUMBER)]
RUN = ["--run-number", "4", "--run-url", "https://github.com/acme/bank/actions/runs/4"]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    with github() as made:
        prepare(made)
        monkeypatch.setenv("GITHUB_API_URL", made.url)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        yield made


def stored(out: Path, sha: str, run: Run | None = None) -> Path:
    made = run or runs.blocked()
    RunDirectory(out).save(replace(made, plan=replace(made.plan, head=sha)))
    return out


def test_from_in_progress_to_the_verdict(
    hub: GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sha, summary, sarif = head(hub), tmp_path / "summary.md", tmp_path / "out.sarif"
    assert main(["publish", "--in-progress", "--head", sha, *PLACE, *RUN]) == 0
    (early,) = sticky(hub)
    assert "## ⏳ In progress: " in early and "state=in-progress" in early
    capsys.readouterr()
    out = stored(tmp_path / "out", sha)
    written = ["--summary", str(summary), "--sarif", str(sarif), "--annotations"]
    assert main(["publish", "--out", str(out), "--head", sha, *PLACE, *RUN, *written]) == 0
    (late,) = sticky(hub)
    assert late.startswith(f"<!-- ftgate:comment v1 head={sha} run=4 attempt=1 -->\n## ❌ Fail: ")
    assert "[run 4, attempt 1](https://github.com/acme/bank/actions/runs/4)" in late
    assert "## ❌ Fail: " in summary.read_text() and json.loads(sarif.read_text())["runs"]
    said = capsys.readouterr().out
    assert (
        "\n::error file=" in said and f"https://github.com/{REPOSITORY}/pull/{NUMBER}#issuecomment-" in said
    )
    assert (out / "comment.md").is_file()


def test_a_read_only_token_leaves_the_text_in_the_summary(
    hub: GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.token(TOKEN, ACTIONS_BOT, may={"pull-requests": "read", "contents": "read"})
    out, summary = stored(tmp_path / "out", head(hub)), tmp_path / "summary.md"
    assert main(["publish", "--out", str(out), *PLACE, *RUN, "--summary", str(summary)]) == 0
    assert "HTTP 403" in capsys.readouterr().err
    assert (sticky(hub), "## ❌ Fail: " in summary.read_text()) == ([], True)
    assert main(["publish", "--out", str(out), *PLACE, *RUN]) == 4


@pytest.mark.parametrize("kept", ["nothing", "another head", "no verdict"])
def test_a_run_that_broke_off_ends_in_words(hub: GitHub, tmp_path: Path, kept: str) -> None:
    sha, out = head(hub), tmp_path / "out"
    assert main(["publish", "--in-progress", "--head", sha, *PLACE, *RUN]) == 0
    if kept == "another head":
        stored(out, "a" * 40)
    if kept == "no verdict":
        stored(out, sha, replace(runs.blocked(), verdict=None))
    code = main(["publish", "--out", str(out), "--head", sha, *PLACE, *RUN])
    assert code == (0 if kept == "no verdict" else 2)
    (standing,) = sticky(hub)
    assert "## 🛑 No verdict: " in standing and "In progress" not in standing


def test_a_pull_request_that_moved_on_keeps_its_silence(
    hub: GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", "--out", str(stored(tmp_path, "a" * 40)), *PLACE, *RUN]) == 0
    assert "moved on to another commit" in capsys.readouterr().err
    assert sticky(hub) == []


def test_an_apps_token_names_itself(hub: GitHub, tmp_path: Path) -> None:
    hub.token(TOKEN, "ftgate[bot]", may={"pull-requests": "write"})
    out = stored(tmp_path, head(hub))
    for _ in range(2):
        assert main(["publish", "--out", str(out), *PLACE, "--author", "ftgate[bot]"]) == 0
    assert [c.login for c in hub.repositories[REPOSITORY].comments.values()] == ["stranger", "ftgate[bot]"]


def test_a_full_summary_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, summary = stored(tmp_path / "out", "a" * 40), tmp_path / "summary.md"
    summary.write_text("x" * 1_047_000)
    assert main(["publish", "--out", str(out), "--summary", str(summary)]) == 0
    assert summary.stat().st_size == 1_047_000
    assert "is full" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--repository", REPOSITORY], "go together"),
        (["--in-progress"], "--in-progress needs"),
        (["--head", "main"], "full commit SHA"),
        (["--run-number", "0"], "x>=1"),
    ],
)
def test_a_mistake_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", *arguments]) == 2
    assert said in capsys.readouterr().err
