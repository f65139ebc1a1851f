"""run.json and the texts rendered from it, in one directory. What lies there may come from another machine."""

import os
import stat
from pathlib import Path

from ftgate import wire
from ftgate.edges.store import write_atomically
from ftgate.errors import InputError
from ftgate.values.run import Run

LARGEST = 64_000_000
"""Bytes of run.json; the largest of a real gate are a tenth of that."""

_RENDERED = ("run.json", "comment.md", "summary.md")


class RunDirectory:
    """Port RunStore at `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def where(self) -> str:
        return str(self._folder)

    def load(self) -> Run | None:
        file = self._folder / "run.json"
        content = read_plain(file, LARGEST)
        return None if content is None else wire.run_of(content, str(file))

    def take(self) -> tuple[Run | None, str]:
        """The run of another machine, and what is wrong with it; afterwards the directory holds no verdict.

        Whatever stops this process, nothing that was forged is left for a later step to read or to publish.
        """
        try:
            content = self._taken()
            return None if content is None else wire.foreign_run_of(content, "run.json"), ""
        except InputError as error:
            return None, error.message

    def _taken(self) -> bytes | None:
        """The bytes, gone from the disk before anybody looks into them: a reader may run out of memory."""
        try:
            return read_plain(self._folder / "run.json", LARGEST)
        finally:
            for name in _RENDERED:
                _remove(self._folder / name)

    def save(self, run: Run) -> None:
        write_atomically(self._folder / "run.json", wire.run_json(run))

    def write(self, name: str, text: str) -> Path:
        file = self._folder / name
        write_atomically(file, text.encode())
        return file

    def read(self, name: str) -> bytes | None:
        file = self._folder / name
        return file.read_bytes() if file.is_file() else None


def read_plain(file: Path, largest: int) -> bytes | None:
    """Content of a plain file, None when there is none.

    Raises InputError for a link, a pipe, a device, a directory, and for more than `largest` bytes: an artifact is
    unpacked by others, and reading must neither follow it elsewhere nor wait or fill the memory for ever.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            f"{file}: cannot be read as a plain file: {error.strerror}", advice="Name another --out DIR."
        ) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{file}: is no plain file", advice="Name another --out DIR.")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            content = stream.read(largest + 1) if status.st_size <= largest else None
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    if content is None or len(content) > largest:
        raise InputError(f"{file}: has more than {largest:,} bytes, which no run has")
    return content


def _remove(path: Path) -> None:
    """Takes a file, a link or a pipe away; a directory of that name is moved aside, its content untouched."""
    try:
        path.unlink()
    except FileNotFoundError:
        pass
    except OSError:
        path.rename(path.with_name(f"{path.name}.refused"))
