"""The data diff of a run: counted in tokens where that is cheap, and without anything that may be a secret."""

from dataclasses import replace
from pathlib import Path

from ftgate.stages.pipeline import gate
from ftgate.values.run import DataDiff, Request, Run
from ftgate.values.tokens import Counted, Meter
from tests.builders import base_files, line, lines, pairs
from tests.fakes import FakeRepository, FakeWorld

REQUEST = Request(base="main", head="head")
KEY = "AKIA" + "Q3EGRIJKLMNOPQRS"


def judged(tmp_path: Path, more: str, meter: Meter | None = None) -> tuple[FakeWorld, Run, DataDiff]:
    main = base_files()
    made = FakeWorld(FakeRepository(main=main, head={**main, "data/train/b.jsonl": more}), tmp_path)
    run = gate(REQUEST, replace(made.ports, meter=lambda settings: meter))
    assert run.diff is not None and run.diff.size is not None
    return made, run, run.diff


def seven(limit: int = 2048) -> Meter:
    return Meter(limit=limit, count=lambda example: Counted(tokens=7, trained=3, kept=3))


def test_tokens_are_counted_where_a_meter_is(tmp_path: Path) -> None:
    _, _, diff = judged(tmp_path, lines(pairs(3, start=100)), seven())
    assert diff.size is not None
    assert (diff.size.unit, diff.size.before, diff.size.after) == ("tokens", 840, 924)
    assert diff.labels is not None and diff.labels.after == 4
    assert diff.systems is not None and diff.systems.after == 1


def test_without_one_characters_are(tmp_path: Path) -> None:
    _, _, diff = judged(tmp_path, lines(pairs(3, start=100)))
    assert diff.size is not None and diff.size.unit == "characters" and diff.size.after > diff.size.before


def test_what_is_blocked_is_not_counted(tmp_path: Path) -> None:
    _, run, diff = judged(tmp_path, line("late again", "late") + "{\n", seven())
    assert run.candidate is None
    assert diff.size is not None and diff.size.unit == "characters"


def test_what_may_be_a_secret_is_shown_nowhere(tmp_path: Path) -> None:
    made, run, diff = judged(tmp_path, line(f"late order with {KEY}", "late"))
    assert any(finding.check == "secrets" for finding in run.findings)
    assert diff.samples["added"][0].prompt == "(may hold a secret: not shown)"
    assert KEY not in made.runs.texts["comment.md"] and KEY not in repr(run)
