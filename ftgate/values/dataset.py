"""The dataset under review: files, lines, examples."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from ftgate.values.digest import digest
from ftgate.values.finding import Place


class Format(StrEnum):
    """The example formats that are read; every one becomes messages."""

    CONVERSATION = "conversation"
    INSTRUCTION = "instruction"
    PROMPT_COMPLETION = "prompt-completion"
    SHAREGPT = "sharegpt"


class Message(Struct, frozen=True, kw_only=True):
    """One turn. `content` is None only beside tool calls; `weight` 0 keeps a turn out of the loss."""

    role: str
    content: str | None = None
    weight: int | None = None
    name: str | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    tool_call_id: str | None = None


class Example(Struct, frozen=True, kw_only=True):
    """A parsed conversation and the physical line it stands on.

    `source`, `tags`, `group` and `metadata` say where it comes from; they are never trained, and are not part of its
    digest. Nor is `shape`: how its turns are written, where that is not as strings.
    """

    place: Place
    format: Format
    messages: tuple[Message, ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    source: str = ""
    tags: tuple[str, ...] = ()
    group: str = ""
    metadata: Mapping[str, Any] = {}
    shape: str = ""

    @property
    def prompt(self) -> tuple[Message, ...]:
        """Everything before the last assistant turn; all messages when there is none."""
        last = self._last_assistant()
        return self.messages if last is None else self.messages[:last]

    @property
    def reference(self) -> str | None:
        """Content of the last assistant turn: what the model is to learn to say. None when there is none."""
        last = self._last_assistant()
        return None if last is None else self.messages[last].content

    @property
    def user_text(self) -> str:
        """The user turns joined by newlines."""
        return "\n".join(m.content or "" for m in self.messages if m.role == "user")

    @property
    def digest(self) -> str:
        """SHA-256 of the messages and tools: the same example on another line or in another file has the same."""
        return digest([plain_messages(self.messages), [dict(t) for t in self.tools]])

    def _last_assistant(self) -> int | None:
        turns = [i for i, m in enumerate(self.messages) if m.role == "assistant"]
        return turns[-1] if turns else None


class DataFile(Struct, frozen=True, kw_only=True):
    """Proof of completeness for one file: every line is an example, blank, or named in a finding."""

    path: str
    sha256: str
    bytes: int
    lines: int
    examples: int
    skipped: int


def plain_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages as the plain dicts that chat templates and APIs take; absent fields are left out."""
    return [_plain(message) for message in messages]


def _plain(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = {"role": message.role, "content": message.content}
    for key in ("weight", "name", "tool_call_id"):
        if (value := getattr(message, key)) is not None:
            plain[key] = value
    if message.tool_calls:
        plain["tool_calls"] = [dict(call) for call in message.tool_calls]
    return plain


def dataset_digest(examples: Sequence[Example]) -> str:
    """SHA-256 over the examples in training order: the order of lines is part of what is trained."""
    return digest([example.digest for example in examples])


def data_digest(files: Sequence[DataFile]) -> str:
    """SHA-256 over paths and bytes of training files: what a waiver is given for. Empty without files."""
    return digest(sorted([file.path, file.sha256] for file in files)) if files else ""
