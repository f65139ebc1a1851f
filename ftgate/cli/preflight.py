"""`ftgate preflight`."""

from pathlib import Path

import click

from ftgate.cli import options
from ftgate.errors import ExitCode
from ftgate.report.quote import terminal
from ftgate.values.run import Run


@click.command(
    epilog="""\b
Examples:
  ftgate preflight --out out                   after ftgate plan and ftgate validate
  ftgate preflight --repo ../data --out out

\b
Needs the base model's tokenizer, and neither a GPU nor the weights in memory. `ftgate train` runs it where it is
missing. Exit code 1 when it fails the pull request, 3 when a ceiling cannot be checked; nothing is trained then."""
)
@options.repo
@options.out
@options.store
@options.quiet
def preflight(repo: Path, out: Path, store: Path | str | None, quiet: bool) -> int:
    """Continues a run: what training would take, and whether it makes sense, before it starts."""
    from ftgate.cli import wiring
    from ftgate.decide.preflight_rulings import outcome
    from ftgate.stages.pipeline import resume

    done = resume("preflight", wiring.build(wiring.commits(repo), out=out, store=store, quiet=quiet))
    if done.preflight is None:
        click.echo("nothing to train")
        return ExitCode.PASS
    show_preflight(done)
    said = outcome(done).exit_code
    click.echo(f"Next: ftgate {'decide' if said else 'train'} --out {out}")
    return said


def show_preflight(run: Run) -> None:
    """What the preflight saw, and then what it says, worst first."""
    from ftgate.decide.preflight_rulings import preflighted
    from ftgate.decide.rulings import worst_first
    from ftgate.report.preflight import preflight_lines

    assert run.preflight is not None
    for line in preflight_lines(run.preflight):
        click.echo(terminal(line))
    for ruling in worst_first(preflighted(run)):
        reason = ruling.reason
        colour = {"error": "red", "warning": "yellow"}.get(reason.severity.value)
        click.secho(f"{reason.severity.value}: ", fg=colour, bold=True, nl=False)
        click.echo(terminal(f"{reason.text} [{reason.id}]"))
        if reason.remedy:
            click.secho(terminal(f"  → {reason.remedy}"), dim=True)
