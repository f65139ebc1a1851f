"""The example formats: which one a line has, and the messages that it stands for."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ftgate.edges.json_scan import MAX_DEPTH
from ftgate.values.dataset import Format, Message

STRINGS, PARTS = "strings", "lists of parts"
"""The two ways to write the contents of a conversation's turns."""
ROLES = ("system", "user", "assistant", "tool")
SHAREGPT_ROLES = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
}


def detect_format(value: Mapping[str, Any]) -> Format | None:
    """The format that the top-level keys name; None when they name none."""
    for key, format in (("messages", Format.CONVERSATION), ("conversations", Format.SHAREGPT)):
        if key in value:
            return format
    if "instruction" in value:
        return Format.INSTRUCTION
    return Format.PROMPT_COMPLETION if "prompt" in value and "completion" in value else None


def shapes(value: Mapping[str, Any], format: Format) -> Iterator[tuple[str, str]]:
    """How the turns are written, each at its pointer; one file has one shape, or loaders cast one into the other."""
    if format is Format.CONVERSATION:
        yield from _written(value, "messages", STRINGS, PARTS)
    elif format is Format.PROMPT_COMPLETION:
        if not isinstance(value.get("prompt"), list):
            yield "/prompt", STRINGS
            return
        both = ("message lists", "message lists of parts")
        said = [*_written(value, "prompt", *both), *_written(value, "completion", *both)]
        yield "/prompt", said[0][1] if said else both[0]
        yield from said


def _written(value: Mapping[str, Any], key: str, text: str, parts: str) -> Iterator[tuple[str, str]]:
    turns = value.get(key)
    for index, turn in enumerate(turns if isinstance(turns, list) else ()):
        content = turn.get("content") if isinstance(turn, dict) else None
        if isinstance(content, str | list):
            yield f"/{key}/{index}/content", text if isinstance(content, str) else parts


def is_sound(value: Any, deepest: int = MAX_DEPTH) -> bool:
    """Whether a parsed value is nested at most `deepest` levels and holds finite numbers only."""
    if isinstance(value, float):
        return math.isfinite(value)
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return deepest > 0 and all(is_sound(item, deepest - 1) for item in inner)


def simple_messages(value: Mapping[str, Any], format: Format) -> tuple[Message, ...] | None:
    """The messages of a line that holds nothing but turns of text; None for every other line, good or bad."""
    if format is Format.CONVERSATION and len(value) == 1:
        return _simple_turns(value.get("messages"), "role", "content")
    if format is Format.SHAREGPT and len(value) == 1:
        return _simple_turns(value.get("conversations"), "from", "value")
    return None


_SIMPLE_ROLES = {"role": {role: role for role in ROLES if role != "tool"}, "from": SHAREGPT_ROLES}


def _simple_turns(turns: Any, role_key: str, text_key: str) -> tuple[Message, ...] | None:
    if type(turns) is not list or not turns:
        return None
    roles, messages = _SIMPLE_ROLES[role_key], []
    for turn in turns:
        if type(turn) is not dict or len(turn) != 2:
            return None
        role, text = turn.get(role_key), turn.get(text_key)
        if type(role) is not str or role not in roles or type(text) is not str:
            return None
        messages.append(Message(role=roles[role], content=text))
    return tuple(messages)


def messages_of(value: Mapping[str, Any], format: Format) -> tuple[Message, ...]:
    """The messages of a line without misfits. An instruction's input follows it after an empty line."""
    if format is Format.CONVERSATION:
        return tuple(_message(turn) for turn in value["messages"])
    if format is Format.SHAREGPT:
        return tuple(
            Message(role=SHAREGPT_ROLES[t["from"]], content=t["value"]) for t in value["conversations"]
        )
    if format is Format.INSTRUCTION:
        question = "\n\n".join(part for part in (value["instruction"], value.get("input")) if part)
        system = (Message(role="system", content=value["system"]),) if value.get("system") else ()
        return (
            *system,
            Message(role="user", content=question),
            Message(role="assistant", content=value["output"]),
        )
    if isinstance(value["prompt"], list):
        return tuple(_message(turn) for turn in (*value["prompt"], *value["completion"]))
    user = Message(role="user", content=value["prompt"])
    return (user, Message(role="assistant", content=value["completion"]))


def _message(turn: Mapping[str, Any]) -> Message:
    content = turn.get("content")
    if isinstance(content, list):  # templates and services put nothing between parts
        content = "".join(part["text"] for part in content)
    return Message(
        role=turn["role"],
        content=content,
        weight=turn.get("weight"),
        name=turn.get("name"),
        tool_calls=tuple(turn.get("tool_calls", ())),
        tool_call_id=turn.get("tool_call_id"),
    )


def provenance(value: Mapping[str, Any]) -> dict[str, Any]:
    """Where a line without misfits says that it comes from: the fields of an example that are never trained."""
    found = {key: value[key] for key in ("source", "group", "metadata") if value.get(key)}
    return found | ({"tags": tuple(value["tags"])} if value.get("tags") else {})
