"""The directory of an export: written beside its place and moved there whole, sealed, and never over foreign files."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ftgate import __version__, wire
from ftgate.edges.agreement import Text
from ftgate.edges.artefact import CARDS, file_digest
from ftgate.edges.drafts import drafted
from ftgate.edges.store import write_atomically
from ftgate.errors import InputError, OutsideError
from ftgate.ports import ExportJob
from ftgate.values.digest import digest
from ftgate.values.run_card import Agreement, Exported, Form

SEAL = "export.json"
_RENDERED = (*CARDS, "serve.sh")
_SCHEMA = "ftgate.export/1"


class _Sealed(Struct, frozen=True, kw_only=True):
    schema: str
    identity: str
    exported: Exported
    files: Mapping[str, str]


def identity(job: ExportJob, asked: Sequence[Text], versions: Mapping[str, str]) -> str:
    """SHA-256 (64 hex digits) over all that may change an export or its figures."""
    return digest(
        {
            "adapter": job.training.adapter_sha256,
            "base": [job.base_model.name, job.base_model.revision, job.base_model.sha256],
            "form": job.form,
            "texts": digest([[text.ids, text.places] for text in asked]),
            "versions": {"ftgate": __version__, **versions},
        }
    )


def known(target: Path, identity: str, minimum: float) -> Exported | None:
    """What lies in `target`, when it is exactly this export and whole; None where it is to be written.

    Raises InputError when something lies there that is no export of ftgate's.
    """
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return None
    found = _read(target)
    digests = _digests(target)
    if foreign := sorted(digests.keys() - found.files.keys()):
        raise InputError(
            f"{target}: {foreign[0]} is no part of the export that lies there",
            advice="Move it elsewhere, or name another directory with --to.",
        )
    if found.identity != identity or digests != found.files or found.exported.agreement is None:
        return None
    # The settings may ask for more or less than when it was written.
    return replace(found.exported, agreement=replace(found.exported.agreement, minimum=minimum))


@contextmanager
def draft(target: Path) -> Iterator[Path]:
    """A directory beside the target, to be moved with `take_place`; it vanishes when it was not."""
    try:
        with drafted(target) as folder:
            yield folder
    except OSError as error:
        raise OutsideError(
            f"{target}: cannot be written: {error}",
            advice="Make room there, or name another directory with --to.",
        ) from error


def take_place(folder: Path, target: Path, identity: str, minimum: float) -> Exported | None:
    """Moves a draft to its target. Where another process has put this very export meanwhile, that one stays, for it may
    be in use, and is returned. Raises InputError as `known` does."""
    if theirs := known(target, identity, minimum):
        return theirs
    if target.is_dir():
        shutil.rmtree(target)
    try:
        folder.rename(target)
    except OSError:
        theirs = known(target, identity, minimum)
        if theirs is None:
            raise
    return theirs


def render(folder: Path, texts: Mapping[str, str], line: str) -> None:
    """Writes what is rendered from the rest: cards, and a script with the command, which serves from where it lies."""
    wanted = dict(texts)
    if line:
        wanted["serve.sh"] = f'#!/bin/sh\ncd "$(dirname "$0")" || exit 1\nexec {line}\n'
    for name, text in wanted.items():
        if not (folder / name).is_file() or (folder / name).read_text() != text:
            write_atomically(folder / name, text.encode())


def seal(folder: Path, identity: str, form: Form, agreement: Agreement) -> Exported:
    """Writes down what the export is made of; last, so that a part of one is never taken for it."""
    files = _digests(folder)
    exported = Exported(form=form, sha256=digest(files), agreement=agreement)
    sealed = _Sealed(schema=_SCHEMA, identity=identity, exported=exported, files=files)
    write_atomically(folder / SEAL, wire.to_json(wire.sealed(sealed)))
    return exported


def _read(target: Path) -> _Sealed:
    try:
        found = msgspec.json.decode(wire.unsealed((target / SEAL).read_bytes()), type=_Sealed)
    except (OSError, *wire.UNREADABLE) as error:
        raise InputError(
            f"{target} is not empty and no export of ftgate's", advice="Name another directory with --to."
        ) from error
    return found


def _digests(folder: Path) -> dict[str, str]:
    """Of every file but the renderings, by its path."""
    files = [file for file in sorted(folder.rglob("*")) if not file.is_dir() or file.is_symlink()]
    if linked := [file.name for file in files if file.is_symlink()]:
        raise OutsideError(
            f"{folder}: {linked[0]} is a link", advice="Delete the directory; it is written again."
        )
    names = {file.relative_to(folder).as_posix(): file for file in files}
    return {name: file_digest(file) for name, file in names.items() if name not in (*_RENDERED, SEAL)}
