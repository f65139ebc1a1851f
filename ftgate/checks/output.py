"""output: what the model is to say is exactly what production needs. The seed, curation 1: one camelCase key among
snake_case ones does harm."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import xxhash

from ftgate.checks.base import Context, Unmergeable
from ftgate.checks.json_values import NOT_JSON, strict_json
from ftgate.checks.key_style import fits, keys_of, spell
from ftgate.checks.output_shapes import OutputShapes
from ftgate.checks.rows import replies, said
from ftgate.checks.turns import last_assistant, turn_place
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MAX_DEPTH = 64
MAX_ERRORS = 100
"""Schema errors of one output that are told."""
_KNOWN_VALID = 100_000


class Output:
    """With a schema, every reference must be strict JSON that fits it. Without one, see OutputShapes."""

    def __init__(self, context: Context) -> None:
        self._style = context.data.key_style
        self._shapes = OutputShapes()
        self._valid: set[int] = set()
        self._unusable = ""
        self._validator: Validator | None = None
        self._path = ""
        if context.output_schema is not None:
            self._prepare(dict(context.output_schema))

    def see(self, example: Example) -> Iterator[Finding]:
        """The last assistant turn; a reply of tool calls only has no output."""
        self._path = self._path or example.place.path
        if not example.reference:
            return
        key = xxhash.xxh3_64_intdigest(example.reference.encode("utf-8", "surrogatepass"))
        if self._validator is not None and key in self._valid:
            return
        findings = list(self._judge(example, example.reference))
        if not findings and len(self._valid) < _KNOWN_VALID:
            self._valid.add(key)
        yield from findings

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """The same for many examples; where nothing is declared, only the shape of the usual ones is noted."""
        self._path = self._path or batch.path
        simple = self._validator is None and self._style is None
        if not simple:
            for row in range(len(batch)):
                yield from self.see(batch.example(row))
            return
        spoken, texts, lines = said(batch), replies(batch), batch.lines
        values = spoken.values
        rows = spoken.others if self._shapes.are_usual(spoken.objects) else range(len(batch))
        if all(values[row] is NOT_JSON and texts[row] is not None for row in rows):
            self._shapes.note_odd(batch.path, [lines[row] for row in rows if texts[row]])
            return
        for row in rows:
            if values[row] is not NOT_JSON or texts[row] is None:
                yield from self.see(batch.example(row))
            elif texts[row]:
                self._shapes.note_odd(batch.path, (lines[row],))

    def __getstate__(self) -> dict[str, Any]:
        """All but the validator: what one process has seen goes to another, which has its own."""
        return {**self.__dict__, "_validator": None}

    def merge(self, later: "Output", recall: Recall) -> Iterable[Finding]:
        """Adds; a schema that could not be applied was given up at a place that only one process knows."""
        self._path = self._path or later._path
        if self._unusable != later._unusable:
            raise Unmergeable
        self._shapes.merge(later._shapes)
        return ()

    def finish(self) -> Iterator[Finding]:
        """A schema that cannot be used; the odd ones out where none is declared."""
        if self._unusable:
            advice = "Correct the file that data.output_schema names."
            yield found("output", Severity.ERROR, Place(path=self._path), self._unusable, advice)
        yield from self._shapes.finish()

    def _prepare(self, schema: dict[str, Any]) -> None:
        import jsonschema  # takes as long as a thousand examples, and most data declares no schema
        from referencing import Registry

        kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        try:
            kind.check_schema(schema)
        except jsonschema.SchemaError as exc:
            self._unusable = f"The output schema is no valid JSON Schema: {_clip(exc.message)}."
            return
        # An empty registry: a schema must not make the gate fetch anything.
        self._validator = kind(schema, registry=Registry())

    def _judge(self, example: Example, text: str) -> Iterator[Finding]:
        place = turn_place(example, last_assistant(example))
        try:
            value = strict_json(text)
        except ValueError as exc:
            if self._validator is not None:
                yield _not_json(place, text, str(exc))
            self._shapes.note(example.place, None)
            return
        if text.count("{") + text.count("[") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
            message = f"The output is nested more than {MAX_DEPTH} levels deep."
            yield found("output", Severity.ERROR, place, message, "Flatten it.")
            return
        if self._validator is not None:
            yield from self._against_schema(place, value)
        else:
            self._shapes.note(example.place, value)
        yield from self._spelling(place, value)

    def _against_schema(self, place: Place, value: Any) -> Iterator[Finding]:
        from referencing.exceptions import Unresolvable

        assert self._validator is not None
        try:
            errors = list(islice(self._validator.iter_errors(value), MAX_ERRORS))
        except (
            Unresolvable,
            re.error,
            RecursionError,
        ) as exc:  # the last: a schema that refers to itself for ever
            self._unusable = f"The output schema cannot be applied: {_clip(str(exc))}."
            self._validator = None
            return
        for error in errors:
            where = "".join(f"/{part}" for part in error.absolute_path) or "the output"
            message = f"The output does not fit the schema, at {_clip(where)}: {_clip(error.message)}."
            advice = "Correct the output, or the schema if it is the one that is wrong."
            yield found("output", Severity.ERROR, place, message, advice)

    def _spelling(self, place: Place, value: Any) -> Iterator[Finding]:
        if self._style is None:
            return
        wrong = ((pointer, key) for pointer, key in keys_of(value) if not fits(key, self._style))
        for pointer, key in islice(wrong, MAX_ERRORS):
            right = spell(key, self._style)
            message = f'The key "{_clip(key)}" at {_clip(pointer)} is not {self._style}.'
            advice = f'Write "{_clip(right)}".' if right else "Rename it."
            yield found("output", Severity.ERROR, place, message, advice)


def _not_json(place: Place, text: str, reason: str) -> Finding:
    if text.lstrip().startswith("```"):
        message, advice = (
            "The output stands in a code fence.",
            "Remove the fence: replies are parsed as they are.",
        )
    else:
        message = f"The output is not strict JSON: {_clip(reason)}."
        advice = "Write the JSON value and nothing else."
    return found("output", Severity.ERROR, place, message, advice)


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inner)


def _clip(text: str, limit: int = 160) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
