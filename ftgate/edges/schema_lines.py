"""Lines of no format that is known here: objects that a schema of the repository's own describes, and nothing else."""

from collections.abc import Iterator
from typing import Any

from ftgate.edges.jsonl import JsonlStream
from ftgate.edges.lines import Line
from ftgate.edges.misfit import Misfit
from ftgate.values.dataset import Example, Format
from ftgate.values.finding import Finding, Place


class SchemaStream(JsonlStream):
    """Bytes, strict JSON and the schema are judged. A line that fits is counted, and no check looks at it: what it
    means, nobody has said."""

    def _line(self, line: Line) -> Iterator[Example | Finding]:
        for thing in super()._line(line):
            if isinstance(thing, Finding):
                yield thing

    def _settle(self, line: Line, value: dict[str, Any]) -> Example:
        self._examples += 1
        return Example(
            place=Place(path=self._path, line=line.number), format=Format.CONVERSATION, messages=()
        )

    def _misfits(self, value: dict[str, Any]) -> Iterator[Misfit]:
        assert self._schema is not None
        if not self._schema.accepts(value):
            yield from self._schema.misfits(value)
