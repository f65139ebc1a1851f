"""`ftgate review`."""

from pathlib import Path

import click

from ftgate.cli import options
from ftgate.errors import ExitCode


@click.command(
    epilog="""\b
Examples:
  ftgate review                                 list generated examples that nobody has read, most diverse first
  ftgate review --by anna                       the same, asking about one after the other
  ftgate review --accept 3f2a91c0 --by anna     record one review

\b
Reviews are lines of the file that data.reviews names (reviews.jsonl), keyed by the SHA-256 of what was read:
an example that is edited has to be read again. Commit the file with the data."""
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--count", type=click.IntRange(1, 1000), default=10, show_default=True, help="Examples shown.")
@click.option("--accept", metavar="SHA", help="Record that this example is right; eight digits are enough.")
@click.option("--reject", metavar="SHA", help="Record that this example is wrong.")
@click.option(
    "--by", metavar="NAME", help="Who reads; without --accept and --reject, asks about each example."
)
@options.repo
@options.settings
def review(
    paths: tuple[Path, ...],
    count: int,
    accept: str | None,
    reject: str | None,
    by: str | None,
    repo: Path,
    settings_path: str,
) -> int:
    """Lists the most diverse generated examples without a review, and records reviews."""
    from ftgate.cli import reviewing

    if accept and reject:
        raise click.UsageError("--accept and --reject are two words on one example.")
    if (accept or reject) and not (by or "").strip():
        raise click.UsageError("A review needs --by NAME.")
    desk = reviewing.open_desk(paths, repo, settings_path)
    if accept or reject:
        one = desk.find(accept or reject or "")
        click.echo(desk.record(one, by or "", accepted=bool(accept)))
        return ExitCode.PASS
    waiting = desk.waiting(count)
    if not waiting:
        click.echo("No generated example waits for a review.")
    for one in waiting:
        click.echo(reviewing.shown(one))
        if by:
            word = click.prompt("right? [y]es, [n]o, [s]kip, [q]uit", type=click.Choice(["y", "n", "s", "q"]))
            if word == "q":
                break
            if word != "s":
                click.echo(desk.record(one, by, accepted=word == "y"))
    click.echo(desk.state(), err=True)
    return ExitCode.PASS
