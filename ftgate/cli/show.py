"""Prints values for a person; the text itself is made in report/."""

from pathlib import Path

import click

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


def show_run(run: Run, out: Path) -> int:
    """The run's summary and where its files are; returns the exit code of its verdict."""
    for line in summary(run):
        click.secho(line.text, **_STYLES[line.style])  # type: ignore[arg-type]
    click.echo(f"\nfiles: {out / 'run.json'}, {out / 'comment.md'}")
    assert run.verdict is not None
    return run.verdict.outcome.exit_code


def show_heading(text: str) -> None:
    """A line that separates two runs."""
    click.echo()
    click.secho(text, bold=True, underline=True)


def show_comment(run: Run, out: Path) -> None:
    """The comment as the pull request would get it, then the summary."""
    from ftgate.report.comment import comment

    click.echo(comment(run))
    show_run(run, out)
