"""What a store lets this machine do, and what it holds: for `ftgate doctor`."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from ftgate.edges.remote import Remote
from ftgate.errors import OutsideError
from ftgate.values.setup import StoreFailure, StoreSetup

_PARTS = {
    "trainings": "trainings",
    "exports": "exports",
    "work": "unfinished trainings",
    "arms": "answers",
    "judge": "replies of judges",
    "remote": "fetched from stores",
}
_CONTENT = b"Written by `ftgate doctor`, which could not delete it. Nobody reads it.\n"


def store_setup(url: str) -> StoreSetup:
    """Writes, reads, lists and deletes an object of its own at a URL. Raises SettingsError for a URL that nothing can
    be kept under, and where the driver is missing."""
    remote, name = Remote(url), f"doctor-{secrets.token_hex(8)}.txt"
    failed: list[StoreFailure] = []

    def attempt(what: str, deed: Callable[[], bool]) -> bool:
        try:
            done = deed()
        except OutsideError as error:
            failed.append(StoreFailure(what=what, problem=error.message, advice=error.advice))
            return False
        if not done:
            failed.append(StoreFailure(what=what, problem=f"{url}/{name}: what was written is not there"))
        return done

    def written() -> bool:
        remote.write(name, _CONTENT)
        return True

    wrote = attempt("write", written)
    attempt("read", lambda: remote.read(name) == (_CONTENT if wrote else None))
    attempt("list", lambda: not wrote or name in remote.names())
    return StoreSetup(url=url, failed=tuple(failed), left=_left(remote, name))


def _left(remote: Remote, name: str) -> str:
    """The object where it could not be deleted: a write whose answer was lost may have been one."""
    try:
        remote.delete(name)
    except OutsideError:
        try:
            return f"{remote.url}/{name}" if remote.read(name) is not None else ""
        except OutsideError:
            return ""
    return ""


def held(store: Path) -> dict[str, int]:
    """Bytes by what they are; nothing where there is no store. Links are not followed."""
    sizes = {said: _size(store / name) for name, said in _PARTS.items()}
    return {said: size for said, size in sizes.items() if size}


def _size(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(where) / name).lstat().st_size
            except OSError:
                continue  # somebody is at work there
    return total
