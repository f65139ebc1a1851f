"""Where a turn stands in its line, and when two prompts or two outputs are the same."""

from array import array
from collections.abc import Callable, Iterable

import xxhash

from ftgate.checks.json_values import NOT_JSON, canonical, json_or_not
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place

AS_JSON = 1
"""Seed of the digests of JSON values, so that no plain text is taken for one."""


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
    prompt = example.prompt
    if example.tools or any(message.tool_calls or message.content is None for message in prompt):
        said = b"\x1f".join([*map(_turn, prompt), canonical([dict(tool) for tool in example.tools])])
        return xxhash.xxh3_128_digest(b"\0" + said)
    # No text holds a NUL: the reader refuses it. So what stands between two of them is one text.
    texts = b"\0".join([_bytes((message.content or "").strip()) for message in prompt])
    return xxhash.xxh3_128_digest(texts, role_seed([message.role for message in prompt]))


def role_seed(roles: Iterable[str]) -> int:
    """64 bits that stand for the roles of a prompt, in order."""
    return xxhash.xxh3_64_intdigest("\0".join(roles).encode())


def _output_key(example: Example) -> bytes:
    if not example.messages:
        return bytes(8)
    message = example.messages[last_assistant(example)]
    if not message.tool_calls:
        return text_digest(message.content or "")
    return xxhash.xxh3_64_digest(b"\x1e".join(map(_value, [message.content or "", *_calls(message)])))


def text_digest(text: str) -> bytes:
    """Digest of a text without outer space, of its value where it is JSON."""
    raw = _bytes(text.strip())
    value = json_or_not(raw)
    if value is NOT_JSON:
        return xxhash.xxh3_64_digest(raw)
    return xxhash.xxh3_64_digest(canonical(value), AS_JSON)


prompt_key = _Last(_prompt_key)
"""Digest of everything before the last assistant turn: roles, texts without outer space, calls, tools."""
output_key = _Last(_output_key)
"""Digest of the last assistant turn; JSON texts of equal value have equal digests. Call ids do not count."""


def packed(keys: Iterable[bytes]) -> "array[int]":
    """Keys of 64 bits as numbers, eight bytes each."""
    return array("Q", b"".join(keys))


def answers(example: Example) -> bool:
    """Whether there is a prompt and something that answers it."""
    return 0 < len(example.prompt) < len(example.messages)


def text_key(text: str) -> bytes:
    """Digest of a text as it is."""
    return xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))


def system_text(messages: Iterable[Message]) -> str:
    """The system prompt; "" when there is none."""
    return next((message.content or "" for message in messages if message.role == "system"), "")


def _turn(message: Message) -> bytes:
    text = _bytes((message.content or "").strip())
    calls = b"".join(b"\x1e" + _value(part) for part in _calls(message))
    return b"%s\x1f%d\x1f%s%s" % (message.role.encode(), len(text), text, calls)


def _calls(message: Message) -> list[str]:
    functions = [call.get("function", {}) for call in message.tool_calls]
    return [str(function.get(key, "")) for function in functions for key in ("name", "arguments")]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _value(text: str) -> bytes:
    """Canonical JSON behind a NUL where the text is JSON, so that no plain text is taken for it."""
    raw = _bytes(text.strip())
    value = json_or_not(raw)
    return raw if value is NOT_JSON else b"\0" + canonical(value)
