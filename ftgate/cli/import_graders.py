"""`ftgate import-graders`."""

from pathlib import Path

import click

from ftgate.errors import ExitCode, InputError
from ftgate.report.quote import terminal


@click.command(
    name="import-graders",
    epilog="""\b
Examples:
  ftgate import-graders eval.json items.jsonl -o regression/imported.yaml
  ftgate import-graders grader.json items.jsonl --user '{{item.question}}' -o regression/imported.yaml

\b
GRADERS is a grader, a list of them, or an eval with testing_criteria (string_check, text_similarity, score_model,
label_model, multi). A line of ITEMS is {"item": {...}} or the item itself. What has no equal here is refused with its
reason; python graders are, as ftgate runs no code of others.""",
)
@click.argument("graders", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("items", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--user", help="Template of the user message, where neither file says what is asked.")
@click.option("--system", help="Template of the system message, beside --user.")
@click.option("--protects", default="", help="What a user loses when one of the prompts breaks.")
@click.option("--partial", is_flag=True, help="Leave out the graders that are refused, and write the rest.")
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="YAML file to write."
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
def import_graders(
    graders: Path,
    items: Path,
    user: str | None,
    system: str | None,
    protects: str,
    partial: bool,
    out: Path,
    force: bool,
) -> int:
    """Turns graders of OpenAI's Evals and their items into regression prompts."""
    from ftgate.edges.openai_import import Asking, import_graders

    if system is not None and user is None:
        raise InputError("--system says nothing without --user")
    if out.exists() and not force:
        raise InputError(f"{out}: exists already", advice="Overwrite it with --force, or name another --out.")
    done = import_graders(graders, items, Asking(user=user, system=system, protects=protects))
    for text in (*done.notes, *(f"refused: {text}" for text in done.refused)):
        click.echo(terminal(text), err=True)
    if done.refused and not partial:
        raise InputError(
            f"{graders}: {len(done.refused)} refused, nothing written",
            advice="Rewrite them by hand, or leave them out with --partial.",
        )
    if not done.prompts:
        raise InputError(f"{graders}: no grader is left, nothing written")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(done.text, encoding="utf-8")
    click.echo(f"wrote {out} ({done.prompts} prompts)")
    return ExitCode.PASS
