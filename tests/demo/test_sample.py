"""The sample repository: the same everywhere, clean but for what its stories say, never in the way of anything."""

import json
import subprocess
from pathlib import Path

import pytest

from ftgate.cli.main import main
from ftgate.demo.messages import PHRASES
from ftgate.demo.sample import STORIES, Sizes, make_sample
from ftgate.errors import InputError


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_same_sample_has_the_same_commits(tmp_path: Path) -> None:
    first, second = make_sample(tmp_path / "a"), make_sample(tmp_path / "b")
    branches = ["main", *(story.branch for story in STORIES)]
    assert git(first, "rev-parse", *branches) == git(second, "rev-parse", *branches)


def test_making_it_again_replaces_it(tmp_path: Path) -> None:
    make_sample(tmp_path / "a")
    (tmp_path / "a" / "stray").touch()
    make_sample(tmp_path / "a")
    assert not (tmp_path / "a" / "stray").exists()


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="not empty"):
        make_sample(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_no_message_stands_in_two_sets(tmp_path: Path) -> None:
    root = make_sample(tmp_path / "a", Sizes(train=30))
    texts = [
        json.loads(line)["messages"][1]["content"].casefold()
        for path in ("data/train/messages.jsonl", "data/held_out.jsonl")
        for line in (root / path).read_text().splitlines()
    ]
    assert len(texts) == len(set(texts)) == (30 + 8) * len(PHRASES)


@pytest.mark.parametrize("branch", ["main", *(story.branch for story in STORIES)])
def test_every_branch_is_valid_data(tmp_path: Path, branch: str, capfd: pytest.CaptureFixture[str]) -> None:
    root = make_sample(tmp_path / "a")
    git(root, "checkout", "-q", branch)
    assert main(["validate", "--repo", str(root)]) == 0, capfd.readouterr().out


def test_the_regression_prompts_of_this_repository_are_the_sample_s(tmp_path: Path) -> None:
    root = make_sample(tmp_path / "a")
    written_out = Path(__file__).parents[2] / "regression" / "topics.yaml"
    assert written_out.read_text() == (root / "regression" / "topics.yaml").read_text()
