"""`ftgate promote`."""

from pathlib import Path

import click

from ftgate.cli import options
from ftgate.errors import ExitCode, InputError
from ftgate.report.quote import terminal
from ftgate.values.run import Run


@click.command(
    epilog="""\b
Examples:
  ftgate promote --base HEAD~1 --head HEAD --run out
  ftgate promote --base "$BEFORE" --head "$AFTER" --run out --push origin

\b
Run it on pushes to the default branch only. Nothing to promote is no failure."""
)
@options.repo
@click.option(
    "--base",
    required=True,
    metavar="REV",
    help="Commit before the push; all zeros or empty for a first push.",
)
@click.option("--head", metavar="REV", default="HEAD", show_default=True, help="Commit after the push.")
@click.option(
    "--run",
    "--out",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory of the run.json that tested the merged data; may be given several times.",
)
@options.settings
@options.store
@click.option("--push", "remote", help="Remote whose data branch is written; without it the local one.")
@click.option("--pull-request", type=int, help="Number of the pull request that was merged, for the record.")
@click.option("--train", is_flag=True, help="Train and evaluate the baseline when nobody has.")
@options.quiet
def promote(
    repo: Path,
    base: str,
    head: str,
    folders: tuple[Path, ...],
    settings_path: str,
    store: Path | str | None,
    remote: str | None,
    pull_request: int | None,
    train: bool,
    quiet: bool,
) -> int:
    """Makes what a run tested the baseline of the default branch, without training it again.

    One record per training and one line of the ledger are written to the branch ftgate-data; the work tree is not
    touched.
    """
    from dataclasses import replace

    from ftgate.cli import wiring
    from ftgate.stages.promote import Push
    from ftgate.stages.promote import promote as promoted

    push = Push(
        base=base if base.strip("0") else "",
        head=head,
        settings_path=settings_path,
        pull_request=pull_request,
        look=isinstance(store, str) or (wiring.local_store(store) / "trainings").is_dir(),
        train=train,
    )
    ports = wiring.build(wiring.commits(repo), out=Path(), store=store, quiet=quiet)
    done = promoted(push, _runs(folders), replace(ports, baselines=wiring.data_branch(repo, remote)))
    for sentence in done.said:
        click.echo(terminal(sentence))
    return ExitCode.PASS


def _runs(folders: tuple[Path, ...]) -> dict[str, Run]:
    """The runs that can be read. One that cannot promotes nothing, and stops nothing."""
    from ftgate.edges.run_files import RunDirectory

    runs: dict[str, Run] = {}
    for folder in folders:
        try:
            run = RunDirectory(folder).load()
        except InputError as error:
            click.echo(terminal(f"{folder} is not used: {error.message}"), err=True)
            continue
        if run is None:
            click.echo(terminal(f"{folder} is not used: it has no run.json"), err=True)
        else:
            runs[str(folder)] = run
    return runs
