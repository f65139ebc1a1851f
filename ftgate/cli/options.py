"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

settings: Decorator = click.option(
    "--settings",
    "settings_path",
    metavar="PATH",
    default="ftgate.yaml",
    show_default=True,
    help="Settings file in the repository.",
)
repo: Decorator = click.option(
    "--repo",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default="this directory",
    help="Git repository.",
)
base: Decorator = click.option(
    "--base", metavar="REV", required=True, help="Revision that the pull request merges into."
)
head: Decorator = click.option(
    "--head", metavar="REV", default="HEAD", show_default=True, help="Revision under review."
)
out: Decorator = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("ftgate-out"),
    show_default=True,
    help="Directory of run.json and comment.md.",
)
store: Decorator = click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    show_default="~/.cache/ftgate",
    help="Where adapters and graded arms are kept between runs.",
)
quiet: Decorator = click.option("--quiet", "-q", is_flag=True, help="No progress on standard error.")
repository: Decorator = click.option("--repository", metavar="OWNER/NAME", help="Repository on GitHub.")
pull_request: Decorator = click.option(
    "--pull-request", type=int, metavar="NUMBER", help="Number of the pull request."
)
