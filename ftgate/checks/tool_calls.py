"""tool-calls: the arguments of a call fit the schema that the line gives for its tool. The seed, curation 1: outputs
exactly as production needs them, and a call is an output."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ftgate.checks.base import Context, Unmergeable
from ftgate.checks.json_values import strict_json
from ftgate.checks.secrets import hide_secrets
from ftgate.checks.tool_schemas import ToolSchemas, parameters_of
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found

MAX_ERRORS = 10
"""Errors of one call that are told."""


class ToolCalls:
    """Looks at lines that bring tools; that arguments parse at all is the reader's business."""

    def __init__(self, context: Context) -> None:
        del context  # the line brings its own schemas
        self._schemas = ToolSchemas()
        self._told: set[tuple[str, str]] = set()

    def see(self, example: Example) -> Iterator[Finding]:
        """Every call of the line, against the tool that it names."""
        if not example.tools:
            return
        for index, message in enumerate(example.messages):
            for number, call in enumerate(message.tool_calls):
                pointer = f"/messages/{index}/tool_calls/{number}/function"
                function = call.get("function", {})
                yield from self._judge(example, pointer, str(function.get("name", "")), function)

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """The same for many examples; plain ones have no tools."""
        for row in batch.whole:
            yield from self.see(batch.example(row))

    def __getstate__(self) -> dict[str, Any]:
        """All but the validators: what one process has seen goes to another, which has its own."""
        return {**self.__dict__, "_schemas": ToolSchemas()}

    def merge(self, later: "ToolCalls", recall: Recall) -> Iterable[Finding]:
        """Adds; what is told once must not be told by two."""
        if self._told & later._told:
            raise Unmergeable
        self._told |= later._told
        return ()

    def finish(self) -> Iterable[Finding]:
        """Nothing is left to say."""
        return ()

    def _judge(self, example: Example, pointer: str, name: str, function: Any) -> Iterator[Finding]:
        parameters = parameters_of(example.tools, name)
        if parameters is None:
            message = f'The call names the tool "{_clip(name, 60)}", and the line has no such tool.'
            advice = "Add its definition to tools, or correct the name."
            yield found("tool-calls", Severity.ERROR, _at(example, f"{pointer}/name"), message, advice)
            return
        validator, why_not = self._schemas.validator(parameters)
        if validator is None:
            if (name, why_not) not in self._told:
                self._told.add((name, why_not))
                message = f'The schema of the tool "{_clip(name, 60)}" is not applied: {why_not}.'
                yield found("tool-calls", Severity.WARNING, _at(example, "/tools"), message, "Correct it.")
            return
        try:
            arguments = strict_json(str(function.get("arguments", "")))
        except ValueError:
            return
        for error in islice(validator.iter_errors(arguments), MAX_ERRORS):
            where = "".join(f"/{part}" for part in error.absolute_path)[:80] or "the arguments"
            said = f"at {where}: {_clip(error.message, 160)}."
            message = f'The call of "{_clip(name, 60)}" does not fit its schema, {said}'
            advice = "Correct the arguments, or the schema if it is the one that is wrong."
            yield found("tool-calls", Severity.ERROR, _at(example, f"{pointer}/arguments"), message, advice)


def _clip(text: str, limit: int) -> str:
    return hide_secrets(text)[:limit]  # what is cut could not be told to be a secret


def _at(example: Example, pointer: str) -> Place:
    place = example.place
    return Place(path=place.path, line=place.line, byte_offset=place.byte_offset, pointer=pointer)
