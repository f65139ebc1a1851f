"""Files that are something else than JSONL as a whole, told by how they begin."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff", b"{\0", b"[\0", b"\0{", b"\0[")
_LFS = b"version https://git-lfs.github.com/spec/"
_PACKED = (
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x28\xb5\x2f\xfd", "compressed (Zstandard)"),
    (b"\xfd7zXZ\0", "compressed (xz)"),
    (b"BZh", "compressed (bzip2)"),
    (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow"),
)
Told = tuple[str, str]
"""What the file is, and what to do about it."""


def other_kind(raw: bytes, line: int) -> Told | None:
    """Of the first line with text, by its number; None for what may be JSONL."""
    if raw.startswith(_LFS):
        return "This is a git-LFS pointer, not the data.", "Fetch it: git lfs pull; in CI, lfs: true."
    if line == 1 and raw.startswith(_UTF16):
        return "The file is UTF-16, not UTF-8.", "Save it as UTF-8 without a byte order mark."
    kind = next((name for magic, name in _PACKED if raw.startswith(magic)), None) if line == 1 else None
    return (f"The file is {kind}, not JSONL.", "Unpack or convert it: one object a line.") if kind else None


def too_long(raw: bytes, most: int) -> Told:
    """Of a line that was cut, by its beginning: most are no single line."""
    message = f"The line is longer than {most:,} bytes and was not read"
    if b"\r" in raw:
        return f"{message}; it holds carriage returns.", "End lines with LF only."
    if raw.startswith(b"["):
        return f"{message}; it begins an array.", "Write every example as one object on a line of its own."
    return f"{message}.", "Split the example, or raise data.limits.line_bytes."
