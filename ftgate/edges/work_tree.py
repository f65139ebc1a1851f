"""A directory read as if it were a commit: what `ftgate validate` looks at before anything is committed."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ftgate.errors import InputError
from ftgate.ports import TreeEntry

_SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__"}


class WorkTree:
    """Port Repository over files on disk. There is one "commit", named `work tree`."""

    NAME = "work tree"

    def __init__(self, root: Path) -> None:
        self._root = root

    def commit(self, revision: str) -> str:
        return revision

    def merge_base(self, base: str, head: str) -> str:
        return base

    def tree(self, commit: str) -> list[TreeEntry]:
        return sorted(self._entries(), key=lambda entry: entry.path)

    def read(self, entry: TreeEntry) -> bytes:
        try:
            return (self._root / entry.path).read_bytes()
        except OSError as error:
            raise InputError(f"{entry.path}: cannot be read: {error.strerror}") from error

    def _entries(self) -> Iterator[TreeEntry]:
        for folder, folders, files in os.walk(self._root):
            folders[:] = [name for name in folders if name not in _SKIPPED]
            for name in files:
                path = Path(folder) / name
                status = path.lstat()
                yield TreeEntry(
                    path=path.relative_to(self._root).as_posix(),
                    mode=_mode(status.st_mode),
                    oid="",
                    size=status.st_size,
                )


def _mode(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "120000"
    return "100644" if stat.S_ISREG(mode) else "000000"
