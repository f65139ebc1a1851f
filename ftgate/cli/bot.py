"""`ftgate bot`."""

import time
from pathlib import Path

import click

from ftgate.errors import ExitCode, InputError
from ftgate.report.quote import terminal

_LARGEST = 26_000_000
_WORKFLOW = ".github/workflows/ftgate.yml"


@click.command(
    epilog="""\b
Example: ftgate bot --event "$GITHUB_EVENT_PATH" --repository acme/bank

\b
Reads one issue_comment event, then the comment itself through the API, and answers by a reaction and a
line in the gate's comment. It runs nothing itself: it has GitHub run failed jobs of the gate again."""
)
@click.option(
    "--event", required=True, type=click.Path(path_type=Path), help="File of the issue_comment event."
)
@click.option("--repository", required=True, metavar="OWNER/NAME", help="Repository on GitHub.")
@click.option(
    "--workflow",
    envvar="GITHUB_WORKFLOW_REF",
    default=_WORKFLOW,
    help="Workflow file that gates pull requests. [default: this workflow, by GITHUB_WORKFLOW_REF]",
)
def bot(event: Path, repository: str, workflow: str) -> int:
    """Answers a command in a comment of a pull request."""
    from ftgate import wire
    from ftgate.cli import wiring
    from ftgate.cli.progress import TerminalProgress
    from ftgate.decide.trust import parse
    from ftgate.edges.run_files import read_plain
    from ftgate.stages.bot import Desk, obey

    content = read_plain(event, _LARGEST)
    if content is None:
        raise InputError(f"{event}: no such file", advice='Name it: --event "$GITHUB_EVENT_PATH"')
    said = wire.comment_event_of(content, str(event))
    # Most comments are no command; for those GitHub is asked nothing.
    if said is None or parse(said.body) is None:
        click.echo("no command for ftgate")
        return ExitCode.PASS
    progress = TerminalProgress(quiet=False)
    desk = Desk(
        github=wiring.github(repository, said.pull_request, progress),
        progress=progress,
        workflow=_path(workflow, repository),
        pause=time.sleep,
    )
    reply = obey(said.comment, desk)
    click.echo(terminal(f"{reply.sign} {reply.text}") if reply else "no command for ftgate")
    return ExitCode.PASS


def _path(workflow: str, repository: str) -> str:
    """owner/name/.github/workflows/x.yml@refs/heads/main as a path in the repository."""
    return workflow.partition("@")[0].removeprefix(f"{repository}/")
