"""`ftgate export`: writes what is served, and says how far it is what was trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
import msgspec
from msgspec.structs import replace

from ftgate.cli import options
from ftgate.errors import ExitCode, InputError, OutsideError
from ftgate.report.quote import terminal
from ftgate.values.run_card import Exported

if TYPE_CHECKING:
    from ftgate.edges.run_files import RunDirectory
    from ftgate.ports import Store, Written
    from ftgate.values.run import Run
    from ftgate.values.training import BaseModel, Training

_FORMS = ("adapter", "merged-dequantised", "merged-16bit", "full")


class _Export(msgspec.Struct, frozen=True, kw_only=True):
    """`folder` and `launch` are empty where the export was not kept."""

    key: str
    commit: str
    folder: str
    launch: str
    exported: Exported


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """export.json beside run.json: every form of every training that was exported from it, the last one last."""

    schema: Literal["ftgate.exported/1"] = "ftgate.exported/1"
    exports: tuple[_Export, ...] = ()


@click.command(
    epilog="""\b
Examples:
  ftgate export --out out                                       the adapter, for vllm serve --enable-lora
  ftgate export --out out --form merged-dequantised --to model  one model that needs no adapter

\b
The export is loaded back and reads the run's regression prompts and held-out examples: where it agrees too seldom with
what was trained it is not kept, with exit code 1. Figures go to export.json beside run.json."""
)
@options.out
@click.option(
    "--form",
    type=click.Choice(_FORMS),
    default=None,
    show_default="training.export.form of the settings, else as trained",
    help="What to write.",
)
@click.option(
    "--key",
    metavar="KEY",
    default=None,
    help="Another training of the store; the baseline by how its key begins.",
)
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    show_default="export/FORM in --out",
    help="Directory to write; replaced only if it is an export already.",
)
@click.option(
    "--min-agreement",
    type=click.FloatRange(0, 1),
    default=None,
    show_default="training.export.min_agreement of the settings, else 0.98",
    help="Least share of tokens on which the export must agree.",
)
@options.settings
@options.store
@options.quiet
def export(
    out: Path,
    form: str | None,
    key: str | None,
    target: Path | None,
    min_agreement: float | None,
    settings_path: str,
    store: Path | str | None,
    quiet: bool,
) -> int:
    """Writes a run's candidate as it is served: the adapter for vLLM, or one model with the adapter merged in.

    Merging is onto the dequantised or the 16-bit base, never within 4 bit. The directory has tokenizer, chat template
    and a model card.
    """
    from ftgate.cli import wiring
    from ftgate.cli.progress import TerminalProgress
    from ftgate.edges.export import LocalExporter
    from ftgate.edges.run_files import RunDirectory
    from ftgate.ports import ExportJob
    from ftgate.report.run_card import agreed

    runs, progress = RunDirectory(out), TerminalProgress(quiet=quiet)
    run = _evaluated(runs.load(), out)
    declared = _declared(settings_path)
    kept = wiring.store_at(store, progress)
    training = _training(run, kept, key)
    chosen = form or ("full" if training.recipe.method == "full" else declared[0])
    job = ExportJob(
        base_model=_base(run),
        training=training,
        artefact=kept.adapter(training),
        form=chosen,  # type: ignore[arg-type] # click has checked it
        prompts=run.evaluation.prompts if run.evaluation else (),
        minimum=declared[1] if min_agreement is None else min_agreement,
        target=target or out / "export" / chosen,
    )
    written = LocalExporter(wiring.local_store(store) / "exports").export(job, progress)
    figures = written.exported.agreement
    holds = figures is not None and figures.holds
    _tell(runs, training, written, holds)
    if figures is not None:
        click.echo(agreed(figures))
    if not holds:
        return _rejected(written, training.recipe.method)
    click.echo(terminal(f"{chosen} {'is there already' if written.reused else 'written'}: {written.folder}"))
    click.echo(
        terminal(written.launch)
        if written.launch
        else "vLLM serves no adapter of this rank: export a merged form."
    )
    return ExitCode.PASS


def _tell(runs: "RunDirectory", training: "Training", written: "Written", holds: bool) -> None:
    """Adds an export to export.json, in place of an earlier one of the same training in the same form."""
    from ftgate import wire

    try:
        earlier = msgspec.json.decode(runs.read("export.json") or b"", type=_Told).exports
    except (msgspec.MsgspecError, UnicodeDecodeError):
        earlier = ()
    told = _Export(
        key=training.key,
        commit=training.commit,
        folder=str(written.folder) if holds else "",
        launch=written.launch if holds else "",
        exported=written.exported,
    )
    same = told.key, told.exported.form
    others = [each for each in earlier if (each.key, each.exported.form) != same]
    runs.write("export.json", wire.to_json(_Told(exports=(*others, told))).decode())


def _rejected(written: "Written", method: str) -> int:
    """What does not say what was trained must not be served by mistake."""
    import shutil

    if written.reused:
        shutil.rmtree(written.folder)
    others = {"adapter": "--form adapter, on the base as it was trained"}
    if method == "qlora":
        others["merged-dequantised"] = "--form merged-dequantised"
    instead = " or ".join(text for form, text in others.items() if form != written.exported.form)
    click.echo(
        f"{'Deleted' if written.reused else 'Not kept'}: it is not what was trained."
        + (f" Serve {instead}." if written.exported.form != "full" else ""),
        err=True,
    )
    return ExitCode.FAIL


def _evaluated(run: "Run | None", out: Path) -> "Run":
    if run is None or run.candidate is None:
        raise InputError(
            f"{out}: there is no run with a candidate",
            advice="Start one: ftgate run --base REV --head REV --out DIR",
        )
    return run


def _training(run: "Run", store: "Store", key: str | None) -> "Training":
    """The candidate, or another training of the store. Raises InputError when the store does not have it."""
    trained = [training for training in (run.candidate, run.baseline) if training is not None]
    wanted = key or trained[0].key
    full = next((training.key for training in trained if training.key.startswith(wanted)), wanted)
    found = store.find_training(full)
    if found is None:
        raise InputError(
            f"the store has no training {full[:12]}",
            advice="Name the store that the run trained into with --store, or train again: ftgate train --out DIR",
        )
    commit = next((training.commit for training in trained if training.key == full), found.commit)
    return replace(found, commit=commit)


def _base(run: "Run") -> "BaseModel":
    """The base model of the run, found again. Raises OutsideError when it is not the same any more."""
    from ftgate.cli import wiring

    told = run.provenance.base_model
    if told is None:
        raise InputError("the run does not say which base model it trained", advice="Run ftgate train again.")
    pinned = None if told.revision == told.sha256[:12] else told.revision
    found = wiring.base_models().resolve(told.name, pinned)
    if found.sha256 != told.sha256:
        raise OutsideError(
            f"{told.name} is not the base model that was trained: {found.sha256[:12]} instead of {told.sha256[:12]}",
            advice="Restore the model as it was, or run the gate again.",
        )
    return found


def _declared(path: str) -> tuple[str, float]:
    """Form and least agreement of the settings in this directory; the defaults where there are none."""
    from ftgate.edges.yaml_files import Documents
    from ftgate.values.training_settings import Export

    file = Path(path)
    declared = Documents().settings(path, file.read_bytes()).training.export if file.is_file() else Export()
    return declared.form, declared.min_agreement
