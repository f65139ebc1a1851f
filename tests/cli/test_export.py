"""`ftgate export` on a run with a real adapter: what is printed, what is written, and what is deleted again."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from ftgate.cli.main import main
from ftgate.cli.options import StorePlace
from ftgate.edges.run_files import RunDirectory
from ftgate.edges.store import DirectoryStore
from ftgate.values.training import BaseModel, Training
from tests.decide.builders import evaluation, run
from tests.edges.test_export import HELD_OUT, REGRESSION, base, store

__all__ = ["base", "store"]  # fixtures

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def out(tmp_path: Path, base: BaseModel, store: tuple[DirectoryStore, Training]) -> Path:
    """A run whose candidate is in the store."""
    made = run()
    asked = replace(evaluation(["PP"], ["PP"]), prompts=(*REGRESSION, *HELD_OUT))
    provenance = replace(made.provenance, base_model=replace(base, location=""))
    done = replace(
        made,
        candidate=replace(store[1], commit="head"),
        evaluation=asked,
        provenance=provenance,
        baseline=None,
    )
    RunDirectory(tmp_path / "out").save(done)
    return tmp_path / "out"


def export(out: Path, store: tuple[DirectoryStore, Training], *options: str) -> int:
    return main(["export", "--out", str(out), "--store", str(store[0].root), "-q", *options])


@pytest.mark.slow
def test_the_adapter_is_written_with_the_line_that_serves_it(
    out: Path, store: tuple[DirectoryStore, Training], capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = (out / "run.json").read_bytes()
    assert export(out, store) == 0
    said = capsys.readouterr().out
    assert "100.00 % of" in said and "--enable-lora" in said and "--max-lora-rank 16" in said
    assert (out / "export" / "adapter" / "adapter_model.safetensors").is_file()
    [told] = json.loads((out / "export.json").read_text())["exports"]
    assert told["key"] == "k" and told["commit"] == "head" and told["exported"]["agreement"]["top1"] == 1.0
    assert told["launch"] in said
    assert (out / "run.json").read_bytes() == sealed, "a run is never changed after"
    assert export(out, store, "--key", "k") == 0
    assert "is there already" in capsys.readouterr().out


@pytest.mark.slow
def test_a_form_that_agrees_too_seldom_is_deleted_with_the_figures(
    out: Path,
    store: tuple[DirectoryStore, Training],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = tmp_path / "model"
    options = ("--form", "merged-16bit", "--to", str(target), "--min-agreement", "1")
    assert export(out, store, *options) == 1
    said = capsys.readouterr()
    assert "100 % is asked" in said.out and "Serve --form adapter" in said.err
    assert "Not kept" in said.err and "--form merged-dequantised" in said.err
    assert not target.exists()
    [told] = json.loads((out / "export.json").read_text())["exports"]
    assert 0 < told["exported"]["agreement"]["top1"] < 1
    assert told["launch"] == told["folder"] == "", "nothing is there to be served"
    assert export(out, store, *options[:-1], "0.5") == 0
    assert export(out, store, *options) == 1
    assert not target.exists(), "what was accepted at less is no longer"
    assert "Deleted" in capsys.readouterr().err


@pytest.mark.slow
def test_the_figures_of_every_form_are_kept(out: Path, store: tuple[DirectoryStore, Training]) -> None:
    (out / "export.json").write_text('{"schema": "ftgate.exported/1", "exports": [{"exported": 3}]}')
    for options in ((), ("--form", "merged-dequantised", "--min-agreement", "0.9"), ()):
        assert export(out, store, *options) == 0
    told = json.loads((out / "export.json").read_text())
    assert [each["exported"]["form"] for each in told["exports"]] == ["merged-dequantised", "adapter"]
    assert all(Path(each["folder"]).is_dir() and each["launch"] for each in told["exports"])


@pytest.mark.slow
def test_the_settings_say_the_form(
    out: Path,
    store: tuple[DirectoryStore, Training],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "ftgate.yaml").write_text(
        "behavior: Sorts.\nbase_model: bundled:tiny\ndata: {train: [a.jsonl]}\n"
        "training: {export: {form: merged-dequantised, min_agreement: 0.9}}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert export(out, store) == 0
    assert (out / "export" / "merged-dequantised" / "model.safetensors").is_file()


@pytest.mark.slow
def test_what_is_not_there_is_told(
    out: Path,
    store: tuple[DirectoryStore, Training],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert export(tmp_path / "nothing", store) == 2
    assert "no run with a candidate" in capsys.readouterr().err
    assert main(["export", "--out", str(out), "--store", str(tmp_path / "empty"), "-q"]) == 2
    assert "--store" in capsys.readouterr().err
    assert export(out, store, "--form", "full") == 2
    assert "not all weights" in capsys.readouterr().err
    (out / "export" / "adapter").mkdir(parents=True)
    (out / "export" / "adapter" / "mine.txt").write_text("x")
    assert export(out, store) == 2
    assert (out / "export" / "adapter" / "mine.txt").read_text() == "x"


@pytest.mark.slow
def test_another_base_model_than_was_trained_is_refused(
    out: Path, store: tuple[DirectoryStore, Training], capsys: pytest.CaptureFixture[str]
) -> None:
    runs = RunDirectory(out)
    found = runs.load()
    assert found is not None and found.provenance.base_model is not None
    other = replace(found.provenance.base_model, sha256="0" * 64)
    runs.save(replace(found, provenance=replace(found.provenance, base_model=other)))
    assert export(out, store) == 4
    assert "is not the base model that was trained" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("s3://bucket/a", "s3://bucket/a"),
        ("file:///srv/a%20b", Path("/srv/a b")),
        ("here/store", Path("here/store")),
    ],
)
def test_a_store_is_a_directory_or_a_url(given: str, place: Path | str) -> None:
    assert StorePlace().convert(given, None, None) == place


@pytest.mark.parametrize("given", ["s3:/bucket/a", "gs:/bucket"])
def test_a_url_with_one_slash_is_no_directory_by_mistake(
    given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--out", str(tmp_path), "--store", given]) == 2
    assert "has two slashes" in capsys.readouterr().err


def test_a_store_that_no_driver_knows_is_a_matter_of_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--out", "nowhere", "--store", "memory://x"]) == 2
    said = capsys.readouterr().err
    assert "memory:// is no place" in said and "s3://" in said


def test_help_has_examples() -> None:
    from ftgate.cli.export import export as command

    said = CliRunner().invoke(command, ["--help"]).output
    assert "merged-dequantised --to model" in said and "exit code 1" in said
