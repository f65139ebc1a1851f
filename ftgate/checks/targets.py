"""What each target does with lines that fit the format and not the target: one table, every row a known fact.

*rejects*: the upload or the trainer fails. *drops*: training goes on without the line. *alters*: something else is
trained than what is written. What a target is not known to do has no row; the chat template has the last word then.
trl has no row at all: it is what ftgate trains with, and ftgate tokenizes, masks and weighs the turns itself.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal, get_args

from msgspec import Struct

from ftgate.values.dataset import Example, Format
from ftgate.values.finding import Severity
from ftgate.values.settings import Target

TARGETS: tuple[str, ...] = get_args(Target)
Outcome = Literal["rejects", "drops", "alters"]
SEVERITY: dict[Outcome, Severity] = {
    "rejects": Severity.ERROR,
    "drops": Severity.ERROR,
    "alters": Severity.WARNING,
}
_MISTRAL_ID = re.compile(r"[a-zA-Z0-9]{9}\Z")


class Trait(Struct, frozen=True):
    """Something about an example that some targets mind: what it is called, the way out, and where it is."""

    text: str
    advice: str
    find: Callable[[Example], Iterator[int]]


class Rule(Struct, frozen=True):
    """What a target does with a trait, and why that is known."""

    target: str
    does: Outcome
    trait: str
    because: str


def _after(earlier: str, later: str) -> Callable[[Example], Iterator[int]]:
    def find(example: Example) -> Iterator[int]:
        turns = [(i, m.role) for i, m in enumerate(example.messages) if m.role != "system"]
        return (i for (_, one), (i, other) in pairwise(turns) if (one, other) == (earlier, later))

    return find


def _assistant_first(example: Example) -> Iterator[int]:
    first = next(((i, m.role) for i, m in enumerate(example.messages) if m.role != "system"), (0, ""))
    if first[1] == "assistant":
        yield first[0]


def _late_system(example: Example) -> Iterator[int]:
    return (i for i, m in enumerate(example.messages) if i and m.role == "system")


def _zero_weight(example: Example) -> Iterator[int]:
    return (i for i, m in enumerate(example.messages) if m.role == "assistant" and m.weight == 0)


def _earlier_reply_beside_tools(example: Example) -> Iterator[int]:
    """The first of several replies, when the line has tools."""
    replies = [i for i, m in enumerate(example.messages) if m.role == "assistant"]
    if len(replies) > 1 and (example.tools or any(m.tool_calls for m in example.messages)):
        yield replies[0]


def _odd_call_id(example: Example) -> Iterator[int]:
    for index, message in enumerate(example.messages):
        ids = [str(call.get("id")) for call in message.tool_calls]
        if any(not _MISTRAL_ID.match(name) for name in ids):
            yield index


def _of_format(*formats: Format) -> Callable[[Example], Iterator[int]]:
    return lambda example: iter((-1,) if example.format in formats else ())


_JOIN = "Join the two turns, or remove one."
TRAITS: dict[str, Trait] = {
    "assistant-first": Trait("The assistant speaks first", "Begin with a user turn.", _assistant_first),
    "user-user": Trait("Two user turns in a row", _JOIN, _after("user", "user")),
    "assistant-assistant": Trait("Two assistant turns in a row", _JOIN, _after("assistant", "assistant")),
    "user-tool": Trait(
        "A tool turn after a user turn", "Put the assistant's call before it.", _after("user", "tool")
    ),
    "tool-user": Trait(
        "A user turn after a tool turn", "Let the assistant read the tool first.", _after("tool", "user")
    ),
    "tool-tool": Trait("Two tool turns in a row", "Make one call at a time.", _after("tool", "tool")),
    "late-system": Trait(
        "A system turn that is not the first", "Keep one system turn, at the start.", _late_system
    ),
    "zero-weight": Trait(
        "A reply with weight 0", "Remove the turn, or mask it in the target's own way.", _zero_weight
    ),
    "earlier-reply": Trait(
        "Several replies in a line with tools",
        "Make a line of its own for every reply.",
        _earlier_reply_beside_tools,
    ),
    "call-id": Trait(
        "A tool call whose id is not nine letters or digits", "Write ids like a1B2c3D4e.", _odd_call_id
    ),
    "not-messages": Trait(
        "A line without messages",
        "Convert the file to conversations.",
        _of_format(Format.INSTRUCTION, Format.PROMPT_COMPLETION, Format.SHAREGPT),
    ),
    "own-columns": Trait(
        "A line in a format that is not its own",
        "Convert the file to conversations, or to prompt and completion.",
        _of_format(Format.INSTRUCTION, Format.SHAREGPT),
    ),
}
ONCE = ("not-messages", "own-columns")
"""Traits of a whole file: told at its first line only."""

_FOUNDRY = "seen as 'invalid schema (20)' without a line number"
_HOSTED = "its training files hold messages"
_ALTERNATE = "turns must alternate after the system turn"
_PAIRS = "turns must alternate in pairs; the warning names no line"
_ORDER = "mistral-common allows only an assistant or a tool turn there"
RULES: tuple[Rule, ...] = (
    Rule("openai", "rejects", "not-messages", _HOSTED),
    Rule("azure", "rejects", "not-messages", _HOSTED),
    Rule("azure", "rejects", "assistant-assistant", _FOUNDRY),
    Rule("together", "rejects", "own-columns", "it knows messages, prompt and completion, and text"),
    Rule("together", "rejects", "assistant-first", _ALTERNATE),
    Rule("together", "rejects", "user-user", _ALTERNATE),
    Rule("together", "rejects", "assistant-assistant", _ALTERNATE),
    Rule("together", "rejects", "late-system", _ALTERNATE),
    Rule("fireworks", "rejects", "not-messages", _HOSTED),
    Rule("fireworks", "rejects", "late-system", "a system turn must be the first"),
    Rule("mistral", "rejects", "not-messages", _HOSTED),
    Rule("mistral", "rejects", "user-tool", "mistral-common allows no tool turn there"),
    Rule("mistral", "rejects", "tool-user", _ORDER),
    Rule("mistral", "rejects", "call-id", "mistral-common checks the ids of calls"),
    Rule("mistral", "alters", "earlier-reply", "mistral-finetune then trains on the last reply only"),
    Rule("axolotl", "alters", "zero-weight", "it reads train or training fields, not weight"),
    Rule("llama-factory", "alters", "zero-weight", "it has no message weights and trains on the reply"),
    Rule("llama-factory", "drops", "assistant-first", _PAIRS),
    Rule("llama-factory", "drops", "user-user", _PAIRS),
    Rule("llama-factory", "drops", "assistant-assistant", _PAIRS),
    Rule("llama-factory", "drops", "user-tool", _PAIRS),
    Rule("llama-factory", "drops", "tool-user", _PAIRS),
    Rule("llama-factory", "drops", "tool-tool", _PAIRS),
    Rule("vertex", "rejects", "not-messages", "its lines are conversations: contents, or messages"),
    Rule("vertex", "rejects", "late-system", "there is one systemInstruction, outside the turns"),
    Rule("vertex", "alters", "zero-weight", "its turns have no weights, and the reply is trained"),
)


def rules_of(target: str) -> tuple[Rule, ...]:
    """The rows of one target; none for an unknown one."""
    return tuple(rule for rule in RULES if rule.target == target)
