"""Prints values for a person; the text itself is made in report/."""

import shutil
import sys
from pathlib import Path

import click

from ftgate.report.comment import comment
from ftgate.report.findings import FindingsReport
from ftgate.report.findings import text as findings_text
from ftgate.report.folded import folded
from ftgate.report.summary import Style, summary
from ftgate.values.run import Run

_STYLES: dict[Style, dict[str, object]] = {
    "plain": {},
    "heading": {"bold": True},
    "dim": {"dim": True},
    "pass": {"fg": "green", "bold": True},
    "fail": {"fg": "red", "bold": True},
    "inconclusive": {"fg": "yellow", "bold": True},
    "command": {"fg": "cyan"},
}


_FINDINGS: dict[findings_text.Style, dict[str, object]] = {
    "plain": {},
    "heading": {"bold": True, "underline": True},
    "dim": {"dim": True},
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "notice": {"fg": "blue", "bold": True},
    "check": {"bold": True},
    "caret": {"fg": "red", "bold": True},
}
_WIDEST = 160


def show_findings(report: FindingsReport) -> None:
    """Findings for a person; as wide as the terminal, 100 columns anywhere else. click leaves colours out there."""
    width = findings_text.WIDTH
    if sys.stdout.isatty():
        width = min(max(shutil.get_terminal_size().columns, 60), _WIDEST)
    for line in findings_text.lines(report, width):
        click.echo("".join(click.style(text, **_FINDINGS[style]) for style, text in line))  # type: ignore[arg-type]


def show_run(run: Run, out: Path) -> int:
    """The run's summary and where its files are; returns the exit code of its verdict."""
    for line in summary(run):
        click.secho(line.text, **_STYLES[line.style])  # type: ignore[arg-type]
    click.echo(f"\nFiles: {out / 'comment.md'}, {out / 'run.json'}")
    assert run.verdict is not None
    return run.verdict.outcome.exit_code


def show_heading(text: str) -> None:
    """A line that separates two runs."""
    click.echo()
    click.secho(f"━━ {text}", bold=True)
    click.echo()


def show_comment(run: Run, out: Path) -> None:
    """The comment as the pull request would get it, folded as GitHub folds it."""
    assert run.verdict is not None
    color = {"pass": "green", "fail": "red"}.get(run.verdict.outcome.value, "yellow")
    for line in folded(comment(run)).splitlines():
        if line.startswith("#"):
            click.secho(line.lstrip("# "), fg=color if line.startswith("## ") else None, bold=True)
        else:
            click.echo(line)
    click.echo(f"\nFiles: {out / 'comment.md'}, {out / 'run.json'}")
