"""Where a turn stands in its line, and when two prompts or two outputs are the same."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jiter
import msgspec
import xxhash

from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place

_WHOLE_AS_FLOAT = re.compile(r"[0-9](?:\.0|[eE])")
_ENCODER = msgspec.json.Encoder(order="sorted")
_JSON_BEGINS = frozenset('{["-0123456789tfn')


def turn_pointer(example: Example, index: int) -> str:
    """JSON Pointer of the text of a message; "" where the format joins several fields into it."""
    if example.format is Format.CONVERSATION:
        return f"/messages/{index}/content"
    if example.format is Format.SHAREGPT:
        return f"/conversations/{index}/value"
    role = example.messages[index].role
    if example.format is Format.INSTRUCTION:
        return {"system": "/system", "assistant": "/output"}.get(role, "")
    return "/completion" if index == len(example.messages) - 1 else "/prompt"


def turn_place(example: Example, index: int) -> Place:
    """The line of an example, pointing at one message."""
    place, pointer = example.place, turn_pointer(example, index)
    return Place(path=place.path, line=place.line, byte_offset=place.byte_offset, pointer=pointer)


def last_assistant(example: Example) -> int:
    """Index of the last assistant message; the last message when there is none."""
    turns = [i for i, message in enumerate(example.messages) if message.role == "assistant"]
    return turns[-1] if turns else len(example.messages) - 1


def strict_json(text: str) -> Any:
    """A JSON value. Raises ValueError for anything else; duplicate keys and NaN are refused."""
    return jiter.from_json(text.encode(), catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")


class _Last:
    """Remembers the answer for the last example: several checks ask the same, one after the other."""

    def __init__(self, compute: Callable[[Example], bytes]) -> None:
        self._compute = compute
        self._example: Example | None = None
        self._key = b""

    def __call__(self, example: Example) -> bytes:
        if example is not self._example:
            self._key = self._compute(example)
            self._example = example
        return self._key


def _prompt_key(example: Example) -> bytes:
    parts = [_turn(message) for message in example.prompt]
    if example.tools:
        parts.append(_canonical([dict(tool) for tool in example.tools]))
    return xxhash.xxh3_128_digest("\x1f".join(parts).encode("utf-8", "surrogatepass"))


def _output_key(example: Example) -> bytes:
    if not example.messages:
        return b""
    message = example.messages[last_assistant(example)]
    text = _value(message.content or "") + "".join(f"\x1e{_value(part)}" for part in _calls(message))
    return xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))


prompt_key = _Last(_prompt_key)
"""Digest of everything before the last assistant turn: roles, texts without outer space, calls, tools."""
output_key = _Last(_output_key)
"""Digest of the last assistant turn; JSON texts of equal value have equal digests. Call ids do not count."""


def text_key(text: str) -> bytes:
    """Digest of a text as it is."""
    return xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))


def system_text(messages: Iterable[Message]) -> str:
    """The system prompt; "" when there is none."""
    return next((message.content or "" for message in messages if message.role == "system"), "")


def _turn(message: Message) -> str:
    text = (message.content or "").strip()
    calls = "".join(f"\x1e{_value(part)}" for part in _calls(message)) if message.tool_calls else ""
    return f"{message.role}\x1f{len(text)}\x1f{text}{calls}"


def _calls(message: Message) -> list[str]:
    functions = [call.get("function", {}) for call in message.tool_calls]
    return [str(function.get(key, "")) for function in functions for key in ("name", "arguments")]


def _value(text: str) -> str:
    """Canonical JSON behind a NUL where the text is JSON, so that no plain text is taken for it."""
    text = text.strip()
    if text[:1] not in _JSON_BEGINS:
        return text
    try:
        value = strict_json(text)
    except ValueError:
        return text
    return "\0" + _canonical(_whole(value) if _WHOLE_AS_FLOAT.search(text) else value)


def _canonical(value: Any) -> str:
    return _ENCODER.encode(value).decode()


def _whole(value: Any) -> Any:
    """1.0 and 1 are the same number of JSON."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value
