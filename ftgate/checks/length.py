"""length: every example fits into the tokens that are trained, and its reply survives. The seed, recipe: 2,048 tokens.

Tokens are at most as many as UTF-8 bytes, so only lines with more bytes than the limit are tokenized, and those with
tool calls: a chat template may leave these out, and what it cannot render is not trained. Without the base model's
tokenizer on this machine (the train extra, and a model that is here already: nothing is downloaded to validate), the
long lines are counted in a notice, and no more is said than bytes prove.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from ftgate.checks.base import Context, Unmergeable
from ftgate.checks.places import Places
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example, Message
from ftgate.values.finding import Finding, Severity, found
from ftgate.values.tokens import LONGEST, Counted

OVERHEAD, OVERHEAD_TURN, OVERHEAD_TOOLS = 32, 16, 256
"""Tokens that a chat template may add at most: for its head, for every turn, and where there are tools."""
_TOLD = 100
_REASON = 300  # characters of a template's own message


class Length:
    """Counts bytes of every example, and tokens of those that could be too long."""

    def __init__(self, context: Context) -> None:
        self._declared = context.declared
        self._meter = context.meter
        self._limit = context.meter.limit if context.meter else context.max_length or LONGEST
        self._places = Places()
        self._open = 0
        self._longest = (0, 0)
        self._told = 0
        self._untold = 0
        self._refused: list[int] = []

    def see(self, example: Example) -> Iterator[Finding]:
        """What is surely short enough costs a sum of lengths."""
        size = bytes_of(example)
        calls = any(message.tool_calls for message in example.messages)
        if size <= self._limit and not (calls and self._meter):
            return
        if self._meter is None:
            self._open += 1
            if size > self._longest[0]:
                self._longest = (size, self._places.keep(example.place))
            return
        counted = self._meter.count(example)
        if isinstance(counted, str):
            yield from self._cannot(example, counted)
        elif counted.tokens > self._limit:
            yield from self._too_long(example, counted)

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """The same for many examples, one by one only where that may tell something; nothing is told where there is
        neither a declared limit nor a tokenizer."""
        if self._meter is None and not self._declared:
            return
        at, texts = 0, list(map(len, batch.utf8))
        for row, roles in enumerate(batch.roles):
            end = at + len(roles) if roles else at
            if roles is None or OVERHEAD + OVERHEAD_TURN * len(roles) + sum(texts[at:end]) > self._limit:
                yield from self.see(batch.example(row))
            at = end

    def __getstate__(self) -> dict[str, Any]:
        """All but the meter: what one process has seen goes to another, which has its own."""
        return {**self.__dict__, "_meter": None}

    def merge(self, later: "Length", recall: Recall) -> Iterable[Finding]:
        """Adds; the first hundred are told by name, and two processes may tell more."""
        told = max(self._told + later._told, len(self._refused) + len(later._refused))
        if told > _TOLD or later._untold:
            raise Unmergeable
        self._refused += self._places.adopt(later._places, later._refused)
        self._told += later._told
        self._open += later._open
        if later._longest[0] > self._longest[0]:
            (kept,) = self._places.adopt(later._places, [later._longest[1]])
            self._longest = (later._longest[0], kept)
        return ()

    def finish(self) -> Iterator[Finding]:
        """What could not be decided, when a limit is declared."""
        if self._untold:
            place = self._places.place(self._longest[1])
            message = f"{self._untold} more examples, this one first, have more than {self._limit:,} tokens."
            yield found("length", Severity.ERROR, place, message, "Shorten or split them.")
        if len(self._refused) > _TOLD:
            place = self._places.place(self._refused[_TOLD])
            message = f"{len(self._refused) - _TOLD} more examples, this one first, cannot be trained."
            yield found("length", Severity.ERROR, place, message, "ftgate tokens FILE names them all.")
        if self._open and self._declared:
            size, kept = self._longest
            message = (
                f"{self._open} example(s) may have more than {self._limit:,} tokens: they have more bytes "
                f"(this one {size:,}, the most). To count them takes the base model's tokenizer."
            )
            advice = "Install ftgate with its extra train, and have the base model on this machine."
            yield found("length", Severity.NOTICE, self._places.place(kept), message, advice)

    def _cannot(self, example: Example, reason: str) -> Iterator[Finding]:
        self._refused.append(self._places.keep(example.place))
        if len(self._refused) <= _TOLD:
            message = f"This example cannot be trained: {reason[:_REASON].rstrip('.')}."
            yield found(
                "length", Severity.ERROR, example.place, message, "ftgate tokens FILE --line N shows it."
            )

    def _too_long(self, example: Example, counted: Counted) -> Iterator[Finding]:
        if self._told == _TOLD:
            if not self._untold:
                self._longest = (0, self._places.keep(example.place))
            self._untold += 1
            return
        self._told += 1
        if counted.kept == 0:
            reply = "no token of a reply is left"
        elif counted.kept < counted.trained:
            reply = (
                f"{counted.trained - counted.kept:,} of the {counted.trained:,} tokens of replies are lost"
            )
        else:
            reply = "the replies survive"
        dropped = "the line" if counted.over == counted.rows else f"{counted.over} of its {counted.rows} rows"
        message = (
            f"{counted.tokens:,} tokens, and {self._limit:,} are the limit: ftgate drops {dropped}, and "
            f"where lines are cut, {reply}."
        )
        advice = "Shorten or split it, or raise training.max_length."
        yield found("length", Severity.ERROR, example.place, message, advice)


def bytes_of(example: Example) -> int:
    """More bytes than the tokens that the example can have, its template included."""
    size = OVERHEAD + sum(map(_bytes_of_turn, example.messages))
    if example.tools:
        size += OVERHEAD_TOOLS + 2 * sum(len(str(tool)) for tool in example.tools)
    return size


def _bytes_of_turn(message: Message) -> int:
    text = message.content or ""
    size = OVERHEAD_TURN + (len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass")))
    for call in message.tool_calls:
        size += OVERHEAD_TURN + len(str(call).encode("utf-8", "surrogatepass"))
    return size
