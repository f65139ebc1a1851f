"""The three ways to look at data: named files, the work tree under settings, a run that has begun."""

from collections.abc import Sequence
from pathlib import Path

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.cli import wiring
from ftgate.cli.jobs import Question, validate
from ftgate.edges.example_schema import ExampleSchema
from ftgate.edges.work_tree import WorkTree
from ftgate.errors import SettingsError
from ftgate.ports import Ports
from ftgate.report.findings import FindingsReport
from ftgate.stages.inputs import example_schema, reserved, settings_at, training_data
from ftgate.stages.pipeline import resume
from ftgate.stages.validate import declared, examine
from ftgate.values.settings import Settings


def check_files(
    paths: Sequence[Path],
    example_format: str,
    *,
    settings_file: Path | None = None,
    schema_file: Path | None = None,
    jobs: int | None = None,
    digest: bool = True,
) -> FindingsReport:
    """Named files; with settings also against what they declare."""
    context, levels, schema = Context(), {}, None
    if settings_file is not None:
        ports, settings = _work_tree(settings_file.parent, settings_file.name, quiet=True)
        context = declared(settings, reserved(ports, WorkTree.NAME, settings))
        levels = dict(settings.checks)
        schema = example_schema(ports, WorkTree.NAME, settings)
    if schema_file is not None:
        schema = ExampleSchema(schema_file.as_posix(), schema_file.read_bytes())
    files, findings = validate(
        Question(
            paths=tuple(paths),
            format=example_format,
            context=context,
            levels=levels,
            schema=schema,
            digest=digest,
        ),
        jobs,
    )
    return FindingsReport(files=files, findings=findings)


def check_work_tree(root: Path, settings_path: str, quiet: bool) -> FindingsReport:
    """What the settings name, as it lies on disk."""
    ports, settings = _work_tree(root, settings_path, quiet=quiet)
    kept = reserved(ports, WorkTree.NAME, settings)
    dataset = training_data(ports, WorkTree.NAME, settings, settings_path, WorkTree.NAME)
    if not dataset.files and not dataset.findings:
        raise SettingsError(
            f"{settings_path}: data.train matches no file: {', '.join(settings.data.train)}",
            advice="Correct the globs, or add the data.",
        )
    findings = examine(dataset, Checks(declared(settings, kept), settings.checks), ports.progress)
    return FindingsReport(files=dataset.files, findings=findings)


def continue_run(repo: Path, out: Path, quiet: bool) -> FindingsReport:
    """The stage of a run that has been planned."""
    run = resume("validate", wiring.build(wiring.commits(repo), out=out, quiet=quiet))
    return FindingsReport(files=run.files, findings=run.findings)


def _work_tree(root: Path, settings_path: str, *, quiet: bool) -> tuple[Ports, Settings]:
    ports = wiring.build(WorkTree(root), out=root, quiet=quiet)
    found = settings_at(ports, WorkTree.NAME, settings_path)
    if found is None:
        raise SettingsError(
            f"no {settings_path} in {root.resolve()}",
            advice="Write one with `ftgate init`, or name files: ftgate validate PATH...",
        )
    return ports, found[0]
