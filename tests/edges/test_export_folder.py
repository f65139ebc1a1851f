"""Where an export is written: whole or not at all, once, and never over what is somebody else's."""

import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.edges.export import LocalExporter
from ftgate.edges.export_folder import SEAL
from ftgate.edges.store import DirectoryStore
from ftgate.errors import InputError
from ftgate.ports import ExportJob
from ftgate.values.run_card import Form
from ftgate.values.training import Training
from tests.edges.test_export import base, export_job, exports, store
from tests.fakes import FakeProgress

__all__ = ["base", "export_job", "exports", "store"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def test_the_same_export_is_written_once_and_another_replaces_it(
    export_job: ExportJob, tmp_path: Path, exports: Callable[[Form], Any]
) -> None:
    exporter, wanted = LocalExporter(tmp_path), replace(export_job, target=tmp_path / "out")
    first = exporter.export(wanted, FakeProgress())
    stamp = (first.folder / SEAL).stat().st_mtime_ns
    again = exporter.export(replace(wanted, minimum=0.75), FakeProgress())
    assert again.reused and (first.folder / SEAL).stat().st_mtime_ns == stamp
    assert again.exported.agreement is not None and again.exported.agreement.minimum == 0.75
    (first.folder / "tokenizer.json").write_text("{}")
    mended = exporter.export(wanted, FakeProgress())
    assert not mended.reused and (first.folder / "tokenizer.json").read_text() != "{}"
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_what_the_gate_exports_goes_when_the_last_who_uses_it_has_asked(
    export_job: ExportJob, tmp_path: Path
) -> None:
    """And what a person has exported with --to stays."""
    one, other = LocalExporter(tmp_path / "exports"), LocalExporter(tmp_path / "exports")
    named = one.export(replace(export_job, target=tmp_path / "out"), FakeProgress())
    written = one.export(export_job, FakeProgress())
    assert other.export(export_job, FakeProgress()).reused
    one.discard(written)
    assert (written.folder / SEAL).is_file(), "the other still uses it"
    other.discard(written)
    assert not written.folder.exists()
    one.discard(written)
    one.discard(named)
    assert (named.folder / SEAL).is_file()
    assert not one.export(export_job, FakeProgress()).reused


def test_what_is_rendered_follows_an_export_that_is_asked_for_again(
    export_job: ExportJob, tmp_path: Path
) -> None:
    exporter, wanted = LocalExporter(tmp_path), replace(export_job, target=tmp_path / "out")
    exporter.export(wanted, FakeProgress())
    assert "at least 50 % is asked" in (tmp_path / "out" / "README.md").read_text()
    (tmp_path / "out" / "serve.sh").unlink()
    assert exporter.export(replace(wanted, minimum=0.75), FakeProgress()).reused
    assert "at least 75 % is asked" in (tmp_path / "out" / "README.md").read_text()
    assert "--enable-lora" in (tmp_path / "out" / "serve.sh").read_text()


def test_the_script_serves_from_wherever_the_export_was_moved_to(
    exports: Callable[[Form], Any], tmp_path: Path
) -> None:
    moved = shutil.copytree(exports("adapter").folder, tmp_path / "it's a place")
    (tmp_path / "vllm").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "vllm").chmod(0o755)
    said = subprocess.run(
        ["sh", str(moved / "serve.sh")],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert any(word.startswith("ftgate-") and word.endswith(f"={moved}") for word in said)


def test_whoever_may_read_the_directory_may_read_the_weights(
    exports: Callable[[Form], Any], store: tuple[DirectoryStore, Training]
) -> None:
    """safetensors writes for the owner alone; a server or the next runner is often somebody else."""
    for folder in (exports("merged-16bit").folder, exports("adapter").folder, store[0].adapter(store[1])):
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
        assert len(set(modes.values())) == 1 and modes["README.md"] & 0o400, modes


def test_what_agrees_too_seldom_leaves_what_lay_there(export_job: ExportJob, tmp_path: Path) -> None:
    target = tmp_path / "out"
    first = LocalExporter(tmp_path).export(replace(export_job, target=target), FakeProgress())
    wanted = replace(export_job, form="merged-16bit", minimum=1.0, target=target)
    refused = LocalExporter(tmp_path).export(wanted, FakeProgress())
    assert not refused.kept and refused.exported.agreement is not None
    assert not refused.exported.agreement.holds
    assert LocalExporter(tmp_path).export(replace(export_job, target=target), FakeProgress()) == replace(
        first, reused=True
    )
    kept = LocalExporter(tmp_path).export(replace(wanted, keep_all=True), FakeProgress())
    assert kept.kept and (target / "model.safetensors").is_file()


def test_an_export_that_another_process_put_there_meanwhile_stays(
    export_job: ExportJob, exports: Callable[[Form], Any], tmp_path: Path
) -> None:
    """It may be in use already: a gate asks it, a server reads it."""
    target = tmp_path / "out"

    class Overtaken(FakeProgress):
        def task(self, label: str, total: int) -> Any:
            if label == "comparing":
                shutil.copytree(exports("adapter").folder, target)
                (target / SEAL).touch()
            return super().task(label, total)

    done = LocalExporter(tmp_path).export(replace(export_job, target=target), Overtaken())
    stamp = (target / SEAL).stat().st_ino
    assert done.kept and not done.reused
    assert LocalExporter(tmp_path).export(replace(export_job, target=target), FakeProgress()).reused
    assert (target / SEAL).stat().st_ino == stamp
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_what_a_killed_process_left_goes_and_that_of_a_living_one_stays(
    export_job: ExportJob, tmp_path: Path
) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    mine = f".out.{socket.gethostname()}."
    for name in (f"{mine}{dead.pid}", f"{mine}{os.getppid()}", ".out.elsewhere.1", ".other"):
        (tmp_path / name).mkdir()
    LocalExporter(tmp_path).export(replace(export_job, target=tmp_path / "out"), FakeProgress())
    assert {file.name for file in tmp_path.iterdir()} == {
        "out",
        f"{mine}{os.getppid()}",
        ".out.elsewhere.1",
        ".other",
    }


def test_the_directory_that_one_stands_in_can_be_the_target(
    export_job: ExportJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = LocalExporter(tmp_path).export(replace(export_job, target=Path()), FakeProgress())
    assert done.folder == tmp_path / "here" and (tmp_path / "here" / SEAL).is_file()


def test_a_file_that_somebody_put_into_an_export_is_never_deleted(
    export_job: ExportJob, tmp_path: Path
) -> None:
    wanted = replace(export_job, target=tmp_path / "out")
    LocalExporter(tmp_path).export(wanted, FakeProgress())
    (tmp_path / "out" / "model.gguf").write_text("converted for an hour")
    for form in ("adapter", "merged-16bit"):
        with pytest.raises(InputError, match=r"model\.gguf is no part of the export"):
            LocalExporter(tmp_path).export(replace(wanted, form=form), FakeProgress())
    assert (tmp_path / "out" / "model.gguf").read_text() == "converted for an hour"


def test_a_directory_of_somebody_else_is_never_written_to(export_job: ExportJob, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="no export of ftgate's") as caught:
        LocalExporter(tmp_path).export(replace(export_job, target=tmp_path), FakeProgress())
    assert "--to" in caught.value.advice
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]
