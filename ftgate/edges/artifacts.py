"""run.json out of a workflow's artifact: in memory, one entry, within bounds. Nothing is unpacked to disk."""

import io
import zipfile
import zlib
from typing import Any

import msgspec
from msgspec import Struct

from ftgate.edges.github_rest import Rest
from ftgate.edges.run_files import LARGEST
from ftgate.errors import InputError, OutsideError

_NAME = "run.json"
_ENTRIES = 1_000


class _Artifact(Struct):
    id: int
    name: str
    expired: bool
    size_in_bytes: int


class _Listed(Struct):
    artifacts: list[_Artifact]


def run_json(rest: Rest, home: str, run: int, prefix: str) -> bytes | None:
    """run.json of the newest artifact whose name begins with `prefix`; None where none is left.

    Raises OutsideError when GitHub does not give it, InputError when it is no such archive.
    """
    answer: Any = rest.get(f"{home}/actions/runs/{run}/artifacts", {"per_page": 100})
    try:
        listed = msgspec.convert(answer, _Listed).artifacts
    except msgspec.ValidationError as error:
        raise OutsideError(f"GitHub's answer is not what it documents: {error}") from None
    fitting = [each for each in listed if each.name.startswith(prefix) and not each.expired]
    if not fitting:
        return None
    newest = max(fitting, key=lambda each: each.id)
    return unzipped(rest.download(f"{home}/actions/artifacts/{newest.id}/zip", LARGEST))


def unzipped(archive: bytes, largest: int = LARGEST) -> bytes:
    """The one run.json of an archive. Headers may lie about sizes, so that no more is ever read than may be kept."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            entries = opened.infolist()
            found = [entry for entry in entries if entry.filename == _NAME]
            if len(entries) > _ENTRIES or len(found) != 1:
                raise InputError(f"the artifact holds {len(found)} run.json in {len(entries)} entries")
            with opened.open(found[0]) as stream:
                content = stream.read(largest + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise InputError(f"the artifact is no archive that can be read: {error}") from None
    if len(content) > largest:
        raise InputError(f"{_NAME} in the artifact has more than {largest:,} bytes")
    return content
