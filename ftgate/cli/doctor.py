"""`ftgate doctor`."""

from collections.abc import Iterable
from pathlib import Path

import click

from ftgate.cli import options
from ftgate.errors import ExitCode
from ftgate.report.quote import terminal
from ftgate.values.setup import DataSetup, Diagnosis, Sign

_SIGNS: dict[Sign, tuple[str, str]] = {
    Sign.OK: ("ok  ", "green"),
    Sign.WARN: ("warn", "yellow"),
    Sign.BAD: ("bad ", "red"),
}


@click.command(
    epilog="""\b
Examples:
  ftgate doctor                                   settings, prompts, held-out set, this machine
  ftgate doctor --repository acme/bank            also: does the gate run there, and does it block
  ftgate doctor --store s3://bucket/prefix        also: can the store be written, read and listed

\b
Exit code 1 when something is bad. With --repository it needs GITHUB_TOKEN; rulesets and workflows can be
read by anybody who may read the repository, classic branch protection by administrators only."""
)
@options.repo
@options.settings
@options.repository
@click.option("--branch", help="Branch that pull requests merge into; by default the default branch.")
@options.store
@click.option("--gpu", is_flag=True, help="Import torch and ask whether it sees the GPU.")
def doctor(
    repo: Path,
    settings_path: str,
    repository: str | None,
    branch: str | None,
    store: Path | str | None,
    gpu: bool,
) -> int:
    """Looks at settings, machine and repository, and says what to do."""
    from ftgate.cli import wiring
    from ftgate.decide import doctor as judging

    if branch and not repository:
        raise click.UsageError("--branch needs --repository.")
    worst = []
    found = _data(repo, settings_path)
    worst.append(_show("Data", judging.data(found)))
    worst.append(_show("Machine", judging.machine(wiring.machine(store, ask_torch=gpu), found.base_model)))
    if isinstance(store, str):
        worst.append(_show("Store", judging.store(wiring.store_setup(store))))
    if repository is not None:
        worst.append(_show(repository, judging.repository(wiring.repository_setup(repository, branch))))
    return ExitCode.FAIL if Sign.BAD in worst else ExitCode.PASS


def _data(repo: Path, settings_path: str) -> DataSetup:
    """What the work tree holds; one that cannot be read is a diagnosis, not the end."""
    from ftgate.cli import wiring
    from ftgate.cli.inspection import work_tree_sets
    from ftgate.errors import FtgateError

    try:
        sets = work_tree_sets(repo, settings_path)
    except FtgateError as error:
        return DataSetup(settings_path=settings_path, problem=error.message, advice=error.advice)
    return DataSetup(
        settings_path=settings_path,
        base_model=sets.settings.base_model,
        training=sets.training,
        held_out=sets.held_out,
        prompts=sets.prompts,
        judge=sets.settings.judge.model if sets.settings.judge else "",
        has_judge_key=wiring.has_judge_key(),
    )


def _show(title: str, diagnoses: Iterable[Diagnosis]) -> Sign:
    click.secho(terminal(title), bold=True)
    worst = Sign.OK
    for each in diagnoses:
        word, color = _SIGNS[each.sign]
        click.echo(f"  {click.style(word, fg=color, bold=True)}  {_lines(each.what)}")
        if each.advice:
            click.echo(f"        {_lines(each.advice)}")
        worst = max(worst, each.sign, key=list(Sign).index)
    return worst


def _lines(text: str) -> str:
    """Settings with several mistakes name each on a line of its own."""
    return "\n        ".join(terminal(line) for line in text.split("\n"))
