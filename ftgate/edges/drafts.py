"""Directories that are written beside their place: they take it whole, or vanish."""

import glob
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def drafted(target: Path) -> Iterator[Path]:
    """An empty directory beside `target`, for its caller to rename. Raises OSError.

    It vanishes when that did not happen, and so do those of processes of this machine that were killed.
    """
    mine = f".{target.name}.{socket.gethostname()}."
    folder = target.with_name(f"{mine}{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f"{glob.escape(mine)}*"):
        if not _alive(left.name.removeprefix(mine)):
            shutil.rmtree(left, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: str) -> bool:
    """Whether a process of this machine may still be writing."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
