"""A git-LFS pointer: what stands in a commit in place of a large file."""

import re

from msgspec import Struct

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize (0|[1-9][0-9]{0,15})\n?"
)
_LONGEST = 1024
"""Bytes; git-LFS takes nothing longer for a pointer."""


class Pointer(Struct, frozen=True, kw_only=True):
    """SHA-256 (64 hex digits) and number of bytes of the content that is meant."""

    oid: str
    size: int


def parse_pointer(content: bytes) -> Pointer | None:
    """The pointer that a file is; None for a file that is none.

    https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
    """
    if len(content) > _LONGEST:
        return None
    found = _POINTER.fullmatch(content.replace(b"\r\n", b"\n"))
    return Pointer(oid=found[1].decode(), size=int(found[2])) if found else None
