"""The three ways to look at data: named files, the work tree under settings, a run that has begun."""

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ftgate.checks import CHECKS, Checks
from ftgate.checks.base import Context
from ftgate.cli import wiring
from ftgate.cli.excerpts import Opener
from ftgate.cli.jobs import BY_SCHEMA, Question, validate
from ftgate.cli.progress import TerminalProgress
from ftgate.edges.example_schema import ExampleSchema
from ftgate.edges.plain_files import open_again
from ftgate.edges.run_files import RunDirectory
from ftgate.edges.work_tree import WorkTree
from ftgate.errors import InputError, SettingsError
from ftgate.ports import Ports
from ftgate.report.findings import FindingsReport
from ftgate.stages.inputs import example_schema, reserved, reviews, settings_at, training_data
from ftgate.stages.pipeline import resume, stored
from ftgate.stages.validate import declared, examine
from ftgate.values.run import Run
from ftgate.values.settings import Settings


class Inspection(NamedTuple):
    """What was found, and how to look at a file of it again."""

    report: FindingsReport
    open_file: Opener


def check_files(
    paths: Sequence[Path],
    example_format: str,
    *,
    settings_file: Path | None = None,
    schema_file: Path | None = None,
    jobs: int | None = None,
    digest: bool = True,
    quiet: bool = False,
) -> Inspection:
    """Named files; with settings also against what they declare."""
    context, levels, schema = Context(), {}, None
    if settings_file is not None:
        ports, settings = _work_tree(settings_file.parent, settings_file.name, quiet=True)
        context = declared(
            settings,
            reserved(ports, WorkTree.NAME, settings),
            reviews(ports, WorkTree.NAME, settings),
            ports.meter(settings),
        )
        levels = dict(settings.checks)
        schema = example_schema(ports, WorkTree.NAME, settings)
    if schema_file is not None:
        schema = ExampleSchema(schema_file.as_posix(), _content(schema_file))
    if example_format == BY_SCHEMA:
        levels = dict.fromkeys(CHECKS, "off")
    question = Question(
        paths=tuple(paths),
        format=example_format,
        context=context,
        levels=levels,
        schema=schema,
        digest=digest,
    )
    files, findings = validate(question, jobs, TerminalProgress(quiet=quiet))
    return Inspection(FindingsReport(files=files, findings=findings), partial(open_again, Path()))


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


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error


def _work_tree(root: Path, settings_path: str, *, quiet: bool) -> tuple[Ports, Settings]:
    ports = wiring.build(WorkTree(root), out=root, quiet=quiet)
    found = settings_at(ports, WorkTree.NAME, settings_path)
    if found is None:
        raise SettingsError(
            f"no {settings_path} in {root.resolve()}",
            advice="Write one with `ftgate init`, or name files: ftgate validate PATH...",
        )
    return ports, found[0]
