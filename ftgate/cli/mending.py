"""The --fix of `ftgate validate`."""

from pathlib import Path

import click

from ftgate.edges.fixing import fix_file
from ftgate.errors import InputError
from ftgate.report.findings import FindingsReport
from ftgate.report.fixes import fix_lines, manifest
from ftgate.values.fix import Fix


def mend(
    root: Path, report: FindingsReport, *, dry_run: bool, manifest_file: Path | None, err: bool
) -> tuple[Fix, ...]:
    """Mends the files that were read, and says so. A file without a single example may be anything: it stays."""
    if manifest_file is not None:
        _refuse_place(manifest_file, [root / file.path for file in report.files])
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


def _refuse_place(manifest_file: Path, read: list[Path]) -> None:
    """Before anything is mended: InputError where the manifest would overwrite data, or cannot be written."""
    if manifest_file.exists() and any(file.exists() and manifest_file.samefile(file) for file in read):
        raise InputError(
            f"{manifest_file}: is data that was just read; the manifest would overwrite it",
            advice="Name another file with --manifest.",
        )
    if not manifest_file.parent.is_dir():
        raise InputError(f"{manifest_file.parent}: no such directory", advice="Make it, or name another.")
