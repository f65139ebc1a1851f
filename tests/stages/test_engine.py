"""One engine answers for all arms, and completions of another are never taken for its own."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from ftgate.stages.pipeline import gate
from ftgate.values.run import Request
from tests.builders import base_files, lines, pairs
from tests.fakes import FakeCompleter, FakeRepository, FakeWorld

MORE = {"data/train/b.jsonl": lines(pairs(3, start=100))}


class Served(FakeCompleter):
    def versions(self) -> Mapping[str, str]:
        return {"engine": "vllm 0.11.0", "host": "gpu:8000"}


def test_a_server_answers_for_every_arm_and_is_named(tmp_path: Path) -> None:
    made = FakeWorld(FakeRepository(main=base_files(), head={**base_files(), **MORE}), tmp_path)
    gate(Request(base="main", head="head"), made.ports)
    asked_here = len(made.completer.jobs)
    server = Served()
    run = gate(
        Request(base="main", head="head"), dataclasses.replace(made.ports, server=lambda settings: server)
    )
    assert len(server.jobs) == asked_here > 0 and len(made.completer.jobs) == asked_here
    assert run.provenance.generation["engine"] == "vllm 0.11.0"
    assert run.provenance.generation["host"] == "gpu:8000"
    assert run.evaluation and not any(arm.reused for arm in run.evaluation.arms.values())


def test_one_adapter_is_asked_once(tmp_path: Path) -> None:
    """The change is one that no trainer sees: a file is split in two."""
    files = base_files()
    name = next(path for path in files if path.startswith("data/train/"))
    first, _, rest = files[name].partition("\n")
    made = FakeWorld(
        FakeRepository(main=files, head={**files, name: first + "\n", name[:-6] + "z.jsonl": rest}),
        tmp_path,
    )
    run = gate(Request(base="main", head="head"), made.ports)
    assert run.baseline and run.candidate and run.verdict
    assert run.baseline.adapter_sha256 == run.candidate.adapter_sha256
    assert {job.label for job in made.completer.jobs} >= {"asking base", "asking baseline"}
    assert not any("candidate" in job.label for job in made.completer.jobs)
    assert "adapter.same" in [reason.id for reason in run.verdict.reasons]
