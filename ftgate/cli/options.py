"""Options that several commands share."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import click

_ONE_SLASH = re.compile(r"([a-z0-9]{2,20}):/(?!/)")
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class StorePlace(click.ParamType):  # type: ignore[type-arg]
    """A directory as a Path, a URL as text; file:// is a directory."""

    name = "place"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path | str:
        if isinstance(value, Path):
            return value
        text = str(value)
        if text.startswith("file://"):
            text = unquote(urlsplit(text).path)
        elif "://" in text:
            return text
        elif (mistyped := _ONE_SLASH.match(text)) and not Path(text).exists():
            self.fail(
                f"{text} is neither a directory nor a URL: {mistyped[1]}:// has two slashes", param, ctx
            )
        folder = Path(text)
        if folder.exists() and not folder.is_dir():
            self.fail(f"{text} is a file", param, ctx)
        return folder


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
    type=StorePlace(),
    metavar="PLACE",
    default=None,
    show_default="~/.cache/ftgate",
    help="Where adapters and graded arms are kept between runs: a directory, or a URL of s3://, gs:// or hf://.",
)
quiet: Decorator = click.option("--quiet", "-q", is_flag=True, help="No progress on standard error.")
repository: Decorator = click.option("--repository", metavar="OWNER/NAME", help="Repository on GitHub.")
pull_request: Decorator = click.option(
    "--pull-request", type=int, metavar="NUMBER", help="Number of the pull request."
)
