"""The whole gate with a base model at a service: real git, real HTTP, `ftgate` in processes of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import base_files, lines, pairs
from tests.edges.hosted_server import BASE, KEY, Tuner, tuning
from tests.edges.repositories import GitRepository

pytestmark = pytest.mark.slow

TRAIN = ("torch", "transformers", "peft", "trl", "bitsandbytes", "accelerate", "datasets", "huggingface_hub")
HIDING = f"""
from importlib.machinery import PathFinder

found = PathFinder.find_spec


def find(cls, name, path=None, target=None):
    return None if name.partition(".")[0] in {TRAIN} else found(name, path, target)


PathFinder.find_spec = classmethod(find)
"""
"""Nothing of the train extra can be found."""
SWAP = {"late": "damaged", "damaged": "late"}


class Gate:
    """A repository with a branch that adds examples and one that swaps two labels, and a service."""

    def __init__(self, root: Path, service: Tuner) -> None:
        self._root = root
        self.service = service
        files = base_files()
        files["ftgate.yaml"] = self.settings()
        self.repository = GitRepository(root / "repository")
        self.commit(files)
        self.branch("better", {"data/train/b.jsonl": lines(pairs(5, start=100))})
        self.branch("worse", {"data/train/a.jsonl": lines(pairs(30, swap=SWAP))})

    def settings(self, more: str = "") -> str:
        hosted = f"base_url: '{self.service.url}', api_key_env: LOOPBACK_API_KEY, poll_seconds: 0.02"
        training = f"training: {{hosted: {{{hosted}}}{more}}}\n"
        return (
            base_files()["ftgate.yaml"].replace("base_model: fake", f"base_model: hosted:{BASE}") + training
        )

    def commit(self, files: dict[str, str]) -> None:
        for path, content in files.items():
            self.repository.write(path, content)
        self.repository.commit()

    def branch(self, name: str, files: dict[str, str]) -> None:
        self.repository.git("checkout", "-q", "-b", name, "main")
        self.commit(files)
        self.repository.git("checkout", "-q", "main")

    def __call__(self, head: str) -> tuple[int, dict[str, Any], str]:
        out = self._root / "out" / head
        code, _, said = self.command("run", "--base", "main", "--head", head, "--out", str(out))
        run = json.loads((out / "run.json").read_text()) if (out / "run.json").is_file() else {}
        return code, run, said

    def command(self, name: str, *options: str, key: str = KEY) -> tuple[int, str, str]:
        """A command in a process of its own, on this repository and store."""
        command = [sys.executable, "-m", "ftgate.cli.main", name, "--repo", str(self.repository.root)]
        told = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        here = self._root / "without-torch"
        here.mkdir(exist_ok=True)
        (here / "sitecustomize.py").write_text(HIDING)
        path = os.pathsep.join([str(here), str(Path(__file__).parents[2])])
        environment = {**told, "LOOPBACK_API_KEY": key, "PYTHONPATH": path}
        done = subprocess.run(
            [*command, "--store", str(self._root / "store"), *options],
            capture_output=True,
            text=True,
            env=environment,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with tuning() as service:
        yield Gate(tmp_path, service)
        assert service.wrong() == []
        assert service.keys <= {f"Bearer {KEY}"}


def test_better_data_passes_and_swapped_labels_are_blocked(gate: Gate) -> None:
    code, good, said = gate("better")
    assert (code, good["verdict"]["outcome"]) == (0, "pass"), (good["verdict"], said)
    candidate = good["candidate"]
    assert candidate["recipe"]["method"] == "hosted" and candidate["form"] == "hosted"
    assert candidate["model"].startswith(f"ft:{BASE}:") and candidate["curve"]
    sentinel = good["evaluation"]["arms"]["candidate"]["sentinel"]
    assert sentinel["lora_b_norm"] is None and sentinel["logit_difference"] > 0
    assert (sentinel["model"], sentinel["base"]) == (candidate["model"], BASE)
    assert len(gate.service.jobs) == 2 and gate.service.files == {}

    code, bad, said = gate("worse")
    assert (code, bad["verdict"]["outcome"]) == (1, "fail"), (bad["verdict"], said)
    assert {id.partition("-")[0] for id in bad["comparison"]["broken"]} == {"late", "damaged"}
    assert bad["baseline"]["reused"] and len(gate.service.jobs) == 3

    again, _, said = gate("worse")
    assert again == 1 and len(gate.service.jobs) == 3 and "not trained again" in said


def test_what_was_tested_is_promoted_without_a_key_and_without_the_service(
    gate: Gate, tmp_path: Path
) -> None:
    code, run, said = gate("better")
    assert code == 0, said
    before = len(gate.service.traffic)
    gate.repository.git("merge", "-q", "--squash", "better")
    gate.repository.commit()
    head = ("--base", "HEAD~1", "--head", "HEAD")
    code, out, said = gate.command("promote", *head, "--run", str(tmp_path / "out" / "better"), key="")
    assert code == 0 and run["candidate"]["key"][:12] in out, (out, said)
    assert len(gate.service.traffic) == before

    gate.branch("next", {"data/train/c.jsonl": lines(pairs(3, start=300))})
    code, _, said = gate("next")
    assert code == 0 and len(gate.service.jobs) == 3 and "baseline: known" in said


def test_a_service_that_answers_with_the_base_model_is_never_a_pass(gate: Gate) -> None:
    gate.service.deaf = True
    code, run, _ = gate("better")
    assert (code, run["verdict"]["outcome"]) == (3, "inconclusive")
    assert "sentinel.inactive.candidate" in [reason["id"] for reason in run["verdict"]["reasons"]]


def test_a_tuned_model_that_was_deleted_there_is_tuned_again(gate: Gate, tmp_path: Path) -> None:
    """Its record is in the store; what it answered may not be known, or prompts have changed."""
    code, _, said = gate("better")
    assert code == 0, said
    shutil.rmtree(tmp_path / "store" / "arms")
    gone = [name for name in gate.service.models if name != BASE]
    for name in gone:
        del gate.service.models[name], gate.service.tuned[name]
    code, _, said = gate("better")
    assert code == 4 and "has no model 'ft:" in said and "any more" in said
    [folder] = re.findall(r"Delete (\S+) in the store", said)
    shutil.rmtree(folder)
    code, run, said = gate("better")
    assert code == 4 and str(run["candidate"]["model"]) in gone, "one was named, the other is next"
    [folder] = re.findall(r"Delete (\S+) in the store", said)
    shutil.rmtree(folder)
    code, run, said = gate("better")
    assert code == 0, said
    assert run["candidate"]["model"] not in gone and len(gate.service.jobs) == 4


def test_data_that_the_service_refuses_fails_the_run(gate: Gate) -> None:
    gate.service.path = ["validating_files", "failed"]
    gate.service.fails = {"code": "invalid_training_file", "message": "bad line 7", "param": "training_file"}
    code, run, _ = gate("better")
    reasons = {reason["id"]: reason["text"] for reason in run["verdict"]["reasons"]}
    assert code == 1 and "bad line 7" in reasons["training.failed"]


def test_a_quota_is_not_the_pull_request_s_fault(gate: Gate) -> None:
    gate.service.path = ["validating_files", "failed"]
    gate.service.fails = {"code": "exceeded_quota", "message": "pay first", "param": None}
    code, _, said = gate("better")
    assert code == 4 and "pay first" in said


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (", rank: 8", "training.rank: a service that tunes chooses it itself"),
        (
            ", preflight: {max_cost: 1, prices: {as_of: '2026-11-01', per_hour: 2}}",
            "needs prices.per_million_tokens",
        ),
    ],
)
def test_settings_that_a_service_would_not_heed(gate: Gate, more: str, says: str) -> None:
    gate.commit({"ftgate.yaml": gate.settings(more)})
    gate.branch("later", {"data/train/c.jsonl": lines(pairs(3, start=200))})
    code, _, said = gate("later")
    assert code == 2 and says in said and gate.service.traffic == []


def test_a_ceiling_fails_the_run_before_anything_is_sent(gate: Gate) -> None:
    prices = "prices: {as_of: '2026-11-01', per_million_tokens: 25}"
    gate.commit({"ftgate.yaml": gate.settings(f", preflight: {{max_cost: 0.01, {prices}}}")})
    gate.branch("later", {"data/train/c.jsonl": lines(pairs(3, start=200))})
    code, run, _ = gate("later")
    reasons = {reason["id"]: reason["text"] for reason in run["verdict"]["reasons"]}
    assert code == 1 and "the settings accept 0.01" in reasons["preflight.cost"]
    assert gate.service.paths("POST") == []
