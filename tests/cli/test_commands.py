"""The command line as a person meets it: every mistake has one clear message, the right exit code, no traceback."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ftgate.cli.main import main
from tests.builders import base_files, line, lines, pairs
from tests.edges.repositories import GitRepository


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    """main with settings and data, `readme` that is not applicable, `broken` that validation blocks."""
    made = GitRepository(tmp_path / "repository")
    for path, content in base_files().items():
        made.write(path, content)
    made.commit("main")
    made.git("checkout", "-q", "-b", "readme")
    made.write("README.md", "# reworded\n")
    made.commit("readme")
    made.git("checkout", "-q", "-b", "broken", "main")
    made.write("data/train/b.jsonl", line("late again", "late") + '{"messages": [\n')
    made.commit("broken")
    made.git("checkout", "-q", "main")
    return made


class Said:
    """What a command printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Command = Callable[..., Said]


@pytest.fixture
def ftgate(capfd: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str | Path) -> Said:
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err, err
        return Said(code, out, err)

    return run


def gate(repository: GitRepository, head: str, out: Path) -> list[str | Path]:
    return [
        "run",
        "--repo",
        repository.root,
        "--base",
        "main",
        "--head",
        head,
        "--out",
        out,
        "--store",
        out / "store",
    ]


def test_help_shows_commands_examples_and_exit_codes(ftgate: Command) -> None:
    said = ftgate("--help")
    assert said.code == 0
    for word in ("run", "validate", "demo", "Examples:", "Exit codes:"):
        assert word in said.out


@pytest.mark.parametrize(
    "command",
    [
        "init",
        "validate",
        "run",
        "plan",
        "preflight",
        "train",
        "evaluate",
        "decide",
        "publish",
        "promote",
        "demo",
        "completion",
    ],
)
def test_every_command_has_help_with_an_example(ftgate: Command, command: str) -> None:
    said = ftgate(command, "--help")
    assert said.code == 0
    assert f"ftgate {command}" in said.out
    assert "Example" in said.out


def test_help_starts_at_once() -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-X", "importtime", "-m", "ftgate.cli.main", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    microseconds = int(done.stderr.strip().splitlines()[-1].split("|")[1])
    assert "torch" not in done.stderr
    assert microseconds < 1_000_000


def test_a_change_outside_the_data_passes(ftgate: Command, repository: GitRepository, tmp_path: Path) -> None:
    said = ftgate(*gate(repository, "readme", tmp_path / "out"))
    assert said.code == 0
    assert "not applicable" in said.out.lower()
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["schema"] == "ftgate.run/1"
    assert run["verdict"]["outcome"] == "not-applicable"
    assert (tmp_path / "out" / "comment.md").read_text().startswith("<!-- ftgate:comment")


def test_bad_data_fails_with_file_and_line(
    ftgate: Command, repository: GitRepository, tmp_path: Path
) -> None:
    said = ftgate(*gate(repository, "broken", tmp_path / "out"))
    assert said.code == 1
    assert "data/train/b.jsonl" in said.out
    comment = (tmp_path / "out" / "comment.md").read_text()
    assert "data/train/b.jsonl" in comment


