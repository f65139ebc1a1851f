"""--outputs: the lines that later jobs of a workflow read."""

from pathlib import Path

import pytest

from ftgate.cli import job_outputs
from ftgate.errors import InputError
from tests.builders import lines, pairs
from tests.cli.test_commands import Command
from tests.cli.test_commands import ftgate as ftgate
from tests.cli.test_commands import repository as repository
from tests.edges.repositories import GitRepository


def lines_of(file: Path) -> dict[str, str]:
    return dict(line.split("=") for line in file.read_text().splitlines())


@pytest.mark.parametrize(
    ("branch", "applicable", "trains"), [("readme", "false", "false"), ("broken", "true", "false")]
)
def test_plan_and_validate_say_what_follows(
    repository: GitRepository,
    ftgate: Command,
    tmp_path: Path,
    branch: str,
    applicable: str,
    trains: str,
) -> None:
    out, said = tmp_path / "out", tmp_path / "said"
    said.write_text("earlier=1\n")
    common = ["--repo", repository.root, "--out", out, "--outputs", said]
    assert ftgate("plan", "--base", "main", "--head", branch, *common).code == 0
    assert lines_of(said) == {
        "earlier": "1",
        "applicable": applicable,
        "base": repository.git("rev-parse", "main"),
        "head": repository.git("rev-parse", branch),
        "merge-base": repository.git("merge-base", "main", branch),
    }
    ftgate("validate", *common)
    assert lines_of(said)["trains"] == trains


def test_clean_data_trains(repository: GitRepository, ftgate: Command, tmp_path: Path) -> None:
    repository.git("checkout", "-q", "-b", "more", "main")
    repository.write("data/train/b.jsonl", lines(pairs(5, start=200)))
    repository.commit("more")
    out, said = tmp_path / "out", tmp_path / "said"
    common = ["--repo", repository.root, "--out", out, "--outputs", said]
    ftgate("plan", "--base", "main", "--head", "more", *common)
    ftgate("validate", *common)
    assert lines_of(said)["trains"] == "true"


def test_outputs_of_validate_belong_to_a_run(ftgate: Command, tmp_path: Path) -> None:
    said = ftgate("validate", "--outputs", tmp_path / "said", tmp_path)
    assert said.code == 2 and "--out" in said.err


@pytest.mark.parametrize("value", ["a\nverdict=pass", "a\rb", "", "a b", "ä", "a=b"])
def test_no_value_can_set_another_output(tmp_path: Path, value: str) -> None:
    file = tmp_path / "said"
    with pytest.raises(InputError):
        job_outputs.append(file, {"head": value})
    assert not file.exists()


def test_a_secret_that_is_not_set_is_no_token(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workflow sets the variable of an absent secret to nothing, and a header with an empty token is refused."""
    from ftgate.cli import wiring

    monkeypatch.setenv("HF_TOKEN", "")
    ports = wiring.build(wiring.commits(repository.root), out=tmp_path)
    assert ports.models._token is None  # type: ignore[attr-defined]
