"""Canonical bytes and SHA-256 digests: the one definition of "the same content"."""

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8: equal values give equal bytes.

    Raises ValueError for NaN or infinity, which have no canonical form.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def digest(value: Any) -> str:
    """SHA-256 (64 hex digits) of the canonical form of plain data."""
    return hashlib.sha256(canonical(value)).hexdigest()


def digest_bytes(content: bytes) -> str:
    """SHA-256 (64 hex digits) of bytes as they are."""
    return hashlib.sha256(content).hexdigest()
