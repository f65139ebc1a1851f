"""`ftgate decide`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ftgate.cli import options
from ftgate.cli.show import show_run

if TYPE_CHECKING:
    from ftgate.values.run import Request, Run


@click.command(
    epilog="""\b
Examples:
  ftgate decide --out out                       the same run and policy give the same verdict, for ever
  ftgate decide --out out --repo . --base main --head my-branch --jobs "$NEEDS"

\b
With --repo, --base and --head the run in the directory may come from anywhere: plan and findings are
made anew from git, and its evidence counts only where it is about the same commits, data and prompts.
With --repository and --pull-request the waivers in the comments are read and authorised again."""
)
@options.out
@click.option("--repo", type=click.Path(path_type=Path), help="Git repository with both commits.")
@click.option("--base", metavar="REV", help="Revision that the pull request merges into.")
@click.option("--head", metavar="REV", help="Revision under review.")
@options.settings
@click.option("--jobs", help="Results of the workflow's jobs: ${{ toJSON(needs) }}.")
@options.repository
@options.pull_request
@options.quiet
def decide(
    out: Path,
    repo: Path | None,
    base: str | None,
    head: str | None,
    settings_path: str,
    jobs: str | None,
    repository: str | None,
    pull_request: int | None,
    quiet: bool,
) -> int:
    """Compares and judges the evidence in run.json; exits with the verdict's code."""
    from ftgate.edges.run_files import RunDirectory
    from ftgate.stages.decide import decide as decided
    from ftgate.stages.pipeline import stored
    from ftgate.values.run import Request

    if (repository is None) != (pull_request is None):
        raise click.UsageError("--repository and --pull-request go together.")
    if repo is None and any(given is not None for given in (base, head, jobs, repository)):
        raise click.UsageError("--base, --head, --jobs and --repository need --repo.")
    if repo is not None and (base is None or head is None):
        raise click.UsageError("--repo needs --base and --head.")
    runs = RunDirectory(out)
    if repo is None or base is None or head is None:
        done = decided(stored(runs))
    else:
        request = Request(base=base, head=head, settings_path=settings_path)
        done = _distrusting(request, repo, out, jobs, (repository, pull_request), quiet)
    runs.save(done)
    return show_run(done, out)


def _distrusting(
    request: "Request",
    repo: Path,
    out: Path,
    jobs: str | None,
    where: tuple[str | None, int | None],
    quiet: bool,
) -> "Run":
    from ftgate import wire
    from ftgate.cli import wiring
    from ftgate.edges.run_files import RunDirectory
    from ftgate.stages.publish import publish
    from ftgate.stages.verdict import Arrived, Said, verdict

    # First of all: whatever fails from here on, no verdict of another machine is left to be published.
    run, problem = RunDirectory(out).take()
    results = {} if jobs is None else wire.jobs_of(jobs)
    ports = wiring.build(wiring.commits(repo), out=out, quiet=quiet)
    repository, number = where
    said = Said()
    if repository is not None and number is not None:
        from ftgate.stages.admit import said_on

        github = wiring.github(repository, number, ports.progress)
        said = said_on(github, ports.progress, ports.repository.commit(request.head))
    done = verdict(request, ports, Arrived(run=run, problem=problem, jobs=results), said)
    publish(done, ports.runs)
    return done
