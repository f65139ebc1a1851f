"""Files that a person names on the command line."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ftgate.errors import InputError
from ftgate.values.settings import DataSettings

if TYPE_CHECKING:
    from ftgate.ports import DataStream, Reader


def open_streams(
    paths: Iterable[Path], reader: "Reader", format: str, data: DataSettings
) -> Iterator["DataStream"]:
    """One stream per file, opened when its turn comes; a directory stands for the .jsonl files below it.

    Raises InputError for a path that is not there, cannot be read, or holds no data.
    """
    for file in files_below(paths):
        try:
            with file.open("rb") as stream:
                yield reader(file.as_posix(), stream, format, data.limits, data.blank_lines)
        except OSError as error:
            raise InputError(f"{file}: cannot be read: {error.strerror}") from error


def files_below(paths: Iterable[Path]) -> list[Path]:
    """The files themselves, each once. Raises InputError like open_streams."""
    return list(dict.fromkeys(file for path in paths for file in _files(path)))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.rglob("*.jsonl") if not file.is_dir())
        if not found:
            raise InputError(
                f"{path}: no .jsonl files below this directory",
                advice="Name the files: ftgate validate PATH...",
            )
        for file in found:
            # A pipe that nobody named would be waited for without end; a link to nothing says so when it is read.
            if file.exists() and not file.is_file():
                raise InputError(
                    f"{file}: not a plain file", advice="Remove it, or name the files themselves."
                )
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
