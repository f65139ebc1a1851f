"""--outputs: what later jobs of a workflow need to know, as `name=value` lines.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#setting-an-output-parameter
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ftgate.cli.options import Decorator
from ftgate.errors import InputError

if TYPE_CHECKING:
    from ftgate.values.run import Run

option: Decorator = click.option(
    "--outputs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append name=value lines for later jobs to this file ($GITHUB_OUTPUT).",
)

_PLAIN = re.compile(r"[0-9a-z]+")


def of_plan(run: "Run") -> dict[str, str]:
    """Whether the gate is concerned, and by which three commits."""
    plan = run.plan
    return {
        "applicable": _word(plan.applicable),
        "base": plan.base,
        "head": plan.head,
        "merge-base": plan.merge_base,
    }


def of_validation(run: "Run") -> dict[str, str]:
    """Whether there is anything to train: the gate is concerned, and nothing blocks already."""
    from ftgate.stages.pipeline import concerned

    return {"trains": _word(concerned(run, "train"))}


def append(file: Path, outputs: Mapping[str, str]) -> None:
    """Appends one line a value, all of them or none.

    Raises InputError for a value that is no plain word: a line break in one could set another output.
    """
    for name, value in outputs.items():
        if not _PLAIN.fullmatch(value):
            raise InputError(
                f"output {name}: {value!r} is neither a SHA, nor true, nor false", advice="Plan the run anew."
            )
    with file.open("a", encoding="utf-8", newline="\n") as stream:
        stream.write("".join(f"{name}={value}\n" for name, value in outputs.items()))


def _word(value: bool) -> str:
    return "true" if value else "false"
