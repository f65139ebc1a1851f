"""The --fix of `ftgate validate`."""

from pathlib import Path

import click

from ftgate.edges.fixing import fix_file
from ftgate.report.findings import FindingsReport
from ftgate.report.fixes import fix_lines, manifest
from ftgate.values.fix import Fix


def mend(
    root: Path, report: FindingsReport, *, dry_run: bool, manifest_file: Path | None, err: bool
) -> tuple[Fix, ...]:
    """Mends the files that were read, and says so. A file without a single example may be anything: it stays."""
    fixes = tuple(
        fix_file(root, file.path, dry_run=dry_run)
        if file.examples
        else Fix(path=file.path, left="no line of it is an example")
        for file in report.files
    )
    for line in fix_lines(fixes, dry_run=dry_run):
        click.echo(line, err=err)
    click.echo(err=err)
    if manifest_file is not None:
        manifest_file.write_text(manifest(fixes, dry_run=dry_run), "utf-8")
    return fixes
