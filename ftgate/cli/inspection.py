"""Data of the work tree under settings, and of a run that has begun."""

from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ftgate.checks import Checks
from ftgate.cli import wiring
from ftgate.cli.named_files import Declared, Inspection
from ftgate.edges.plain_files import open_again
from ftgate.edges.run_files import RunDirectory
from ftgate.edges.work_tree import WorkTree
from ftgate.errors import SettingsError
from ftgate.ports import Ports
from ftgate.report.findings import FindingsReport
from ftgate.stages.inputs import example_schema, reserved, reviews, settings_at, training_data
from ftgate.stages.pipeline import resume, stored
from ftgate.stages.validate import declared, examine
from ftgate.values.run import Run
from ftgate.values.settings import Settings


def declared_by(settings_file: Path) -> Declared:
    """What a settings file of the work tree says of data."""
    ports, settings = _work_tree(settings_file.parent, settings_file.name, quiet=True)
    context = declared(
        settings,
        reserved(ports, WorkTree.NAME, settings),
        reviews(ports, WorkTree.NAME, settings),
        ports.meter(settings),
    )
    return Declared(context, dict(settings.checks), example_schema(ports, WorkTree.NAME, settings))


def check_work_tree(root: Path, settings_path: str, quiet: bool) -> Inspection:
    """What the settings name, as it lies on disk."""
    ports, settings = _work_tree(root, settings_path, quiet=quiet)
    kept = reserved(ports, WorkTree.NAME, settings)
    dataset = training_data(ports, WorkTree.NAME, settings, settings_path, WorkTree.NAME)
    if not dataset.files and not dataset.findings:
        raise SettingsError(
            f"{settings_path}: data.train matches no file: {', '.join(settings.data.train)}",
            advice="Correct the globs, or add the data.",
        )
    context = declared(settings, kept, reviews(ports, WorkTree.NAME, settings), ports.meter(settings))
    findings = examine(dataset, Checks(context, settings.checks), ports.progress, settings_path)
    report = FindingsReport(files=dataset.files, findings=findings)
    return Inspection(report, partial(open_again, root))


class Sets(NamedTuple):
    """How many examples and prompts the work tree's settings lead to."""

    settings: Settings
    training: int
    held_out: int
    prompts: int


def work_tree_sets(root: Path, settings_path: str) -> Sets:
    """Counts what the settings name, as it lies on disk."""
    ports, settings = _work_tree(root, settings_path, quiet=True)
    kept = reserved(ports, WorkTree.NAME, settings)
    dataset = training_data(ports, WorkTree.NAME, settings, settings_path, WorkTree.NAME)
    return Sets(settings, len(dataset.examples), len(kept.held_out), len(kept.prompts))


def continue_run(repo: Path, out: Path, quiet: bool) -> Inspection:
    """The stage of a run that has been planned."""
    ports = wiring.build(wiring.commits(repo), out=out, quiet=quiet)
    run = resume("validate", ports)
    entries = {entry.path: entry for entry in ports.repository.tree(run.plan.head) if entry.is_file}

    def open_blob(path: str) -> BinaryIO | None:
        return BytesIO(ports.repository.read(entries[path])) if path in entries else None

    if run.preview and not run.plan.applicable:
        ports.progress.say("not applicable; what the changes here would find once merged is in the comment")
    report = FindingsReport(files=run.files, findings=run.findings, compared=True)
    return Inspection(report, open_blob)


def last_run(out: Path) -> Run:
    """The run in a directory. Raises InputError when there is none."""
    return stored(RunDirectory(out))


def _work_tree(root: Path, settings_path: str, *, quiet: bool) -> tuple[Ports, Settings]:
    ports = wiring.build(WorkTree(root), out=root, quiet=quiet)
    found = settings_at(ports, WorkTree.NAME, settings_path)
    if found is None:
        raise SettingsError(
            f"no {settings_path} in {root.resolve()}",
            advice="Write one with `ftgate init`, or name files: ftgate validate PATH...",
        )
    return ports, found[0]
