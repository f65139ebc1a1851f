"""`ftgate init`."""

import re
from pathlib import Path

import click

from ftgate.cli import workflows
from ftgate.errors import ExitCode, InputError

_STARTER = """\
# What the tuned model does that the base does not, in one sentence, naming keys and shapes.
behavior: >-
  Reply to ... with one JSON object with the keys ...

base_model: Qwen/Qwen3-8B          # a Hub id, a local path, or bundled:tiny to try the gate without a GPU
# base_revision: <commit>          # pins the base model

data:
  train: [data/train/*.jsonl]      # .gitignore syntax
  held_out: [data/held_out.jsonl]  # 10 to 20 percent of your examples, never trained on
  format: auto                     # conversation, instruction, prompt-completion or sharegpt
  # output_schema: schemas/reply.schema.json
  # key_style: snake_case
  # system_prompt: The one that you use at inference
  task: format                     # format, style, domain or multi-step
  # target: openai                 # who trains on the file: trl, openai, azure, together, fireworks, mistral, ...
  # example_schema: schemas/line.schema.json  # asked of every line, beside its format
  # limits: {line_bytes: 10000000, depth: 64}
  # blank_lines: warning           # error, warning, notice or off
  # general_sources: [chat]        # values of a line's source, or tags, that mean general-purpose examples
  # general_share: [0.05, 0.10]
  # generated_sources: [generated, synthetic]  # of these, people review a share: ftgate review
  # reviews: reviews.jsonl
  # review_share: 0.1

regression: [regression/*.yaml]    # 20 to 50 prompts that must never break

# checks: {near-duplicate: notice, mixing: "off"}  # error, warning, notice or off, by check

policy:
  max_broken: 2                    # broken regression prompts still accepted
  margin: 0.1                      # share of held-out examples by which the candidate may be worse
  existing: warn                   # errors that stand on the base branch already: warn, or error to block
"""

_PROMPTS = """\
# Prompts that must never break. ftgate reads them from the base branch.
- id: example-1
  protects: what a user loses when this breaks
  messages:
    - {role: user, content: "A message that your model must handle"}
  expect:
    contains: "a word of the right answer"
"""


@click.command(
    epilog="""\b
Examples:
  ftgate init && ftgate validate
  ftgate init --github COMMIT                    the workflows, too; COMMIT is the full SHA of a release
  ftgate init --github COMMIT --gate acme/ftgate call the gate of your owner's fork instead of a copy"""
)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option(
    "--github", "commit", metavar="COMMIT", help="Also write the workflows that install ftgate at COMMIT."
)
@click.option(
    "--gate", metavar="OWNER/NAME", help="With --github: call gate.yml of this repository and copy nothing."
)
def init(directory: Path, commit: str | None, gate: str | None) -> int:
    """Writes a starter ftgate.yaml and a first regression prompt; never overwrites."""
    if commit is not None and not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise click.UsageError(
            f"--github needs the full SHA of a commit of ftgate, 40 hexadecimal digits, not {commit!r}."
        )
    if gate is not None and (commit is None or not re.fullmatch(r"[\w.-]+/[\w.-]+", gate)):
        raise click.UsageError("--gate takes OWNER/NAME and goes with --github.")
    files = {"ftgate.yaml": _STARTER, "regression/prompts.yaml": _PROMPTS}
    if commit is None or not (directory / "ftgate.yaml").exists():
        _write(directory, files)
    if commit is None:
        click.echo("Next: fill in ftgate.yaml, then `ftgate validate`, then commit both to your base branch.")
        return ExitCode.PASS
    copy = {} if gate else {workflows.COPY: workflows.gate_workflow()}
    _write(directory, {workflows.CALLER: workflows.caller(commit, gate), **copy})
    click.echo(
        f"Next: correct runs-on in {workflows.CALLER}, commit all to your default branch, and require the"
    )
    click.echo('check "gate / ftgate" in a ruleset; `ftgate doctor` says what is missing.')
    return ExitCode.PASS


def _write(directory: Path, files: dict[str, str]) -> None:
    """All of them, or none when one exists."""
    for name in files:
        if (directory / name).exists():
            raise InputError(
                f"{directory / name}: exists already", advice="Edit it, or name another directory."
            )
    for name, text in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        click.echo(f"wrote {file}")
