"""`ftgate judge`: what its server can do, and how well it agrees with people."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from ftgate.cli import options
from ftgate.errors import ExitCode, InputError, SettingsError

if TYPE_CHECKING:
    from ftgate.edges.labels import Label
    from ftgate.values.settings import JudgeSettings

_model = click.option("--model", help="Judge of this name, instead of the settings' judge.")
_format = click.option(
    "--output-format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the result is printed.",
)
_COVERAGE = 0.98


@click.group(
    epilog="""\b
Examples:
  ftgate judge probe                                what the configured endpoint can do
  ftgate judge probe --model gpt-4.1                another model at OPENAI_BASE_URL
  ftgate judge calibrate labels.jsonl               agreement with people, with intervals

\b
The endpoint is OPENAI_BASE_URL (OpenAI's without it), the key OPENAI_API_KEY; a server on this machine needs none."""
)
def judge() -> None:
    """Looks at the model that judge graders ask."""


@judge.command(
    short_help="What each judge's server can do.", epilog="Example: ftgate judge probe --settings ftgate.yaml"
)
@options.settings
@_model
@_format
def probe(settings_path: str, model: str | None, output: str) -> int:
    """Asks each judge for a reply that only a bound server can give, and says what it can do."""
    from ftgate.cli import wiring
    from ftgate.report.agreement import probe_lines

    seen = wiring.panel(_settings(settings_path, model)).probes()
    if output == "json":
        click.echo(json.dumps([msgspec.to_builtins(each) for each in seen], indent=2))
        return ExitCode.PASS
    for each in seen:
        for line in probe_lines(each.record, each.tried, each.answers_right):
            click.echo(line)
    return ExitCode.PASS


@judge.command(
    short_help="A judge beside people: kappa, accuracy, false passes.",
    epilog="""\b
Examples:
  ftgate judge calibrate labels.jsonl
  ftgate judge calibrate labels.jsonl --model gpt-4.1 --output-format json

\b
A line is {"prompt": "...", "completion": "...", "reference": "...", "score": 4}; scores of several people are
"scores": [4, 5, 4]. A line that has "judge": 4 already is not asked about. JUDGE-BENCH files (.json) are read too.
Exit code 3 when the judge left more than 2 % without a grade.""",
)
@click.argument("labels", type=click.Path(path_type=Path))
@options.settings
@_model
@options.store
@options.quiet
@_format
def calibrate(
    labels: Path, settings_path: str, model: str | None, store: Path | str | None, quiet: bool, output: str
) -> int:
    """Compares a judge with people: weighted kappa, accuracy, true and false passes, each with its interval."""
    from ftgate.decide.agreement import agreement
    from ftgate.edges.labels import read_labels
    from ftgate.report.agreement import agreement_lines

    rated = read_labels(labels)
    known = all(label.judge is not None for label in rated)
    settings = None if known else _settings(settings_path, model)
    who = settings.model if settings else "the judge of this file"
    judged = _asked(rated, settings, store, quiet) if settings else [label.judge for label in rated]
    found = agreement([label.score for label in rated], judged, settings.pass_score if settings else 4)
    if output == "json":
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2))
    else:
        for line in agreement_lines(found, who):
            click.echo(line)
    return ExitCode.INCONCLUSIVE if found.unread > (1 - _COVERAGE) * found.labels else ExitCode.PASS


def _asked(
    rated: list["Label"], settings: "JudgeSettings", store: Path | str | None, quiet: bool
) -> list[int | None]:
    from ftgate.cli import wiring
    from ftgate.cli.progress import TerminalProgress
    from ftgate.graders import judge as judging

    panel = wiring.panel(settings, wiring.local_store(store) / "judge")
    open_ = [label for label in rated if label.judge is None]
    questions = [
        judging.question(label.prompt.expect["judge"], label.prompt, label.completion, wiring.salt())
        for label in open_
    ]
    replies = iter(panel.ask(questions, TerminalProgress(quiet=quiet)))
    scores = []
    for label in rated:
        score = label.judge if label.judge is not None else judging.read(next(replies), True).score
        scores.append(None if score is None else int(score))
    return scores


def _settings(path: str, model: str | None) -> "JudgeSettings":
    from ftgate.edges.yaml_files import Documents
    from ftgate.values.settings import JudgeSettings

    if model is not None and not Path(path).is_file():
        return JudgeSettings(model=model)
    try:
        found = Documents().settings(path, Path(path).read_bytes()).judge
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror or error}", advice="Name the settings with --settings, or --model."
        ) from error
    if model is not None:
        return msgspec.structs.replace(found or JudgeSettings(model=model), model=model, judges=())
    if found is None:
        raise SettingsError(
            f"{path}: no judge is declared", advice="Add `judge: {model: ...}`, or use --model."
        )
    return found
