"""What outputs look like when nobody declared it: JSON objects, their keys, and the odd ones out."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from ftgate.checks.base import Unmergeable
from ftgate.checks.json_values import Objects
from ftgate.checks.key_style import KeyStyle, keys_of, telling_style
from ftgate.checks.places import Places
from ftgate.values.finding import Finding, Place, Severity, found

USUAL = 0.8
"""Share of the outputs from which a shape is the usual one."""
LEAST = 5
"""Outputs from which a share means something."""
_LISTED = 20
_KEPT = 1000


class _Group(Struct):
    first: int
    count: int = 0
    styles: tuple[KeyStyle, ...] = ()


class OutputShapes:
    """Remembers eight bytes per output that is no JSON object, and the first 1,000 sets of keys."""

    def __init__(self) -> None:
        self._places = Places()
        self._odd = array("Q")
        self._objects = 0
        self._key_sets: dict[tuple[str, ...], _Group] = {}
        self._usual: dict[tuple[str, ...], _Group] = {}
        self._styles: Counter[KeyStyle] = Counter()
        self._style_examples: dict[KeyStyle, tuple[str, int]] = {}

    def note(self, place: Place, value: Any) -> None:
        """One output: its JSON value, None where it has none."""
        kept = self._places.keep(place)
        if not isinstance(value, dict):
            self._odd.append(kept)
            return
        self._objects += 1
        keys = tuple(sorted(value))
        if keys in self._key_sets or len(self._key_sets) < _KEPT:
            self._group(value, keys, kept).count += 1
        for style, key in {telling_style(key): key for _, key in keys_of(value)}.items():
            if style:
                self._styles[style] += 1
                self._style_examples.setdefault(style, (key, kept))

    def note_odd(self, path: str, lines: Iterable[int]) -> None:
        """Outputs without a JSON value."""
        self._odd.extend(self._places.keep_lines(path, lines))

    def are_usual(self, objects: Objects) -> bool:
        """Notes outputs that all have keys in an order that is known, and surely no objects inside; others not."""
        if objects.nested:
            return False
        kinds = set(map(tuple, objects.values))
        found = (
            Counter(map(tuple, objects.values))
            if len(kinds) > 1
            else dict.fromkeys(kinds, len(objects.values))
        )
        if not found.keys() <= self._usual.keys():
            return False
        for keys, count in found.items():
            group = self._usual[keys]
            self._objects += count
            group.count += count
            for style in group.styles:
                self._styles[style] += count
        return True

    def _group(self, value: dict[str, Any], keys: tuple[str, ...], kept: int) -> _Group:
        group = self._key_sets.get(keys)
        if group is None:
            styles = {style for key in keys if (style := telling_style(key))}
            group = self._key_sets[keys] = _Group(kept, styles=tuple(sorted(styles)))
        if len(self._usual) < _KEPT:
            self._usual[tuple(value)] = group
        return group

    def merge(self, later: "OutputShapes") -> None:
        """Adds what another has noted of later outputs."""
        self._objects += later._objects
        self._odd.extend(self._places.adopt(later._places, later._odd))
        for keys, group in later._key_sets.items():
            (first,) = self._places.adopt(later._places, (group.first,))
            self._key_sets.setdefault(keys, _Group(first, styles=group.styles)).count += group.count
        self._styles.update(later._styles)
        for style, (key, kept) in later._style_examples.items():
            (place,) = self._places.adopt(later._places, (kept,))
            self._style_examples.setdefault(style, (key, place))
        if max(len(self._key_sets), len(later._key_sets)) >= _KEPT:
            raise Unmergeable

    def finish(self) -> Iterator[Finding]:
        """Warnings, once most outputs turned out to be JSON objects."""
        total = self._objects + len(self._odd)
        if total < LEAST or self._objects <= USUAL * total:
            return
        for kept in self._odd[:_LISTED]:
            message = f"{self._objects} of {total} outputs are JSON objects, and this one is not."
            advice = "Write it like the others, or declare data.output_schema."
            yield found("output", Severity.WARNING, self._places.place(kept), message, advice)
        if (more := len(self._odd) - _LISTED) > 0:
            message = f"{more} more outputs, from this one on, are no JSON objects."
            yield found("output", Severity.WARNING, self._places.place(self._odd[_LISTED]), message)
        yield from self._odd_keys()
        yield from self._odd_styles()

    def _odd_keys(self) -> Iterator[Finding]:
        ranked = sorted(self._key_sets.items(), key=lambda item: -item[1].count)
        usual, group = ranked[0]
        if group.count <= USUAL * self._objects:
            return
        for keys, other in ranked[1 : _LISTED + 1]:
            missing, extra = sorted(set(usual) - set(keys)), sorted(set(keys) - set(usual))
            parts = [f"lacks {_names(missing)}"] * bool(missing) + [f"has {_names(extra)}"] * bool(extra)
            message = f"Unlike {group.count} of {self._objects} outputs, this one {' and '.join(parts)}"
            message += f" ({other.count} such outputs)." if other.count > 1 else "."
            advice = "Give every output the same keys, or declare data.output_schema."
            yield found("output", Severity.WARNING, self._places.place(other.first), message, advice)

    def _odd_styles(self) -> Iterator[Finding]:
        if len(self._styles) < 2:
            return
        usual = self._styles.most_common(1)[0][0]
        for style, (key, kept) in self._style_examples.items():
            if style != usual:
                message = f'The key "{key[:40]}" is {style}; most keys are {usual}.'
                advice = "Spell all keys the same way, and declare data.key_style."
                yield found("output", Severity.WARNING, self._places.place(kept), message, advice)


def _names(keys: list[str]) -> str:
    return ", ".join(f'"{key[:40]}"' for key in keys[:5]) + (", …" if len(keys) > 5 else "")
