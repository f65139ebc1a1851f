"""The desk of a reviewer: generated examples, what was said about them, and the file that it is written to."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ftgate.checks.likeness import SHINGLE
from ftgate.checks.words import shingles, words
from ftgate.cli import wiring
from ftgate.decide.diverse import farthest_first
from ftgate.edges.jsonl import read_jsonl
from ftgate.edges.plain_files import open_streams
from ftgate.edges.work_tree import WorkTree
from ftgate.errors import InputError
from ftgate.report.quote import cut, visible
from ftgate.stages.inputs import example_schema, reviews, settings_at, training_data
from ftgate.values.dataset import Example
from ftgate.values.review import Review, Reviews, is_from, parse_reviews, review_line
from ftgate.values.settings import DataSettings

_POOL = 2000
"""Unread examples, and read ones, among which the most diverse are looked for: enough, and still at once."""
_SHORTEST = 8


class Desk:
    """Generated examples by digest, in the order of the data."""

    def __init__(self, file: Path, read: Reviews, examples: Sequence[Example], named: Sequence[str]) -> None:
        self._file = file
        self._last = read.last
        self._examples = {e.digest: e for e in examples if is_from(e.source, e.tags, named)}
        self._named = named

    def waiting(self, count: int) -> list[Example]:
        """The most diverse examples without a review."""
        unread = [one for digest, one in self._examples.items() if digest not in self._last]
        read = [one for digest, one in self._examples.items() if digest in self._last]
        pool = _spread(unread)
        chosen = farthest_first(
            [_shingles(one) for one in pool], [_shingles(one) for one in _spread(read)], count
        )
        return [pool[index] for index in chosen]

    def find(self, digest: str) -> Example:
        """The example with this digest, or this beginning of one. Raises InputError for none or several."""
        found = [one for known, one in self._examples.items() if known.startswith(digest.lower())]
        if len(digest) < _SHORTEST or len(found) != 1:
            many = (
                "fewer than eight digits" if len(digest) < _SHORTEST else f"{len(found)} generated examples"
            )
            raise InputError(
                f"{digest}: {many}",
                advice=f"ftgate review lists digests; generated has the source or tag {' or '.join(self._named)}.",
            )
        return found[0]

    def record(self, one: Example, by: str, *, accepted: bool) -> str:
        """Appends a review; returns what to tell the reviewer."""
        written = Review(sha256=one.digest, by=by.strip(), verdict="accepted" if accepted else "rejected")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        before = self._file.read_bytes() if self._file.exists() else b""
        gap = b"\n" if before and not before.endswith(b"\n") else b""
        with self._file.open("ab") as stream:
            stream.write(gap + review_line(written))
        self._last[one.digest] = written
        where = f"{one.place.path}:{one.place.line}"
        return f"{written.verdict} {one.digest[:12]} ({where}) by {written.by} in {self._file}"

    def state(self) -> str:
        """How far the reviews have come."""
        read = sum(digest in self._last for digest in self._examples)
        share = f" ({read / len(self._examples):.0%})" if self._examples else ""
        return f"{read} of {len(self._examples)} generated examples have a review{share}."


def open_desk(paths: Sequence[Path], root: Path, settings_path: str) -> Desk:
    """Named files, or what the settings name; the settings are optional for named files."""
    ports = wiring.build(WorkTree(root), out=root, quiet=True)
    found = settings_at(ports, WorkTree.NAME, settings_path)
    if found is None and not paths:
        raise InputError(
            f"no {settings_path} in {root.resolve()}", advice="Name files: ftgate review PATH..."
        )
    data = found[0].data if found else DataSettings(train=())
    if paths:
        schema = example_schema(ports, WorkTree.NAME, found[0]) if found else None
        streams = open_streams(paths, partial(read_jsonl, schema=schema), data.format, data)
        examples = [thing for stream in streams for thing in stream if isinstance(thing, Example)]
    else:
        assert found is not None
        examples = list(training_data(ports, WorkTree.NAME, found[0], settings_path, WorkTree.NAME).examples)
    file = root / data.reviews
    if found:
        read = reviews(ports, WorkTree.NAME, found[0])
    else:
        read = parse_reviews(data.reviews, file.read_bytes() if file.is_file() else b"")
    return Desk(file, read, examples, data.generated_sources)


def shown(one: Example) -> str:
    """An example for a terminal: nothing in it can move the cursor."""
    turns = [f"  {m.role}: {_text(m.content or '(tool call)')}" for m in one.messages if m.role != "system"]
    return "\n".join([f"{one.digest[:12]}  {one.place.path}:{one.place.line}", *turns, ""])


def _text(text: str) -> str:
    part = cut(text, 1500, lines=30)
    return visible(part.kept).replace("\n", "\n    ")


def _shingles(one: Example) -> frozenset[str]:
    return frozenset(shingles(words(f"{one.user_text} {one.reference or ''}"), SHINGLE))


def _spread(examples: Sequence[Example]) -> list[Example]:
    """At most _POOL of them, taken evenly."""
    step = -(-len(examples) // _POOL) or 1
    return list(examples[::step])
