"""Writes the lines of data files into a training file and a held-out file, byte for byte as they stand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jiter
from msgspec import Struct

from ftgate.decide.reserve import group_of, is_held_out, reserve_key
from ftgate.edges.jsonl import read_jsonl
from ftgate.errors import InputError
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Severity

TRAIN, HELD_OUT = "train.jsonl", "held_out.jsonl"
_NAMED = 5


class Split(Struct, frozen=True):
    """How many examples went where, and how many of all have a group."""

    train: int
    held_out: int
    grouped: int = 0

    @property
    def share(self) -> float:
        """Share of the examples that is held out."""
        return self.held_out / max(self.train + self.held_out, 1)


def split_files(files: Sequence[Path], folder: Path, *, share: float, field: str, seed: str) -> Split:
    """Reads every file before anything is written. Raises InputError when a line cannot be read."""
    sides: dict[bool, list[bytes]] = {False: [], True: []}
    bad: list[str] = []
    grouped = 0
    for file in files:
        with file.open("rb") as stream, file.open("rb") as again:
            for thing in read_jsonl(file.as_posix(), stream):
                if isinstance(thing, Finding):
                    if thing.severity is Severity.ERROR:
                        bad.append(f"{thing.path}:{thing.line}: {thing.message}")
                    continue
                raw = _line(again, thing)
                value = jiter.from_json(raw)
                grouped += group_of(value, field) is not None
                key = reserve_key(thing, value, field)
                sides[is_held_out(key, share, seed)].append(raw)
    if bad:
        more = f"\n... and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        raise InputError(
            "nothing was written: lines cannot be read\n" + "\n".join(bad[:_NAMED]) + more,
            advice="Repair them first; ftgate validate names them all.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for side, name in ((False, TRAIN), (True, HELD_OUT)):
        (folder / name).write_bytes(b"".join(sides[side]))
    return Split(len(sides[False]), len(sides[True]), grouped)


def _line(stream: Any, example: Example) -> bytes:
    """The line of an example as it stands, with a line end; `byte_offset` is where its text begins."""
    stream.seek(example.place.byte_offset)
    return bytes(stream.readline()).rstrip(b"\r\n") + b"\n"
