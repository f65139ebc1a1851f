"""Files that a person names on the command line."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ftgate.errors import InputError
from ftgate.ports import DataStream, Reader
from ftgate.values.settings import DataSettings


def open_streams(
    paths: Iterable[Path], reader: Reader, format: str, data: DataSettings
) -> Iterator[DataStream]:
    """One stream per file, opened when its turn comes; a directory stands for the .jsonl files below it.

    Raises InputError for a path that is not there, cannot be read, or holds no data.
    """
    for path in paths:
        for file in files_below(path):
            try:
                with file.open("rb") as stream:
                    yield reader(file.as_posix(), stream, format, data.limits, data.blank_lines)
            except OSError as error:
                raise InputError(f"{file}: cannot be read: {error.strerror}") from error


def files_below(path: Path) -> list[Path]:
    """The file, or the .jsonl files below a directory. Raises InputError when there are none."""
    if path.is_dir():
        found = sorted(path.rglob("*.jsonl"))
        if not found:
            raise InputError(f"{path}: no .jsonl files below this directory")
        return found
    if not path.exists():
        raise InputError(
            f"{path}: no such file", advice="Name JSONL files or directories: ftgate validate PATH..."
        )
    return [path]


def open_again(root: Path, path: str) -> BinaryIO | None:
    """A file that was read before; None for what has gone or cannot be read twice, such as a pipe."""
    file = root / path
    try:
        return file.open("rb") if file.is_file() else None
    except OSError:
        return None
