"""`ftgate validate`."""

from pathlib import Path

import click
from click.core import ParameterSource

from ftgate.cli import options
from ftgate.errors import ExitCode
from ftgate.report.findings import FORMATS, FindingsReport
from ftgate.values.finding import Severity


@click.command(
    epilog="""\b
Examples:
  ftgate validate data/train.jsonl              plain files, format detected
  ftgate validate                               what ftgate.yaml names, with its declarations
  ftgate validate --output-format sarif data    for code scanning
  ftgate validate --schema line.schema.json data
                                                every line against a schema of your own, too
  ftgate validate --out out                     continue a run that `ftgate plan` began

\b
Exit code 1 when any finding is an error."""
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--output-format", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option(
    "--format", "example_format", default="auto", help="Format of the examples; detected by default."
)
@click.option(
    "--schema",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
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
@options.settings
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
    settings_path: str,
    quiet: bool,
) -> int:
    """Checks every line of training data."""
    from ftgate.cli import inspection

    if schema and not paths:
        raise click.UsageError("--schema is for named files; settings name theirs as data.example_schema.")
    if paths and out:
        raise click.UsageError("--out continues a run and takes no paths.")
    declared = ctx.get_parameter_source("settings_path") is ParameterSource.COMMANDLINE
    if out:
        report = inspection.continue_run(repo, out, quiet)
    elif paths:
        report = inspection.check_files(
            paths,
            example_format,
            settings_file=repo / settings_path if declared else None,
            schema_file=schema,
            jobs=jobs,
            digest=output_format == "json",
        )
    else:
        report = inspection.check_work_tree(repo, settings_path, quiet)
    click.echo(FORMATS[output_format](report), nl=False)
    return exit_code(report)


def exit_code(report: FindingsReport) -> int:
    """1 when any finding is an error, else 0."""
    worst = any(finding.severity is Severity.ERROR for finding in report.findings)
    return ExitCode.FAIL if worst else ExitCode.PASS
