"""What `ftgate validate --fix` changed: bytes around the examples, never the examples."""

from enum import StrEnum

from msgspec import Struct


class Mend(StrEnum):
    """The mechanical things that are mended."""

    BYTE_ORDER_MARK = "byte-order-mark"
    LINE_END = "crlf"
    FINAL_NEWLINE = "final-newline"


class Change(Struct, frozen=True, kw_only=True):
    """One kind of change; `lines` are first and last of every range. No change moves a line."""

    what: Mend
    lines: tuple[tuple[int, int], ...]


class Fix(Struct, frozen=True, kw_only=True):
    """One file before and after. `left` says why it was left alone; then nothing else is known of it."""

    path: str
    sha256_before: str = ""
    sha256_after: str = ""
    bytes_before: int = 0
    bytes_after: int = 0
    changes: tuple[Change, ...] = ()
    left: str = ""
