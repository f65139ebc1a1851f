"""`ftgate admit`."""

from pathlib import Path

import click

from ftgate.cli import options
from ftgate.errors import ExitCode, InputError
from ftgate.report.quote import terminal


@click.command(
    epilog="""\b
Example: ftgate admit --out out --repository acme/bank --pull-request 12

\b
Exit code 0 when the head may be trained or nothing has to be, 3 when it waits for a maintainer.
Reads the comments and asks for everybody's permission anew, every time."""
)
@options.out
@options.repository
@options.pull_request
@click.option(
    "--head", metavar="SHA", help="Commit that the workflow runs for; by default the one that was planned."
)
@click.option(
    "--actor", envvar="GITHUB_ACTOR", default="", help="Login of whoever pushed. [default: GITHUB_ACTOR]"
)
@click.option(
    "--outputs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that gets the line trains=true or trains=false, for a workflow.",
)
@options.quiet
def admit(
    out: Path,
    repository: str | None,
    pull_request: int | None,
    head: str | None,
    actor: str,
    outputs: Path | None,
    quiet: bool,
) -> int:
    """Whether this head may be trained: by its author's permission, or by a maintainer's word."""
    from ftgate.cli import wiring
    from ftgate.cli.progress import TerminalProgress
    from ftgate.edges.run_files import RunDirectory
    from ftgate.stages.admit import admit as admitted
    from ftgate.stages.pipeline import stored
    from ftgate.stages.validate import blocks

    if repository is None or pull_request is None:
        raise click.UsageError("--repository and --pull-request are needed.")
    runs = RunDirectory(out)
    run = stored(runs)
    if head is not None and head != run.plan.head:
        raise InputError(
            f"the run in {out} is about {run.plan.head[:12]}, not {head[:12]}",
            advice="Plan again for this head: ftgate plan --base REV --head REV --out DIR",
        )
    progress = TerminalProgress(quiet=quiet)
    done = admitted(run, wiring.github(repository, pull_request, progress), progress, actor)
    runs.save(done)
    wanted = done.plan.applicable and not blocks(done)
    trains = wanted and done.admission is not None and done.admission.admitted
    if outputs is not None:
        with outputs.open("a") as file:
            file.write(f"trains={'true' if trains else 'false'}\n")
    if not wanted or done.admission is None:
        click.echo("nothing is to be trained, so nobody has to admit it")
        return ExitCode.PASS
    click.echo(terminal(f"{'admitted' if trains else 'waits'}: {done.admission.why}"))
    return ExitCode.PASS if trains else ExitCode.INCONCLUSIVE
