"""Each stage as a command of its own: continues from run.json in --out."""

from pathlib import Path

import click

from ftgate.cli import job_outputs, options
from ftgate.errors import ExitCode
from ftgate.report.quote import terminal
from ftgate.values.run import Run


@click.command(epilog="Example: ftgate plan --base main --head my-branch --out out")
@options.repo
@options.base
@options.head
@options.out
@options.settings
@job_outputs.option
@options.quiet
def plan(
    repo: Path, base: str, head: str, out: Path, settings_path: str, outputs: Path | None, quiet: bool
) -> int:
    """Starts a run: which files changed, is the gate concerned, by whose rules."""
    from ftgate.cli import wiring
    from ftgate.stages.pipeline import advance, begin, concerned
    from ftgate.values.run import Request

    ports = wiring.build(wiring.commits(repo), out=out, quiet=quiet)
    begun = begin(Request(base=base, head=head, settings_path=settings_path), ports)
    done = begun if "plan" in begun.stages else advance(begun, "plan", ports)
    if outputs is not None:
        job_outputs.append(outputs, job_outputs.of_plan(done))
    click.echo(terminal(f"{'applicable' if done.plan.applicable else 'not applicable'}: {done.plan.why}"))
    for path in done.plan.protected:
        click.echo(terminal(f"{path.change} {path.path} ({path.role}): takes effect after the merge"))
    click.echo(f"Next: ftgate {'validate' if concerned(done, 'validate') else 'decide'} --out {out}")
    return ExitCode.PASS


@click.command(epilog="Example: ftgate train --repo . --out out")
@options.repo
@options.out
@options.store
@options.quiet
def train(repo: Path, out: Path, store: Path | str | None, quiet: bool) -> int:
    """Trains baseline and candidate, or reuses what is known."""
    done = _continue("train", repo, out, store, quiet)
    if "train" in done.stages:
        click.echo(f"Next: ftgate evaluate --out {out}")
    elif done.preflight is not None:
        from ftgate.cli.preflight import show_preflight

        show_preflight(done)
        click.echo(f"nothing is trained: the preflight says no\nNext: ftgate decide --out {out}")
    else:
        click.echo("nothing to train")
    return ExitCode.PASS


@click.command(epilog="Example: ftgate evaluate --repo . --out out")
@options.repo
@options.out
@options.store
@options.quiet
def evaluate(repo: Path, out: Path, store: Path | str | None, quiet: bool) -> int:
    """Asks base, baseline and candidate the same prompts and grades what they say."""
    done = _continue("evaluate", repo, out, store, quiet)
    click.echo(f"Next: ftgate decide --out {out}" if "evaluate" in done.stages else "nothing to evaluate")
    return ExitCode.PASS


def _continue(name: str, repo: Path, out: Path, store: Path | str | None, quiet: bool) -> Run:
    from ftgate.cli import wiring
    from ftgate.stages.pipeline import resume

    return resume(name, wiring.build(wiring.commits(repo), out=out, store=store, quiet=quiet))
