"""`ftgate engine`: whether a server answers as this machine does."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from ftgate.cli import options
from ftgate.errors import ExitCode, InputError, SettingsError

if TYPE_CHECKING:
    from ftgate.values.settings import Settings

_PROMPTS = 5
_TOKENS = 32


@click.group(epilog="Example: ftgate engine check")
def engine() -> None:
    """Looks at the server that generates completions (`evaluation.engine: server`)."""


@engine.command(
    epilog="""\b
Examples:
  ftgate engine check                       base model: this machine against the server
  ftgate engine check --adapter DIR         an adapter too, and whether it acts on the server

\b
Exit code 4 when the server reads a prompt with another number of tokens (another chat template), when an adapter does
not act there, or when no answer is the same. Needs the training stack on this machine."""
)
@options.settings
@click.option(
    "--adapter",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Directory of an adapter of this base model.",
)
@options.quiet
def check(settings_path: str, adapter: Path | None, quiet: bool) -> int:
    """Asks this machine and the server the same five prompts, greedily, and prints how far they agree."""
    from ftgate.cli import wiring
    from ftgate.cli.progress import TerminalProgress
    from ftgate.edges.completer import LocalCompleter
    from ftgate.edges.yaml_files import Documents
    from ftgate.ports import CompletionJob
    from ftgate.report.engine import agreeing, engine_lines, same_prompts

    settings = _settings(settings_path)
    server = wiring.server(settings)
    if server is None:
        raise SettingsError(
            f"{settings_path}: evaluation.engine is local, there is no server to compare",
            advice="Set evaluation.engine to server, and describe it in evaluation.server.",
        )
    told = server.versions()
    prompts = Documents().probes()[:_PROMPTS]
    job = CompletionJob(
        label="asking this machine",
        base_model=wiring.base_models().resolve(settings.base_model, settings.base_revision),
        method=settings.training.method,
        adapter=adapter,
        prompts=prompts,
        max_new_tokens=_TOKENS,
        batch_size=1,
    )
    local, progress = LocalCompleter(), TerminalProgress(quiet=quiet)
    answers = (
        local.complete(job, progress),
        server.complete(replace(job, label="asking the server"), progress),
    )
    tokens = local.prompt_tokens(job), server.prompt_tokens(prompts)
    click.echo(f"{told['engine']} at {told['host']}, against {local.versions()['engine']}")
    for line in engine_lines(prompts, tokens, answers):
        click.echo(line)
    acts = True
    if adapter is not None:
        difference = server.sentinel(job).logit_difference
        acts = bool(difference)
        click.echo(
            f"the adapter {'acts' if acts else 'does not act'} on the server (difference {difference:.3g})"
        )
    fine = acts and same_prompts(*tokens) == len(prompts) and agreeing(*answers) > 0
    return ExitCode.PASS if fine else ExitCode.OUTSIDE


def _settings(path: str) -> "Settings":
    from ftgate.edges.yaml_files import Documents

    try:
        return Documents().settings(path, Path(path).read_bytes())
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror or error}", advice="Name the settings with --settings."
        ) from error
