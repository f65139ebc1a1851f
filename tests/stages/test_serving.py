"""The form that is served is the form that is asked, kept apart from every other, and said in the run."""

from pathlib import Path

import pytest

from ftgate.errors import SettingsError
from ftgate.stages.pipeline import gate
from ftgate.values.run import Run, VerdictOutcome
from tests.builders import SETTINGS, base_files, lines, pairs
from tests.fakes import FakeRepository, FakeWorld
from tests.stages.test_pipeline import REQUEST

FORM = "merged-16bit"


def world(tmp_path: Path, form: str = FORM) -> FakeWorld:
    files = {**base_files(), "ftgate.yaml": _with(form)}
    head = {**files, "data/train/b.jsonl": lines(pairs(3, start=100))}
    return FakeWorld(FakeRepository(main=files, head=head), tmp_path)


def _with(form: str) -> str:
    assert "training:" not in SETTINGS or "export" not in SETTINGS
    export = f"export: {{form: {form}}}"
    if "training: {" in SETTINGS:
        return SETTINGS.replace("training: {", f"training: {{{export}, ")
    return f"{SETTINGS}training: {{{export}}}\n"


def keys(run: Run) -> dict[str, str]:
    assert run.evaluation is not None
    return {name: arm.key for name, arm in run.evaluation.arms.items()}


def test_the_merged_form_is_asked_and_the_run_says_so(tmp_path: Path) -> None:
    made = world(tmp_path)
    run = gate(REQUEST, made.ports)
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.PASS
    assert [job.form for job in made.exporter.jobs] == [FORM, FORM]
    assert {job.minimum for job in made.exporter.jobs} == {0.98}
    assert made.exporter.discarded == [job.artefact for job in made.exporter.jobs]
    arms = run.evaluation.arms if run.evaluation else {}
    assert {name: arm.exported.form if arm.exported else None for name, arm in arms.items()} == {
        "base": None,
        "baseline": FORM,
        "candidate": FORM,
    }
    assert run.candidate is not None and run.baseline is not None
    assert run.candidate.form == run.baseline.form == FORM
    methods = {job.method for job in made.completer.jobs}
    assert methods == {"lora"}, "the base is asked as what is served stands on it: in 16 bit"
    assert all((job.merged is None) == (job.adapter is None) for job in made.completer.jobs)


def test_no_form_is_ever_taken_for_another(tmp_path: Path) -> None:
    made = world(tmp_path)
    merged = keys(gate(REQUEST, made.ports))
    plain = FakeWorld(world(tmp_path, "adapter").repository, tmp_path)
    plain.store = made.store
    trained = gate(REQUEST, plain.ports)
    assert plain.trainer.jobs == [], "the adapter is the same"
    assert plain.exporter.jobs == []
    assert not set(keys(trained).values()) & set(merged.values())
    assert trained.candidate is not None and trained.candidate.form == "adapter"


def test_a_form_that_is_not_what_was_trained_fails_the_run(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.exporter.top1 = 0.88
    run = gate(REQUEST, made.ports)
    assert run.verdict is not None and run.verdict.outcome is VerdictOutcome.FAIL
    [reason] = [r for r in run.verdict.reasons if r.id == "export.agreement.candidate"]
    assert "88.00 %" in reason.text and "merged-dequantised" in reason.remedy


def test_a_server_is_given_adapters_only(tmp_path: Path) -> None:
    from dataclasses import replace

    made = world(tmp_path)
    with pytest.raises(SettingsError, match="adapters only"):
        gate(REQUEST, replace(made.ports, server=lambda settings: made.completer))


def test_cards_stand_beside_what_was_trained_and_hold_no_training_text(tmp_path: Path) -> None:
    made = world(tmp_path)
    gate(REQUEST, made.ports)
    assert len(made.store.cards) == 2
    for written in made.store.cards.values():
        assert set(written) == {"README.md", "run-card.json"}
        for example in pairs(3, start=100):
            text = str(example[0] if isinstance(example, tuple) else example)
            assert text not in "".join(written.values())
