"""Files that a person names, checked without loading what runs and repositories take."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ftgate.checks import CHECKS
from ftgate.checks.base import Context
from ftgate.cli.excerpts import Opener
from ftgate.cli.jobs import BY_SCHEMA, Question, validate
from ftgate.cli.progress import TerminalProgress
from ftgate.edges.plain_files import open_again
from ftgate.errors import InputError
from ftgate.report.findings import FindingsReport
from ftgate.values.settings import Level

if TYPE_CHECKING:
    from ftgate.ports import ExampleSchema


class Inspection(NamedTuple):
    """What was found, and how to look at a file of it again."""

    report: FindingsReport
    open_file: Opener


class Declared(NamedTuple):
    """What settings say of data: all that checks may know, severities, and the schema of examples."""

    context: Context = Context()
    levels: Mapping[str, Level] = {}
    schema: "ExampleSchema | None" = None


def check_files(
    paths: Sequence[Path],
    example_format: str,
    *,
    declared: Declared,
    schema_file: Path | None = None,
    jobs: int | None = None,
    digest: bool = True,
    quiet: bool = False,
) -> Inspection:
    """Named files, against what is declared."""
    question = Question(
        paths=tuple(paths),
        format=example_format,
        context=declared.context,
        levels=dict.fromkeys(CHECKS, "off") if example_format == BY_SCHEMA else declared.levels,
        schema=_schema(schema_file) if schema_file else declared.schema,
        digest=digest,
    )
    files, findings = validate(question, jobs, TerminalProgress(quiet=quiet))
    return Inspection(FindingsReport(files=files, findings=findings), partial(open_again, Path()))


def _schema(file: Path) -> "ExampleSchema":
    from ftgate.edges.example_schema import ExampleSchema

    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    return ExampleSchema(file.as_posix(), content)
