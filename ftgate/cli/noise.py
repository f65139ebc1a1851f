"""`ftgate noise`."""

from pathlib import Path

import click

from ftgate.cli import options
from ftgate.errors import ExitCode


@click.command(
    epilog="""\b
Examples:
  ftgate noise --base main --out noise                     20 seeds of main: how often does the gate cry wolf
  ftgate noise --base main --against broken --out noise    and how often does it see what is broken

\b
Every seed is one training and is kept: the same command goes on where it stopped. Each ordered pair of seeds is judged
like a pull request. Few regression prompts or held-out examples, or a policy that is too strict for them, show here
before they show on a pull request."""
)
@options.repo
@options.base
@click.option(
    "--against", multiple=True, metavar="REV", help="Revision whose data is known to be worse; repeatable."
)
@click.option(
    "--seeds", type=click.IntRange(2, 200), default=20, show_default=True, help="Seeds of the base revision."
)
@click.option(
    "--against-seeds",
    type=click.IntRange(1, 200),
    default=5,
    show_default=True,
    help="Seeds of each other revision.",
)
@options.out
@options.settings
@options.store
@options.quiet
def noise(
    repo: Path,
    base: str,
    against: tuple[str, ...],
    seeds: int,
    against_seeds: int,
    out: Path,
    settings_path: str,
    store: Path | str | None,
    quiet: bool,
) -> int:
    """Measures false alarms between seeds, and detections where the data is worse."""
    from ftgate.cli import wiring
    from ftgate.edges.run_files import RunDirectory
    from ftgate.report.noise import noise_summary, noise_table
    from ftgate.stages.noise import Measurement
    from ftgate.stages.noise import noise as measure
    from ftgate.wire import to_json

    ports = wiring.build(wiring.commits(repo), out=out, store=store, quiet=quiet)
    found = measure(
        Measurement(
            base=base,
            against=against,
            seeds=tuple(range(1, seeds + 1)),
            against_seeds=tuple(range(1, against_seeds + 1)),
            settings_path=settings_path,
        ),
        ports,
    )
    runs = RunDirectory(out)
    runs.write("noise.md", noise_table(found) + "\n")
    where = runs.write("noise.json", to_json(found).decode())
    click.echo(noise_table(found))
    for line in noise_summary(found):
        click.echo(line)
    click.echo(f"written to {where}")
    return ExitCode.PASS
