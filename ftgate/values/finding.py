"""A finding: one thing that a check says about one place."""

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """GitHub's own three levels, so that nothing has to be mapped. Order of definition is worst first."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"

    @property
    def rank(self) -> int:
        """0 for error, 1 for warning, 2 for notice."""
        return list(Severity).index(self)


class Place(Struct, frozen=True, kw_only=True):
    """Where in a file: `line` is physical and 1-based (0: the whole file), `column` 1-based in characters
    (0: the whole line), `byte_offset` 0-based from the start of the file, `pointer` a JSON Pointer in the line."""

    path: str
    line: int = 0
    column: int = 0
    byte_offset: int = 0
    pointer: str = ""


class Finding(Struct, frozen=True, kw_only=True):
    """`check` is the id in the registry; `message` says what is wrong, `advice` what to do about it.

    `existing`: it stands on the base branch already; False where there is no base branch to compare with.
    """

    check: str
    severity: Severity
    path: str
    line: int = 0
    column: int = 0
    byte_offset: int = 0
    pointer: str = ""
    message: str
    advice: str = ""
    existing: bool = False


class Excerpt(Struct, frozen=True, kw_only=True):
    """Part of a physical line around a place. `text` is foreign; `at` is the character that is meant, None for the
    whole line; `column` counts from 1 as in a finding. `begins` and `ends` say whether the line does so here."""

    text: str
    at: int | None
    column: int
    begins: bool
    ends: bool


def found(check: str, severity: Severity, place: Place, message: str, advice: str = "") -> Finding:
    """A finding at a place."""
    return Finding(
        check=check,
        severity=severity,
        path=place.path,
        line=place.line,
        column=place.column,
        byte_offset=place.byte_offset,
        pointer=place.pointer,
        message=message,
        advice=advice,
    )
