"""contamination: training must not contain what is used to judge it. The seed, curation 6: reserved before training and
not looked at.

The same prompt is an error. Nearly the same, or thirteen words in a row, is evidence that a person has to weigh, and a
warning; wording that many prompts share does not count (see overlap.py). So are twenty words of a reply (replies.py).
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from ftgate.checks.base import Context
from ftgate.checks.overlap import Overlap
from ftgate.checks.replies import Replies
from ftgate.checks.turns import system_text, text_key, turn_place
from ftgate.checks.words import normalised
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example, Message
from ftgate.values.finding import Finding, Place, Severity, found


class Contamination:
    """Compares user turns, so that another system prompt hides nothing; every beginning of a conversation counts.

    Where reserved examples share their user turns and differ by system prompt only, the system prompt is compared too.
    Keeps a digest per reserved prompt.
    """

    def __init__(self, context: Context) -> None:
        self._reserved: dict[bytes, tuple[str, str]] = {}
        self._with_system: dict[bytes, tuple[str, str]] = {}
        systems: dict[bytes, set[str]] = {}
        for name, messages in _reserved(context):
            turns = _user_turns(messages)
            if not turns:
                continue
            key = text_key("\n".join(normalised(turn) for _, turn in turns))
            system = normalised(system_text(messages))
            systems.setdefault(key, set()).add(system)
            self._reserved.setdefault(key, (name, "\n".join(turn for _, turn in turns)))
            self._with_system.setdefault(text_key(f"{key.hex()}{system}"), self._reserved[key])
        self._shared = frozenset(key for key, variants in systems.items() if len(variants) > 1)
        alone = {key: kept for key, kept in self._reserved.items() if key not in self._shared}
        self._names = [name for name, _ in alone.values()]
        self._overlap = Overlap([text for _, text in alone.values()])
        answered = [example for example in context.held_out if example.reference]
        self._answered = [_name(example) for example in answered]
        self._replies = Replies([example.reference or "" for example in answered])

    def see(self, example: Example) -> Iterator[Finding]:
        """Against every reserved prompt."""
        if not self._reserved:
            return
        said, exact = "", ""
        for index, turn in _user_turns(example.messages):
            said = f"{said}\n{normalised(turn)}" if said else normalised(turn)
            exact = f"{exact}\n{turn}" if exact else turn
            if reserved := self._match(text_key(said), example):
                yield _leak(example, index, exact, reserved)
                return
        self._overlap.see(example)
        self._replies.see(example)

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """The same for many examples."""
        if self._reserved:
            for row in range(len(batch)):
                yield from self.see(batch.example(row))

    def remember_only(self) -> None:
        """What is the same is told all the same; the rest is counted at the end."""
        self._overlap.remember_only()

    def merge(self, later: "Contamination", recall: Recall) -> Iterable[Finding]:
        """Adds; what is wording is known once all prompts were seen."""
        self._overlap.absorb(later._overlap)
        self._replies.absorb(later._replies)
        return ()

    def finish(self) -> Iterator[Finding]:
        """What is nearly the same, and what has words in a row in common."""
        told: set[Place] = set()
        for near in self._overlap.near():
            told.add(_line(near.place))
            name = self._names[near.reserved]
            message = (
                f"This prompt is nearly the one of {name}: {near.share:.0%} of the word triples are the same."
            )
            yield found("contamination", Severity.WARNING, near.place, message, _WEIGH)
        for near, run in self._overlap.runs():
            told.add(_line(near.place))
            message = f"Thirteen words in a row are those of {self._names[near.reserved]}: {_quote(run)}."
            yield found("contamination", Severity.WARNING, near.place, message, _WEIGH)

        for near, run in self._replies.found():
            if _line(near.place) not in told:
                name = self._answered[near.reserved]
                message = (
                    f"Twenty words in a row of this reply are those of the reply of {name}: {_quote(run)}."
                )
                yield found("contamination", Severity.WARNING, near.place, message, _WEIGH)

    def _match(self, key: bytes, example: Example) -> tuple[str, str] | None:
        if key not in self._shared:
            return self._reserved.get(key)
        return self._with_system.get(text_key(f"{key.hex()}{normalised(system_text(example.messages))}"))


_WRITTEN_AS_ONE = re.compile(r"(?=[^ ]{0,63}[0-9])[^ ]{16,}")
_WEIGH = "Look at both: if one gives the answer to the other, remove the training line."


def _line(place: Place) -> Place:
    return Place(path=place.path, line=place.line)


def _quote(text: str) -> str:
    text = _WRITTEN_AS_ONE.sub(
        lambda word: "•" * len(word[0]), text
    )  # words are folded: no key looks like one
    return f'"{text}"' if len(text) <= 120 else f'"{text[:119]}…"'


def _leak(example: Example, index: int, said: str, reserved: tuple[str, str]) -> Finding:
    """An error, and a warning where a hyphen is all that differs: somebody should look at it."""
    name, text = reserved
    severity, but = Severity.ERROR, ", but for case, punctuation or space"
    if said == text:
        but = ""
    elif normalised(said, hyphens=True) != normalised(text, hyphens=True):
        severity, but = Severity.WARNING, ", but for a hyphen"
    message = f"This prompt is the one of {name}{but}."
    advice = "Remove the line: what is trained cannot judge the training."
    return found("contamination", severity, turn_place(example, index), message, advice)


def _reserved(context: Context) -> Iterator[tuple[str, Sequence[Message]]]:
    for prompt in context.prompts:
        source = f" ({prompt.source})" if prompt.source else ""
        yield f"the {prompt.kind} prompt {prompt.id}{source}", prompt.messages
    for example in context.held_out:
        yield _name(example), example.messages


def _name(example: Example) -> str:
    return f"the held-out example {example.place.path}:{example.place.line}"


def _user_turns(messages: Sequence[Message]) -> list[tuple[int, str]]:
    return [
        (i, m.content) for i, m in enumerate(messages) if m.role == "user" and m.content and m.content.strip()
    ]
