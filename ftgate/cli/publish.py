"""publish: the comment, the job summary, the annotations and the SARIF file of a run."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ftgate.cli import options
from ftgate.errors import ExitCode, FtgateError, InputError, RefusedError
from ftgate.report.quote import terminal

if TYPE_CHECKING:
    from ftgate.ports import PullRequest
    from ftgate.report.posted import Posting
    from ftgate.report.stamp import Stamp, State
    from ftgate.values.run import Run

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    epilog="""\b
Examples:
  ftgate publish --out out                                                only writes comment.md
  ftgate publish --out out --repository acme/bank --pull-request 12       posts it, editing the one comment
  ftgate publish --in-progress --head SHA --repository acme/bank --pull-request 12 --run-number 40"""
)
@options.out
@click.option(
    "--repository", metavar="OWNER/NAME", help="Repository on GitHub; without it the comment is only written."
)
@click.option("--pull-request", type=int, help="Number of the pull request that gets the comment.")
@click.option(
    "--head",
    metavar="SHA",
    help="Commit that the run must be about; with --in-progress the one being judged.",
)
@click.option("--in-progress", is_flag=True, help="Say that the gate works on --head; needs no run yet.")
@click.option(
    "--run-number",
    type=click.IntRange(min=1),
    help="GitHub's run number: an older run never replaces a newer.",
)
@click.option("--run-attempt", type=click.IntRange(min=1), help="GitHub's attempt of that run.  [default: 1]")
@click.option("--run-url", default="", help="Where that run can be watched; linked in the comment.")
@click.option("--author", help="Login that the token writes as, for a token that may not ask (ftgate[bot]).")
@click.option("--summary", type=_FILE, help="Append the whole comment to this file ($GITHUB_STEP_SUMMARY).")
@click.option(
    "--annotations", is_flag=True, help="Print the findings as workflow commands, shown at their lines."
)
@click.option("--sarif", type=_FILE, help="Write the findings for code scanning.")
@options.quiet
def publish(
    out: Path,
    repository: str | None,
    pull_request: int | None,
    head: str | None,
    in_progress: bool,
    run_number: int | None,
    run_attempt: int | None,
    run_url: str,
    author: str | None,
    summary: Path | None,
    annotations: bool,
    sarif: Path | None,
    quiet: bool,
) -> int:
    """Writes comment.md; with --repository and --pull-request also posts it, editing the one comment.

    A token that may not comment changes nothing but where the text stands: with --summary that is enough.
    """
    from ftgate.report import posted

    _check(repository, pull_request, head, in_progress)
    target = _target(repository, pull_request, author, quiet)
    if in_progress:
        assert target is not None and head is not None
        stamp = _stamp(head, run_number, run_attempt, "in-progress")
        _post(posted.in_progress(stamp, run_url), target, covered=False)
        return ExitCode.PASS
    try:
        run = _usable(out, head)
    except FtgateError as error:
        if target is not None and head is not None:
            stamp = _stamp(head, run_number, run_attempt, "final")
            _post(posted.stopped(stamp, run_url, error.message), target, covered=True)
        raise
    _render(run, out, summary, sarif, annotations)
    if target is not None:
        stamp = _stamp(run.plan.head, run_number, run_attempt, "final")
        _post(posted.verdict(run, stamp, run_url), target, covered=summary is not None)
    return ExitCode.PASS


def _check(repository: str | None, pull_request: int | None, head: str | None, in_progress: bool) -> None:
    if (repository is None) != (pull_request is None):
        raise click.UsageError("--repository and --pull-request go together.")
    if in_progress and (repository is None or head is None):
        raise click.UsageError("--in-progress needs --head, --repository and --pull-request.")
    if head is not None and not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", head):
        raise click.UsageError("--head takes a full commit SHA.")


def _target(
    repository: str | None, number: int | None, author: str | None, quiet: bool
) -> "PullRequest | None":
    from ftgate.cli import wiring
    from ftgate.cli.progress import TerminalProgress

    if repository is None or number is None:
        return None
    return wiring.pull_request(repository, number, author, TerminalProgress(quiet=quiet))


def _stamp(head: str, run: int | None, attempt: int | None, state: "State") -> "Stamp":
    from ftgate.report.stamp import Stamp

    return Stamp(head=head, run=run or 0, attempt=attempt or 1 if run else 0, state=state)


def _usable(out: Path, head: str | None) -> "Run":
    from ftgate.edges.run_files import RunDirectory
    from ftgate.stages.pipeline import stored

    run = stored(RunDirectory(out))
    if head is not None and run.plan.head != head:
        raise InputError(
            f"{out}: the run is about {run.plan.head}, not about {head}",
            advice="Run the gate on that commit, or name another --out DIR.",
        )
    return run


def _render(run: "Run", out: Path, summary: Path | None, sarif: Path | None, annotations: bool) -> None:
    """Everything that needs no network comes first: it stands whatever GitHub says."""
    from ftgate.edges.run_files import RunDirectory
    from ftgate.report.findings import FORMATS, FindingsReport
    from ftgate.report.posted import job_summary
    from ftgate.stages.publish import publish as published

    click.echo(published(run, RunDirectory(out)))
    report = FindingsReport(files=run.files, findings=run.findings, compared=True)
    if sarif is not None:
        sarif.write_text(FORMATS["sarif"](report), "utf-8")
        click.echo(sarif)
    if summary is not None:
        text = job_summary(run, summary.stat().st_size if summary.exists() else 0)
        if not text:
            click.echo(
                f"{terminal(str(summary))} is full: GitHub would drop all of it, so nothing was added",
                err=True,
            )
        with summary.open("a", encoding="utf-8") as file:
            file.write(text)
    if annotations:
        click.echo(FORMATS["github"](report), nl=False)


def _post(posting: "Posting", target: "PullRequest", *, covered: bool) -> None:
    """`covered`: the text or the failure is told elsewhere too, so a read-only token is no failure."""
    from ftgate.stages.publish import put

    try:
        url = put(posting, target)
    except RefusedError as error:
        if not covered:
            raise
        click.echo(f"not posted: {terminal(error.message)}\n  {terminal(error.advice)}", err=True)
        return
    if url is None:
        click.echo("not posted: the pull request has moved on to another commit", err=True)
    else:
        click.echo(terminal(url))
