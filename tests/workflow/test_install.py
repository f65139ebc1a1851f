"""The locks: hashes, the versions that the tests run with, no host; and the scripts that use them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.edges.repositories import GitRepository
from tests.workflow.stage import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
STEPS = ROOT / ".github" / "steps"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: Path) -> dict[str, str]:
    return {
        normal(name): version
        for name, version in re.findall(r"^([\w.-]+)==([^ \n]+)", file.read_text(), re.M)
    }


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.name)
def test_a_lock_has_hashes_and_names_no_host(file: Path) -> None:
    entries = re.findall(r"^\S.*?(?=^\S|\Z)", file.read_text().split("\n", 1)[1], re.M | re.S)
    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+==", entry) and re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:60]
    assert "://" not in file.read_text()


def test_the_locks_hold_the_versions_that_the_tests_run_with() -> None:
    tested = pins(ROOT / "constraints.txt")
    locked = [(name, version) for file in LOCKS for name, version in pins(file).items()]
    assert len(locked) == len({name for name, _ in locked}), "no package stands in two locks"
    for name, version in locked:
        assert tested.get(name, version) == version, name
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for group, files in (
        (project["dependencies"], ("light",)),
        (project["optional-dependencies"]["train"], ("train", "torch")),
    ):
        known = {name for file in files for name in pins(ROOT / "requirements" / f"{file}.txt")}
        wanted = {normal(re.split(r"[<>=\[ ]", need)[0]) for need in group} - {"ftgate"}  # groups of its own
        assert wanted <= known


def test_torch_and_its_libraries_stand_apart() -> None:
    heavy = re.compile(r"torch$|triton|nvidia-|cuda-")
    assert all(heavy.match(name) for name in pins(ROOT / "requirements" / "torch.txt"))
    for name in ("light", "train"):
        assert not [each for each in pins(ROOT / "requirements" / f"{name}.txt") if heavy.match(each)]


@pytest.mark.skipif(not os.environ.get("CI"), reason="fetches the locked packages; CI does")
def test_the_light_lock_installs(tmp_path: Path) -> None:
    environment = {**os.environ, "RUNNER_TEMP": str(tmp_path)}
    done = subprocess.run(
        [STEPS / "install.sh", "light"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = subprocess.run(
        [tmp_path / "ftgate/bin/ftgate", "validate", ROOT / "data"], capture_output=True, check=False
    )
    assert said.returncode == 0


def test_an_old_python_is_named(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "RUNNER_TEMP": str(tmp_path), "PYTHON": str(old)}
    done = subprocess.run(
        ["bash", STEPS / "install.sh", "light"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "3.11" in done.stdout


class TestFetch:
    """fetch.sh against a repository on disk."""

    @pytest.fixture
    def origin(self, tmp_path: Path) -> GitRepository:
        made = GitRepository(tmp_path / "server" / "acme" / "bank")
        made.write("a", "1")
        made.commit("one")
        made.git("checkout", "-q", "-b", "topic")
        made.write("evil", "payload")
        made.git("update-ref", "refs/pull/7/head", made.commit("two"))
        made.git("checkout", "-q", "main")
        return made

    def fetch(self, origin: GitRepository, tmp_path: Path, **more: str) -> subprocess.CompletedProcess[str]:
        shutil.rmtree(tmp_path / "temp", ignore_errors=True)
        (tmp_path / "temp").mkdir()
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "RUNNER_TEMP": str(tmp_path / "temp"),
            "SERVER": f"file://{tmp_path}/server", "REPOSITORY": "acme/bank", "BASE_REF": "refs/heads/main",
            "BASE_SHA": "", "HEAD_REF": "refs/pull/7/head", "HEAD_SHA": "", **more,
        }  # fmt: skip
        return subprocess.run(
            ["bash", STEPS / "fetch.sh"], env=environment, capture_output=True, text=True, check=False
        )

    def test_two_commits_and_no_file(self, origin: GitRepository, tmp_path: Path) -> None:
        head, base = origin.git("rev-parse", "topic"), origin.git("rev-parse", "main")
        done = self.fetch(origin, tmp_path, HEAD_SHA=head, BASE_SHA=base, TOKEN="t0k")
        assert done.returncode == 0, done.stderr
        assert f"base {base}\nhead {head}\n" in done.stdout and "t0k" not in done.stdout + done.stderr
        assert not list(tmp_path.glob("temp/**/evil"))
        assert "t0k" not in (tmp_path / "temp/repository/config").read_text()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"HEAD_SHA": "0" * 40}, {"BASE_SHA": "0" * 40}, {"HEAD_SHA": "--upload-pack=touch pwned"},
            {"HEAD_SHA": "abc"}, {"HEAD_REF": "--upload-pack=x"}, {"HEAD_REF": "refs/pull//head"},
            {"BASE_REF": "refs/heads/a b"},
            {"BASE_REF": "refs/heads/x:refs/ftgate/head"}, {"BASE_REF": "main"}, {"HEAD_REF": "refs/pull/8/head"},
        ],
    )  # fmt: skip
    def test_what_is_no_commit_of_the_branch_is_refused(
        self, origin: GitRepository, tmp_path: Path, wrong: dict[str, str]
    ) -> None:
        done = self.fetch(origin, tmp_path, **wrong)
        assert done.returncode != 0
        assert not (tmp_path / "temp/repository/refs/ftgate").exists()

    def test_the_base_may_have_moved_on(self, origin: GitRepository, tmp_path: Path) -> None:
        before = origin.git("rev-parse", "main")
        origin.write("a", "2")
        after = origin.commit("three")
        assert f"base {before}" in self.fetch(origin, tmp_path, BASE_SHA=before).stdout
        assert f"base {after}" in self.fetch(origin, tmp_path).stdout

    def test_a_push_is_judged_by_its_own_commits(self, origin: GitRepository, tmp_path: Path) -> None:
        before = origin.git("rev-parse", "main")
        origin.write("a", "2")
        after = origin.commit("three")
        origin.write("a", "3")
        origin.commit("four")
        refs = {"HEAD_REF": "refs/heads/main", "BASE_SHA": before, "HEAD_SHA": after}
        assert f"base {before}\nhead {after}" in self.fetch(origin, tmp_path, MAY_MOVE="true", **refs).stdout
        assert self.fetch(origin, tmp_path, **refs).returncode == 4
