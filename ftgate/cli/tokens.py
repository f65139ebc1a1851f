"""`ftgate tokens`."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ftgate.cli import options
from ftgate.errors import ExitCode

if TYPE_CHECKING:
    from ftgate.edges.token_view import TokenView
    from ftgate.report.tokens import Spans
    from ftgate.values.settings import Settings
    from ftgate.values.training import BaseModel

_STYLES: dict[str, dict[str, object]] = {
    "plain": {},
    "heading": {"bold": True},
    "dim": {"dim": True},
    "loss": {"fg": "green", "bold": True},
    "stop": {"fg": "green", "bold": True, "reverse": True},
    "beyond": {"fg": "red", "strikethrough": True},
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
}


@click.command(
    epilog="""\b
Examples:
  ftgate tokens data/train.jsonl                      lengths, share that carries loss, what is not trained
  ftgate tokens data/train.jsonl --line 7             one example: what the model sees, and what it must say
  ftgate tokens data/train.jsonl --base-model Qwen/Qwen3-8B
                                                      with the template of another model; no weights are fetched

\b
The base model is that of --base-model, else of the settings file, else bundled:tiny.
Exit code 1 when something would not be trained as it stands: refused, dropped, or without a stop token."""
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--line", type=click.IntRange(min=1), help="Show the example on this physical line.")
@click.option("--base-model", "name", metavar="NAME", help="Hub id, local path or bundled:tiny.")
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.settings
@options.quiet
@click.pass_context
def tokens(
    ctx: click.Context,
    file: Path,
    line: int | None,
    name: str | None,
    output_format: str,
    settings_path: str,
    quiet: bool,
) -> int:
    """Shows examples as the trainer sees them."""
    from ftgate.cli import wiring
    from ftgate.edges.loading import versions
    from ftgate.edges.meter import limit_of
    from ftgate.edges.token_view import TokenView, base_without_weights

    versions()
    explicit = ctx.get_parameter_source("settings_path") is click.core.ParameterSource.COMMANDLINE
    settings = _settings(Path(settings_path), name, explicit)
    base = base_without_weights(settings.base_model, settings.base_revision, wiring.hub_token())
    limit = limit_of(settings, base)
    view = TokenView(base, limit)
    if line is None:
        return _summary(file, view, base, limit, output_format == "json", quiet)
    return _example(file, line, view, base, limit, output_format == "json", marks=not _has_colors(ctx))


def _example(
    file: Path, line: int, view: "TokenView", base: "BaseModel", limit: int, as_json: bool, *, marks: bool
) -> int:
    from ftgate.edges.token_view import example_at
    from ftgate.report.tokens import example_json, example_lines

    (seen,) = view.look([example_at(file, line)])
    if as_json:
        click.echo(example_json(seen, base.name, limit), nl=False)
    else:
        _show(example_lines(seen, base.name, limit, marks=marks))
    whole = seen.rows and all(row.trained > 0 and row.tokens <= limit for row in seen.rows)
    return ExitCode.PASS if whole and seen.stopped else ExitCode.FAIL


def _summary(file: Path, view: "TokenView", base: "BaseModel", limit: int, as_json: bool, quiet: bool) -> int:
    from ftgate.cli.progress import TerminalProgress
    from ftgate.edges.token_view import examples_of
    from ftgate.report.tokens import Surveyed, summary_json, summary_lines

    examples, unread = examples_of(file)
    with TerminalProgress(quiet=quiet).task("tokenising", len(examples)) as task:
        survey = view.survey(examples, task.advance)
    lines = [example.place.line for example in examples]
    done = Surveyed(file.as_posix(), base.name, limit, lines, unread, survey)
    if as_json:
        click.echo(summary_json(done), nl=False)
    else:
        _show(summary_lines(done))
    return ExitCode.PASS if done.is_clean else ExitCode.FAIL


def _settings(file: Path, name: str | None, explicit: bool) -> "Settings":
    from ftgate.edges.yaml_files import Documents
    from ftgate.errors import InputError
    from ftgate.values.settings import DataSettings, Settings

    if file.is_file():
        found = Documents().settings(file.as_posix(), file.read_bytes())
    elif explicit:
        raise InputError(f"{file}: no such file", advice="Name the settings file, or leave --settings out.")
    else:
        found = Settings(data=DataSettings(train=()))
    if name is None:
        return found
    from msgspec.structs import replace

    return replace(found, base_model=name, base_revision=None)


def _has_colors(ctx: click.Context) -> bool:
    """Whether click will leave colours in: NO_COLOR has set ctx.color, and a pipe gets none."""
    return bool(ctx.color) if ctx.color is not None else sys.stdout.isatty()


def _show(lines: "Iterable[Spans]") -> None:
    for line in lines:
        click.echo("".join(click.style(text, **_STYLES[style]) for style, text in line))  # type: ignore[arg-type]
