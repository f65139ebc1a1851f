"""`ftgate demo`."""

from pathlib import Path

import click

from ftgate.cli import options
from ftgate.cli.show import show_comment, show_heading
from ftgate.errors import ExitCode


@click.command(
    epilog="""\b
Examples:
  ftgate demo
  ftgate demo /tmp/try-ftgate

\b
Needs no GPU, account or network. Interrupted? Run it again."""
)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path("ftgate-demo"))
@options.quiet
def demo(directory: Path, quiet: bool) -> int:
    """Two pull requests through the gate: one passes, one is blocked.

    Makes a sample repository in DIRECTORY (default: ftgate-demo), trains a tiny bundled model with real QLoRA on
    this machine's processor, and shows the comment that each pull request would get.
    """
    from ftgate.cli import wiring
    from ftgate.demo.sample import STORIES, make_sample
    from ftgate.stages.pipeline import gate
    from ftgate.values.run import Request

    repository = make_sample(directory / "repository")
    for story in STORIES:
        show_heading(f"Pull request '{story.branch}': {story.title}")
        out = directory / story.branch
        ports = wiring.build(wiring.commits(repository), out=out, store=directory / "store", quiet=quiet)
        show_comment(gate(Request(base="main", head=story.branch), ports), out)
    click.echo(f"\nThe sample repository: {repository}")
    click.echo(
        f"Do it yourself:  ftgate run --repo {repository} --base main --head relabel --out {directory}/again"
    )
    return ExitCode.PASS
