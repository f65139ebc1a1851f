"""`ftgate run`."""

from pathlib import Path

import click

from ftgate.cli import options
from ftgate.cli.show import show_run


@click.command(
    epilog="""\b
Examples:
  ftgate run --base main --head my-branch --out out
  ftgate run --repo ../data --base origin/main --head HEAD --out /tmp/gate

\b
Reads both commits as git objects; the work tree is not touched and need not be clean.
Interrupted? Run the same command again."""
)
@options.repo
@options.base
@options.head
@options.out
@options.settings
@options.store
@options.quiet
def run(
    repo: Path, base: str, head: str, out: Path, settings_path: str, store: Path | str | None, quiet: bool
) -> int:
    """The whole gate on two commits: plan, validate, preflight, train, evaluate, decide, publish."""
    from ftgate.cli import wiring
    from ftgate.stages.pipeline import gate
    from ftgate.values.run import Request

    ports = wiring.build(wiring.commits(repo), out=out, store=store, quiet=quiet)
    done = gate(Request(base=base, head=head, settings_path=settings_path), ports)
    return show_run(done, out)
