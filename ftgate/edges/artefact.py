"""What a training leaves in a store: plain safetensors files and plain configuration, known by name and digest.

Nothing else is ever loaded. A pickle, code, a link or a file that nobody knows beside the weights means that somebody
else wrote there, and the whole artefact is refused.
"""

import errno
import hashlib
import json
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ftgate.errors import OutsideError
from ftgate.values.digest import digest
from ftgate.values.training import ADAPTER_CONFIG, HOSTED_RECORD

ADAPTER_WEIGHTS = "adapter_model.safetensors"
CARDS = ("README.md", "run-card.json")
"""Renderings of the record. The digest leaves them out: a card that is written anew is the same artefact."""

_TORCH_WRITES = ("inline_container.cc", "PytorchStreamWriter")
_ADAPTER = (ADAPTER_CONFIG, ADAPTER_WEIGHTS)
_MODEL_CONFIG = "config.json"
_INDEX = "model.safetensors.index.json"
_MODEL = re.compile(
    r"model(-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json|config\.json|generation_config\.json"
    r"|full\.json"
)


def covered(folder: Path) -> list[str]:
    """Names of the files that are the artefact, sorted: an adapter, a whole model, or the record of a hosted one.

    Raises OutsideError when one is missing, is no plain file, or when anything else lies there.
    """
    names = _plain_names(folder)
    kept = [name for name in names if name not in CARDS]
    if HOSTED_RECORD in kept:
        strange, missing = [name for name in kept if name != HOSTED_RECORD], []
    elif _MODEL_CONFIG in kept:
        strange = [name for name in kept if not _MODEL.fullmatch(name)]
        missing = _missing_shards(folder, kept)
    else:
        strange = [name for name in kept if name not in _ADAPTER]
        missing = [name for name in _ADAPTER if name not in kept]
    if missing:
        raise damaged(folder.parent, f"{missing[0]} is missing")
    if strange:
        raise damaged(folder.parent, f"{strange[0]!r} does not belong to an artefact")
    return kept


def is_adapter(folder: Path) -> bool:
    """Whether these are the weights of an adapter, and not of a whole model."""
    return (folder / ADAPTER_CONFIG).is_file()


def adapter_digest(folder: Path) -> str:
    """SHA-256 (64 hex digits) of an artefact's weights and configuration. Raises OutsideError as `covered` does."""
    return digest([[name, file_digest(folder / name)] for name in covered(folder)])


def file_digest(file: Path) -> str:
    """SHA-256 (64 hex digits) of a file, read in pieces: a model need not fit into memory twice."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def share(folder: Path, like: Path) -> None:
    """Gives the files the permissions of `like`, which was opened plainly: safetensors writes for the owner alone,
    whatever the umask, and who reads a shared store or serves a model is often somebody else."""
    mode = stat.S_IMODE(like.stat().st_mode)
    for file in folder.iterdir():
        if file.is_file() and stat.S_IMODE(file.stat().st_mode) != mode:
            file.chmod(mode)


@contextmanager
def failing_as_disks_do(folder: Path) -> Iterator[None]:
    """safetensors and torch have errors of their own for a disk that is full: here it is the OSError that it is."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise OSError(errno.EIO, str(error), str(folder)) from error
    except RuntimeError as error:
        if not any(said in str(error) for said in _TORCH_WRITES):
            raise
        why = "the disk is full, or a file may not grow further (torch could not write the state of the training)"
        raise OSError(errno.EIO, why, str(folder)) from error


def damaged(path: Path | str, why: str) -> OutsideError:
    """What to say about stored evidence that is not what was kept."""
    return OutsideError(
        f"{path}: stored evidence is damaged: {why}",
        advice=f"Delete it (rm -r {path}) and run the gate again; nothing is taken from a damaged store.",
    )


def _plain_names(folder: Path) -> list[str]:
    if folder.is_symlink() or not folder.is_dir():
        raise damaged(folder.parent, f"{folder.name} is missing")
    for file in folder.iterdir():
        if file.is_symlink() or not file.is_file():
            raise damaged(folder.parent, f"{file.name!r} is no plain file")
    return sorted(file.name for file in folder.iterdir())


def _missing_shards(folder: Path, names: list[str]) -> list[str]:
    if _INDEX not in names:
        return [] if "model.safetensors" in names else ["model.safetensors"]
    try:
        listed = set(json.loads((folder / _INDEX).read_bytes())["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(folder.parent, f"{_INDEX} cannot be read: {error}") from error
    return sorted(str(name) for name in listed if name not in names)
