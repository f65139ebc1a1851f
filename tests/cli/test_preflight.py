"""`ftgate preflight` with the real tokenizer of the bundled model: what is shown, exit codes, and what follows."""

import json
from pathlib import Path

import pytest

from tests.builders import SETTINGS, base_files, lines, pairs
from tests.commands import Command, commanding
from tests.edges.repositories import GitRepository

TINY = SETTINGS.replace("base_model: fake", "base_model: bundled:tiny")


@pytest.fixture
def ftgate(capfd: pytest.CaptureFixture[str]) -> Command:
    return commanding(capfd)


def begun(ftgate: Command, root: Path, settings: str = "") -> tuple[Path, Path]:
    """A planned and validated run; where the repository and the run are."""
    made = GitRepository(root / "repository")
    for path, content in {**base_files(), "ftgate.yaml": TINY + settings}.items():
        made.write(path, content)
    made.commit("main")
    made.git("checkout", "-q", "-b", "more")
    made.write("data/train/b.jsonl", lines(pairs(3, start=100)))
    made.commit("more")
    out = root / "out"
    assert ftgate("plan", "--repo", made.root, "--base", "main", "--head", "more", "--out", out).code == 0
    assert ftgate("validate", "--repo", made.root, "--out", out, "--quiet").code == 0
    return made.root, out


def test_what_training_takes_is_shown_before_it_starts(ftgate: Command, tmp_path: Path) -> None:
    prices = "training: {preflight: {tokens_per_second: 900, prices: {as_of: '2026-11-01', per_hour: 0.5}}}\n"
    repository, out = begun(ftgate, tmp_path, prices)
    said = ftgate("preflight", "--repo", repository, "--out", out, "--store", tmp_path / "store")
    assert said.code == 0, said.out + said.err
    assert "132 examples" in said.out and "68 steps of 8 examples (7 warm-up)" in said.out
    assert " min (training.preflight.tokens_per_second)" in said.out and "prices as of 2026-11-01" in said.out
    assert f"Next: ftgate train --out {out}" in said.out
    assert said.err.startswith("preflight: 132 examples, 68 steps, about ")
    stored = json.loads((out / "run.json").read_text())
    assert stored["preflight"]["facts"]["trained"] > 0
    assert set(stored["preflight"]["recipe"]["reasons"]) == set(stored["preflight"]["recipe"]) - {"reasons"}


def test_a_preflight_that_fails_says_what_to_do_and_nothing_is_trained(
    ftgate: Command, tmp_path: Path
) -> None:
    repository, out = begun(ftgate, tmp_path, "training: {preflight: {min_steps: 1000}}\n")
    store = tmp_path / "store"
    said = ftgate("preflight", "--repo", repository, "--out", out, "--store", store)
    assert said.code == 1
    assert "68 steps, too few to learn: the settings want 1000 [preflight.steps]" in said.out
    assert "→ add examples" in said.out and f"Next: ftgate decide --out {out}" in said.out
    trained = ftgate("train", "--repo", repository, "--out", out, "--store", store)
    assert trained.code == 0
    assert "nothing is trained" in trained.out and not store.exists()
    decided = ftgate("decide", "--out", out)
    assert decided.code == 1
    assert "nothing was trained" in decided.out


def test_settings_that_contradict_each_other_stop_at_once(ftgate: Command, tmp_path: Path) -> None:
    made = GitRepository(tmp_path / "repository")
    for path, content in {
        **base_files(),
        "ftgate.yaml": TINY + "training: {method: full, rank: 8}\n",
    }.items():
        made.write(path, content)
    made.commit("main")
    said = ftgate("plan", "--repo", made.root, "--base", "main", "--head", "main", "--out", tmp_path / "out")
    assert said.code == 2
    assert "ftgate.yaml:" in said.err and "training.rank: 8 is of an adapter" in said.err
