"""`ftgate spot-check`."""

from pathlib import Path

import click

from ftgate.cli import options
from ftgate.cli.show import show_run
from ftgate.errors import ExitCode, InputError


@click.command(
    "spot-check",
    epilog="""\b
Examples:
  ftgate spot-check --out out                       writes out/spot-check.html: open it, press y or n
  ftgate spot-check --out out --votes votes.json    opens the seal, and decides with what the reader said

\b
Forty cards, base and candidate in random order. Which is which stands in out/spot-check.key.json and not on the
page. More than policy.max_unshippable candidate completions that the reader would not ship fail the run.""",
)
@options.out
@click.option(
    "--votes",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file that the page saved.",
)
@click.option(
    "--completions",
    type=click.IntRange(1, 200),
    default=20,
    show_default=True,
    help="Completions of each arm on the page.",
)
def spot_check(out: Path, votes: Path | None, completions: int) -> int:
    """Makes a page for a blinded reading of completions, or reads its votes into the verdict."""
    from ftgate.cli import wiring
    from ftgate.edges.run_files import LARGEST, RunDirectory, read_plain
    from ftgate.stages import spot_check as stage

    runs = RunDirectory(out)
    if votes is None:
        page = stage.make(runs, wiring.salt(), completions)
        click.echo(f"{page}: open it in a browser; y and n vote, s saves votes.json")
        click.echo(f"Next: ftgate spot-check --out {out} --votes votes.json")
        return ExitCode.PASS
    content = read_plain(votes, LARGEST)
    if content is None:
        raise InputError(
            f"{votes}: no such file", advice="Press s on the page, then name the file that it saves."
        )
    return show_run(stage.read(runs, content, str(votes)), out)
