"""fields: one type per field over all files. The seed: quality beats count, and one odd line makes loaders rewrite
others: they give every line all fields, and every field one type."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from ftgate.checks.base import Context, Unmergeable
from ftgate.checks.places import Places
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example, Format
from ftgate.values.finding import Finding, Place, Severity, found

_KINDS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((bool,), "true or false"),
    ((str,), "a string"),
    ((dict,), "an object"),
    ((list,), "a list"),
    ((int, float), "a number"),
)
MOST_FIELDS = 1000
"""Fields that are followed; data with more uses keys as values."""
_DEEPEST = 8
_TOLD = 20


class _Seen(Struct):
    first: int
    count: int = 0


class Fields:
    """The reader holds the types of the format's own fields; this looks at metadata and tools, and at the formats of
    the files. Remembers the first line of every type of every field."""

    def __init__(self, context: Context) -> None:
        del context  # nothing declared matters here
        self._places = Places()
        self._fields: dict[str, dict[str, _Seen]] = {}
        self._formats: dict[str, _Seen] = {}
        self._last: tuple[str, Format, str] | None = None

    def see(self, example: Example) -> Iterable[Finding]:
        """Notes the types of an example's fields."""
        file = (example.place.path, example.format, example.shape)
        if file != self._last:
            self._last = file
            format = f"{example.format} ({example.shape})" if example.shape else str(example.format)
            self._formats.setdefault(format, _Seen(self._places.keep(example.place)))
        if example.metadata or example.tools:
            types = dict.fromkeys(_types("metadata", example.metadata, 0))  # a set that keeps the order
            types.update((pair, None) for tool in example.tools for pair in _types("tools[]", tool, 0))
            kept = self._places.keep(example.place)
            for field, kind in types:
                if field in self._fields or len(self._fields) < MOST_FIELDS:
                    self._fields.setdefault(field, {}).setdefault(kind, _Seen(kept)).count += 1
        return ()

    def see_all(self, batch: Batch) -> Iterable[Finding]:
        """The same for many examples; of plain ones, which have one format, the first says it all."""
        whole = batch.whole
        first = [] if not len(batch) or batch.roles[0] is None else [0]
        for row in (*first, *whole):
            self.see(batch.example(row))
        return ()

    def merge(self, later: "Fields", recall: Recall) -> Iterable[Finding]:
        """Adds; which fields are followed at most depends on their order."""
        for format, seen in later._formats.items():
            self._formats.setdefault(format, _Seen(self._adopt(later, seen)))
        for field, kinds in later._fields.items():
            mine = self._fields.setdefault(field, {})
            for kind, seen in kinds.items():
                mine.setdefault(kind, _Seen(self._adopt(later, seen))).count += seen.count
        if len(self._fields) >= MOST_FIELDS:
            raise Unmergeable
        return ()

    def _adopt(self, later: "Fields", seen: _Seen) -> int:
        (kept,) = self._places.adopt(later._places, [seen.first])
        return kept

    def finish(self) -> Iterator[Finding]:
        """Fields of several types, each at the line that would make a loader rewrite the others."""
        mixed = [(field, kinds) for field, kinds in self._fields.items() if len(kinds) > 1]
        for field, kinds in mixed[:_TOLD]:
            yield self._mixed(field, kinds)
        if left := mixed[_TOLD:]:
            place = self._places.place(next(iter(left[0][1].values())).first)
            yield found("fields", Severity.WARNING, place, f"{len(left)} more fields have several types.")
        if len(self._fields) == MOST_FIELDS:
            message = (
                f"metadata and tools have {MOST_FIELDS} fields or more: loaders give every line all of them."
            )
            advice = "Do not use values as keys: write a list of objects with a name and a value."
            yield found("fields", Severity.WARNING, self._some_place(), message, advice)
        if len(self._formats) > 1:
            yield self._formats_differ()

    def _mixed(self, field: str, kinds: dict[str, _Seen]) -> Finding:
        ranked = sorted(kinds.items(), key=lambda item: (item[1].count, -item[1].first))
        odd, usual = ranked[0], ranked[-1]
        place, other = self._places.place(odd[1].first), self._places.name(usual[1].first)
        message = (
            f"{field[:80]} is {odd[0]} here and on {odd[1].count - 1} other line(s), and {usual[0]} on "
            f"{usual[1].count} (first {other}): a loader stops here or rewrites the others."
        )
        return found("fields", Severity.WARNING, place, message, f"Write {usual[0]} everywhere.")

    def _formats_differ(self) -> Finding:
        (first, one), *_, (last, seen) = self._formats.items()
        place, other = self._places.place(seen.first), self._places.name(one.first)
        same = last.partition(" ")[0] == first.partition(" ")[0]
        does = "stops or rewrites lines" if same else "gives every line the fields of the other, empty"
        message = f"This file has the format {last}, {other} has {first}: a loader that reads both {does}."
        return found("fields", Severity.WARNING, place, message, "Convert all files to one format.")

    def _some_place(self) -> Place:
        return Place(
            path=self._places.place(next(iter(next(iter(self._fields.values())).values())).first).path
        )


def _types(field: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Paths and types; null fits every type. `enum` and `default` of a tool may hold anything, and are followed too."""
    kind = next((name for kind, name in _KINDS if isinstance(value, kind)), None)
    if kind is None:
        return
    yield field, kind
    if depth == _DEEPEST:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _types(f"{field}.{key}", inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _types(f"{field}[]", inner, depth + 1)