def test_stages_one_by_one_reach_the_same_verdict(
    ftgate: Command, repository: GitRepository, tmp_path: Path
) -> None:
    out, repo = tmp_path / "out", repository.root
    assert ftgate("plan", "--repo", repo, "--base", "main", "--head", "broken", "--out", out).code == 0
    assert ftgate("validate", "--repo", repo, "--out", out).code == 1
    assert "nothing to train" in ftgate("train", "--repo", repo, "--out", out).out
    assert ftgate("decide", "--out", out).code == 1
    first = (out / "run.json").read_bytes()
    assert ftgate("decide", "--out", out).code == 1
    assert (out / "run.json").read_bytes() == first
    assert str(out / "comment.md") in ftgate("publish", "--out", out).out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "--repo", "REPO", "--base", "main", "--head", "nowhere"], 2, "no commit named 'nowhere'"),
        (["run", "--repo", "/nonexistent", "--base", "main"], 2, "no such directory"),
        (["run", "--repo", "TMP", "--base", "main"], 2, "not a git repository"),
        (["run", "--repo", "REPO", "--base", "main", "--settings", "other.yaml"], 2, "no other.yaml at"),
        (["run"], 2, "Missing option '--base'"),
        (["run", "--colour"], 2, "No such option"),
        (["rum"], 2, "No such command"),
        (["validate", "absent.jsonl"], 2, "no such file"),
        (["validate", "--repo", "TMP"], 2, "ftgate init"),
        (["decide", "--out", "TMP/none"], 2, "no run.json in TMP/none"),
        (["train", "--repo", "REPO", "--out", "TMP/none"], 2, "no run.json"),
        (["publish", "--out", "TMP/none"], 2, "no run.json"),
        (["validate", "TMP"], 2, "no .jsonl files"),
        (["spot-check", "--out", "TMP", "--votes", "TMP/votes.json"], 2, "votes.json: no such file"),
    ],
)
def test_a_mistake_is_said_plainly(
    ftgate: Command, repository: GitRepository, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    elsewhere = tmp_path / "empty"
    elsewhere.mkdir()
    filled = [a.replace("REPO", str(repository.root)).replace("TMP", str(elsewhere)) for a in arguments]
    if "--out" not in filled and filled[0] == "run":
        filled += ["--out", str(tmp_path / "out")]
    got = ftgate(*filled)
    assert (got.code, said.replace("TMP", str(elsewhere)) in got.err) == (code, True), got.err


def test_settings_with_mistakes_name_line_and_key(
    ftgate: Command, repository: GitRepository, tmp_path: Path
) -> None:
    text = (repository.root / "ftgate.yaml").read_text()
    repository.write("ftgate.yaml", text.replace("policy:", "polcy:"))
    repository.commit("typo")
    said = ftgate(*gate(repository, "main", tmp_path / "out"))
    assert said.code == 2
    assert "ftgate.yaml:10: polcy: unknown key 'polcy'; did you mean 'policy'?" in said.err


def test_a_model_that_does_not_exist_is_a_settings_error(
    ftgate: Command, repository: GitRepository, tmp_path: Path
) -> None:
    text = (repository.root / "ftgate.yaml").read_text()
    repository.write("ftgate.yaml", text.replace("base_model: fake", "base_model: ./absent"))
    repository.commit("model")
    repository.git("checkout", "-q", "-b", "more")
    repository.write("data/train/b.jsonl", lines(pairs(3, start=100)))
    repository.commit("more")
    said = ftgate(*gate(repository, "more", tmp_path / "out"))
    assert said.code == 2
    assert "no such directory: ./absent" in said.err


@pytest.mark.parametrize("content", ["{", "{}", "[]", "\x00"])
def test_an_unreadable_run_is_said_plainly(ftgate: Command, tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    said = ftgate("decide", "--out", tmp_path)
    assert said.code == 2
    assert "run.json" in said.err


def test_a_disk_that_takes_no_more_is_the_outside_s_failure(
    repository: GitRepository, tmp_path: Path
) -> None:
    command = [
        sys.executable,
        "-m",
        "ftgate.cli.main",
        *map(str, gate(repository, "readme", tmp_path / "out")),
    ]
    limited = ["bash", "-c", 'ulimit -f 0; exec "$@"', "bash", *command]
    done = subprocess.run(limited, capture_output=True, text=True)
    assert done.returncode == 4
    assert "ftgate: error:" in done.stderr and "Free the disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "run.json").exists()


def test_validate_plain_files_without_settings(ftgate: Command, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text(lines(pairs(10)))
    bad.write_text(line("late x", "late") + '{"messages": []}\n')
    assert ftgate("validate", good).code == 0
    said = ftgate("validate", "--output-format", "json", good, bad)
    assert said.code == 1
    report = json.loads(said.out)
    assert report["schema"] == "ftgate.findings/1"
    assert [file["examples"] for file in report["files"]] == [40, 1]
    assert {(f["path"], f["line"]) for f in report["findings"] if f["severity"] == "error"} == {(str(bad), 2)}


def test_validate_against_a_schema_of_ones_own(ftgate: Command, tmp_path: Path) -> None:
    data, schema = tmp_path / "a.jsonl", tmp_path / "line.schema.json"
    data.write_text(lines(pairs(10)))
    schema.write_text('{"required": ["source"]}')
    for jobs in ("1", "2"):
        said = ftgate("validate", "--schema", schema, "--jobs", jobs, data)
        assert said.code == 1
        assert "'source' is a required property" in said.out
    assert ftgate("validate", "--schema", schema).code == 2
    schema.write_text('{"$ref": "https://example.com/line.json"}')
    said = ftgate("validate", "--schema", schema, data)
    assert said.code == 2 and "not in the schema" in said.err


def test_settings_may_name_a_schema_of_examples(ftgate: Command, tmp_path: Path) -> None:
    for path, content in base_files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    settings = tmp_path / "ftgate.yaml"
    settings.write_text(settings.read_text().replace("data:\n", "data:\n  example_schema: line.json\n", 1))
    said = ftgate("validate", "--repo", tmp_path)
    assert said.code == 2 and "data.example_schema: there is no file line.json" in said.err
    (tmp_path / "line.json").write_text('{"properties": {"messages": {"maxItems": 1}}}')
    said = ftgate("validate", "--repo", tmp_path)
    assert "does not fit the schema" in (said.out + said.err).lower()


@pytest.mark.parametrize("output_format", ["text", "json", "sarif", "github", "junit"])
def test_every_output_format_names_the_finding(ftgate: Command, tmp_path: Path, output_format: str) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text(line("late x", "late") + '{"messages": []}\n')
    said = ftgate("validate", "--output-format", output_format, bad)
    assert said.code == 1
    assert "bad.jsonl" in said.out


def test_init_writes_settings_that_are_valid_and_never_overwrites(ftgate: Command, tmp_path: Path) -> None:
    from ftgate.edges.yaml_files import Documents

    assert ftgate("init", tmp_path).code == 0
    Documents().settings("ftgate.yaml", (tmp_path / "ftgate.yaml").read_bytes())
    starter = (tmp_path / "ftgate.yaml").read_text()
    for commented in ("target", "example_schema", "limits", "blank_lines", "review_share", "checks"):
        assert f"# {commented}: " in starter
    every = re.sub(r"^( *)# (?=[a-z_]+: )", r"\1", starter, flags=re.MULTILINE)
    assert Documents().settings("ftgate.yaml", every.encode()).data.blank_lines == "warning"
    Documents().prompts("p.yaml", (tmp_path / "regression" / "prompts.yaml").read_bytes())
    assert ftgate("init", tmp_path).code == 2


def test_init_writes_the_workflows_beside_settings_that_are_there(ftgate: Command, tmp_path: Path) -> None:
    (tmp_path / "ftgate.yaml").write_text("ours: 1\n")
    assert ftgate("init", tmp_path, "--github", "a" * 40).code == 0
    written = tmp_path / ".github" / "workflows"
    assert (tmp_path / "ftgate.yaml").read_text() == "ours: 1\n"
    assert "ftgate-commit: " + "a" * 40 in (written / "ftgate.yml").read_text()
    assert "workflow_call" in (written / "gate.yml").read_text()
    assert ftgate("init", tmp_path, "--github", "a" * 40).code == 2
    (written / "ftgate.yml").unlink()
    assert ftgate("init", tmp_path, "--github", "b" * 40).code == 2, "all of them or none"
    assert not (written / "ftgate.yml").exists()


def test_init_calls_the_gate_of_a_fork(ftgate: Command, tmp_path: Path) -> None:
    assert ftgate("init", tmp_path, "--github", "a" * 40, "--gate", "acme/ftgate").code == 0
    (workflow,) = (tmp_path / ".github" / "workflows").iterdir()
    assert "uses: acme/ftgate/.github/workflows/gate.yml@" + "a" * 40 in workflow.read_text()


@pytest.mark.parametrize(
    "wrong",
    [
        ["--github", "main"],
        ["--github", "a" * 39],
        ["--gate", "acme/ftgate"],
        ["--github", "a" * 40, "--gate", "x"],
    ],
)
def test_init_takes_no_ref_that_can_move(ftgate: Command, tmp_path: Path, wrong: list[str]) -> None:
    assert ftgate("init", tmp_path, *wrong).code == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(ftgate: Command, shell: str) -> None:
    assert "_FTGATE_COMPLETE" in ftgate("completion", shell).out


def test_a_bug_says_so_and_what_to_report(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from ftgate.stages import pipeline

    monkeypatch.setattr(pipeline, "plan", lambda request, ports: 1 / 0)
    monkeypatch.setattr("ftgate.cli.wiring.commits", lambda root: None)
    assert main(["run", "--base", "main"]) == 5
    err = capfd.readouterr().err
    assert "bug in ftgate" in err and "Please report" in err


def test_ctrl_c_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def pressed(root: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ftgate.cli.wiring.commits", pressed)
    assert main(["run", "--base", "main"]) == 130
    assert "goes on where it stopped" in capfd.readouterr().err


def test_fix_mends_what_is_mechanical_and_writes_a_manifest(ftgate: Command, tmp_path: Path) -> None:
    file, written = tmp_path / "a.jsonl", tmp_path / "fixes.json"
    good = "".join(lines(pairs(10)))
    file.write_bytes(b"\xef\xbb\xbf" + good.replace("\n", "\r\n").encode())
    said = ftgate("validate", "--fix", "--dry-run", file)
    assert said.code == 1 and "would fix" in said.out
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    said = ftgate("validate", "--fix", "--manifest", written, "--output-format", "json", file)
    assert said.code == 0 and "fixed" in said.err
    assert json.loads(said.out)["findings"] == []
    assert file.read_text() == good
    assert [c["what"] for c in json.loads(written.read_text())["files"][0]["changes"]] == [
        "byte-order-mark",
        "crlf",
    ]
    assert "nothing to fix" in ftgate("validate", "--fix", file).out


def test_a_manifest_never_takes_the_place_of_data_and_is_thought_of_before_the_fix(
    ftgate: Command, tmp_path: Path
) -> None:
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for file in files:
        file.write_bytes("".join(lines(pairs(10))).encode().removesuffix(b"\n"))
    before = [file.read_bytes() for file in files]
    (tmp_path / "link.json").symlink_to(files[1])
    for place, why in (
        (files[1], "overwrite"),
        (tmp_path / "link.json", "overwrite"),
        (tmp_path / "no" / "m.json", "no such directory"),
    ):
        said = ftgate("validate", "--fix", "--manifest", place, *files)
        assert said.code == 2 and why in said.err
        assert [file.read_bytes() for file in files] == before


def test_fix_leaves_alone_what_holds_no_example(ftgate: Command, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(b"no data\r\n")
    assert "left alone" in ftgate("validate", "--fix", file).out
    assert file.read_bytes() == b"no data\r\n"


@pytest.mark.parametrize(
    "arguments", [["--out", "x", "--fix"], ["--dry-run"], ["--manifest", "m.json"]], ids=lambda a: a[0]
)
def test_options_of_fix_that_make_no_sense_are_refused(ftgate: Command, arguments: list[str]) -> None:
    assert ftgate("validate", *arguments).code == 2


def test_fix_works_on_what_the_settings_name(ftgate: Command, repository: GitRepository) -> None:
    file = repository.root / "data/train/a.jsonl"
    good = file.read_bytes()
    file.write_bytes(good.removesuffix(b"\n"))
    assert "fixed data/train/a.jsonl" in ftgate("validate", "--repo", repository.root, "--fix").out
    assert file.read_bytes() == good


def test_the_excerpt_of_a_run_comes_from_its_commit(
    ftgate: Command, repository: GitRepository, tmp_path: Path
) -> None:
    out, repo = tmp_path / "out", repository.root
    ftgate("plan", "--repo", repo, "--base", "main", "--head", "broken", "--out", out)
    said = ftgate("validate", "--repo", repo, "--out", out)
    assert '│ {"messages": [' in said.out and not (repo / "data/train/b.jsonl").exists()


def test_a_pipe_is_read_once(ftgate: Command, tmp_path: Path) -> None:
    readable, writable = os.pipe()
    os.write(writable, b'{"messages": []}\n')
    os.close(writable)
    try:
        said = ftgate("validate", f"/dev/fd/{readable}")
    finally:
        os.close(readable)
    assert said.code == 1 and "1 line, 0 examples" in said.out
