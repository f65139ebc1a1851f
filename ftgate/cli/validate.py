"""`ftgate validate`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from ftgate.cli import job_outputs, options
from ftgate.errors import ExitCode
from ftgate.report.findings import FORMATS, FindingsReport
from ftgate.values.finding import Severity

if TYPE_CHECKING:
    from ftgate.cli.excerpts import Opener
    from ftgate.cli.named_files import Inspection

WITHOUT_DIGEST = ("github", "junit")
"""Reports that show no digest of the files."""


@click.command(
    epilog="""\b
Examples:
  ftgate validate data/train.jsonl              plain files, format detected
  ftgate validate                               what ftgate.yaml names, with its declarations
  ftgate validate --output-format sarif data    for code scanning
  ftgate validate --schema line.schema.json data
                                                every line against a schema of your own, too
  ftgate validate --out out                     continue a run that `ftgate plan` began
  ftgate validate --fix --dry-run data          what --fix would mend: BOM, CRLF, final newline

\b
Exit code 1 when any finding is an error."""
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--output-format", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option(
    "--format",
    "example_format",
    type=click.Choice(["auto", "conversation", "instruction", "prompt-completion", "sharegpt", "schema"]),
    default="auto",
    help="Format of the examples; detected by default. With schema, --schema alone judges the lines.",
)
@click.option(
    "--schema",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON Schema of an example, asked of every line; data.example_schema in the settings.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    show_default="1, or the cores for large input",
    help="Processes that named files are read in.",
)
@options.repo
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Continue the run in this directory."
)
@click.option(
    "--fix", is_flag=True, help="Mend BOM, CRLF and final newline, then check; examples keep their bytes."
)
@click.option("--dry-run", is_flag=True, help="With --fix: say what would change, and change nothing.")
@click.option(
    "--manifest",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --fix: write what changed as JSON into this file.",
)
@options.settings
@job_outputs.option
@options.quiet
@click.pass_context
def validate(
    ctx: click.Context,
    paths: tuple[Path, ...],
    output_format: str,
    example_format: str,
    schema: Path | None,
    jobs: int | None,
    repo: Path,
    out: Path | None,
    fix: bool,
    dry_run: bool,
    manifest: Path | None,
    settings_path: str,
    outputs: Path | None,
    quiet: bool,
) -> int:
    """Checks every line of training data."""
    from ftgate.cli.mending import mend
    from ftgate.cli.named_files import Declared, check_files

    _refuse(
        (schema and not paths, "--schema is for named files; settings name theirs as data.example_schema."),
        (
            example_format == "schema" and not schema,
            "--format schema needs --schema: it alone judges the lines.",
        ),
        (paths and out, "--out continues a run and takes no paths."),
        (out and fix, "--out judges commits, which --fix cannot change."),
        ((dry_run or manifest) and not fix, "--dry-run and --manifest need --fix."),
        (outputs and not out, "--outputs tells what follows in a run and needs --out."),
    )
    declared = ctx.get_parameter_source("settings_path") is ParameterSource.COMMANDLINE

    named = partial(
        check_files,
        paths,
        example_format,
        schema_file=schema,
        jobs=jobs,
        digest=output_format not in WITHOUT_DIGEST,
        quiet=quiet,
    )
    if paths and not declared:
        inspect = partial(named, declared=Declared())
    elif paths:
        inspect = partial(_declared, named, repo / settings_path)
    else:
        inspect = partial(_elsewhere, repo, settings_path, out, quiet)
    report, open_file = inspect()
    if outputs and out:
        _tell(outputs, out)
    if fix:
        root = Path() if paths else repo
        fixes = mend(root, report, dry_run=dry_run, manifest_file=manifest, err=output_format != "text")
        if not dry_run and any(fixed.changes for fixed in fixes):
            report, open_file = inspect()
    _show(report, open_file, output_format)
    return exit_code(report)


def _tell(outputs: Path, out: Path) -> None:
    from ftgate.cli.inspection import last_run

    job_outputs.append(outputs, job_outputs.of_validation(last_run(out)))


def _show(report: FindingsReport, open_file: "Opener", output_format: str) -> None:
    from ftgate.cli.excerpts import with_excerpts, with_places
    from ftgate.cli.show import show_findings

    if output_format == "text":
        show_findings(with_excerpts(report, open_file))
    else:
        click.echo(FORMATS[output_format](with_places(report, open_file)), nl=False)


def _declared(named: "Callable[..., Inspection]", settings_file: Path) -> "Inspection":
    from ftgate.cli.inspection import declared_by

    return named(declared=declared_by(settings_file))


def _elsewhere(repo: Path, settings_path: str, out: Path | None, quiet: bool) -> "Inspection":
    from ftgate.cli import inspection

    if out:
        return inspection.continue_run(repo, out, quiet)
    return inspection.check_work_tree(repo, settings_path, quiet)


def _refuse(*usage: tuple[object, str]) -> None:
    for is_wrong, message in usage:
        if is_wrong:
            raise click.UsageError(message)


def exit_code(report: FindingsReport) -> int:
    """1 when any finding is an error, else 0."""
    worst = any(finding.severity is Severity.ERROR for finding in report.findings)
    return ExitCode.FAIL if worst else ExitCode.PASS
