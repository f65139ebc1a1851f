"""`ftgate split`."""

from pathlib import Path

import click
from click.core import ParameterSource

from ftgate.decide.reserve import SHARE
from ftgate.errors import ExitCode, InputError


@click.command(
    epilog="""\b
Examples:
  ftgate split data/all.jsonl -o data                         data/train.jsonl and data/held_out.jsonl
  ftgate split data/all --share 0.2 --group-by metadata.user  one user is never on both sides

\b
An example's side is decided by its group, or else by its user turns, and by nothing else: run it again on a longer
file, and no old example changes sides. Small files miss the share by chance; --seed draws another split."""
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=SHARE,
    show_default=True,
    help="Share to hold out.",
)
@click.option(
    "--group-by",
    "field",
    default="group",
    show_default=True,
    help="Key of a line, or metadata.KEY: examples of one group stay together.",
)
@click.option("--seed", default="", help="Any text; another one draws another split.")
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory of train.jsonl and held_out.jsonl.",
)
@click.option("--force", is_flag=True, help="Overwrite the files of an earlier split.")
def split(paths: tuple[Path, ...], share: float, field: str, seed: str, out: Path, force: bool) -> int:
    """Writes a training file and a held-out file; examples never change sides when lines are added."""
    from ftgate.edges.plain_files import files_below
    from ftgate.edges.splitting import HELD_OUT, TRAIN, split_files
    from ftgate.report.wording import count

    files = files_below(paths)
    for name in (TRAIN, HELD_OUT):
        target = out / name
        if any(target.exists() and target.samefile(file) for file in files):
            raise InputError(
                f"{target}: would be read and written", advice="Name another directory with --out."
            )
        if target.exists() and not force:
            raise InputError(
                f"{target}: exists already", advice="Overwrite it with --force, or name another --out."
            )
    done = split_files(files, out, share=share, field=field, seed=seed)
    click.echo(
        f"wrote {out / TRAIN} ({count(done.train, 'example')}) and "
        f"{out / HELD_OUT} ({count(done.held_out, 'example')}, {done.share:.1%})"
    )
    asked = click.get_current_context().get_parameter_source("field") is ParameterSource.COMMANDLINE
    if asked and not done.grouped:
        click.echo(
            f"No example has {field}: every question was a group of its own. Is --group-by misspelled?",
            err=True,
        )
    if not 0.1 <= done.share <= 0.2:
        click.echo(
            "10 to 20 % are recommended: choose another --share, or another --seed for a small file.",
            err=True,
        )
    return ExitCode.PASS
