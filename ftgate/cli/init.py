"""`ftgate init`."""

from pathlib import Path

import click

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


@click.command(epilog="Example: ftgate init && ftgate validate")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path())
def init(directory: Path) -> int:
    """Writes a starter ftgate.yaml and a first regression prompt; never overwrites."""
    _write(directory / "ftgate.yaml", _STARTER)
    _write(directory / "regression" / "prompts.yaml", _PROMPTS)
    click.echo("Next: fill in ftgate.yaml, then `ftgate validate`, then commit both to your base branch.")
    return ExitCode.PASS


def _write(file: Path, text: str) -> None:
    if file.exists():
        raise InputError(f"{file}: exists already", advice="Edit it, or name another directory.")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    click.echo(f"wrote {file}")
