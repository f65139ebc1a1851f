"""Where a turn stands in its line, and when two prompts or two outputs are the same."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jiter
import msgspec
import xxhash

from ftgate.values.batch import Batch
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place

_ENCODER = msgspec.json.Encoder(order="sorted")
_JSON_BEGINS = frozenset('{["-0123456789')
_JSON_WORDS = frozenset(("true", "false", "null"))
_SPACE = frozenset(" \t\r\n")

_NOTHING = b"\0nothing"
NOT_JSON = object()
"""Stands for the value of a text that has none."""


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
    prompt = example.prompt
    if example.tools or any(message.tool_calls or message.content is None for message in prompt):
        parts = [_turn(message) for message in prompt]
        parts.append(_canonical([dict(tool) for tool in example.tools]))
        text = "\x1f".join(parts)
    else:
        # No text holds a NUL: the reader refuses it. So what stands between two of them is one role or one text.
        text = "\0".join([message.role for message in prompt] + [(m.content or "").strip() for m in prompt])
    return xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))


def _output_key(example: Example) -> bytes:
    if not example.messages:
        return bytes(8)
    message = example.messages[last_assistant(example)]
    text = _value(message.content or "") + "".join(f"\x1e{_value(part)}" for part in _calls(message))
    return xxhash.xxh3_64_digest(text.encode("utf-8", "surrogatepass"))


prompt_key = _Last(_prompt_key)
"""Digest of everything before the last assistant turn: roles, texts without outer space, calls, tools."""
output_key = _Last(_output_key)
"""Digest of the last assistant turn; JSON texts of equal value have equal digests. Call ids do not count."""


def answers(example: Example) -> bool:
    """Whether there is a prompt and something that answers it."""
    return 0 < len(example.prompt) < len(example.messages)


def prompt_keys(batch: Batch) -> list[bytes]:
    """`prompt_key` of every row; other where nothing answers, so that it is like no prompt that is answered."""
    known: list[bytes] | None = batch.memo.get("prompts")
    if known is None:
        known = batch.memo["prompts"] = _prompt_keys(batch)
    return known


def _prompt_keys(batch: Batch) -> list[bytes]:
    heads: dict[tuple[str, ...], str] = {}
    said: list[str] = []
    for roles, texts in zip(batch.roles, batch.texts, strict=True):
        if roles is None:
            said.append("")
            continue
        head = heads.get(roles)
        if head is None:
            answered = roles[-1] == "assistant" and len(roles) > 1
            head = heads[roles] = "\0".join(roles[:-1]) if answered else ""
        said.append("\0".join([head, *map(str.strip, texts[:-1])]) if head else "")
    keys = list(map(xxhash.xxh3_128_digest, map(str.encode, said)))
    if "" in said:
        for row in [row for row, text in enumerate(said) if not text]:
            example = batch.example(row)
            key = prompt_key(example)
            keys[row] = key if answers(example) else xxhash.xxh3_128_digest(b"no answer" + key)
    return keys


def reply_values(batch: Batch) -> list[Any]:
    """The JSON value of the last turn of every plain row that an assistant ends; NOT_JSON for every other."""
    known: list[Any] | None = batch.memo.get("values")
    if known is None:
        known = batch.memo["values"] = [
            _json_or_not(texts[-1]) if roles and roles[-1] == "assistant" else NOT_JSON
            for roles, texts in zip(batch.roles, batch.texts, strict=True)
        ]
    return known


def output_keys(batch: Batch) -> list[int]:
    """`output_key` of every row."""
    known: list[int] | None = batch.memo.get("outputs")
    if known is None:
        known = batch.memo["outputs"] = _output_keys(batch)
    return known


def _output_keys(batch: Batch) -> list[int]:
    said: list[bytes] = []
    encode = _ENCODER.encode
    rows = zip(batch.roles, batch.texts, reply_values(batch), strict=True)
    for roles, texts, value in rows:
        if value is not NOT_JSON:
            said.append(b"\0" + encode(_whole(value) if _has_whole(value) else value))
        elif roles and roles[-1] == "assistant":
            text = texts[-1].strip()
            said.append((text if len(text) == len(texts[-1]) else _value(text)).encode())
        else:
            said.append(_NOTHING)
    keys = list(map(xxhash.xxh3_64_intdigest, said))
    if _NOTHING in said:
        for row in [row for row, text in enumerate(said) if text is _NOTHING]:
            keys[row] = int.from_bytes(output_key(batch.example(row)), "big")
    return keys


def user_texts(batch: Batch) -> list[str]:
    """`user_text` of every row."""
    known: list[str] | None = batch.memo.get("users")
    if known is None:
        known = batch.memo["users"] = [
            batch.example(row).user_text
            if roles is None
            else "\n".join([text for role, text in zip(roles, texts, strict=True) if role == "user"])
            for row, (roles, texts) in enumerate(zip(batch.roles, batch.texts, strict=True))
        ]
    return known


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
    value = _json_or_not(text)
    if value is NOT_JSON:
        return text
    return "\0" + _canonical(_whole(value) if _has_whole(value) else value)


def _json_or_not(text: str) -> Any:
    """Most texts are told apart by how they begin: an exception for each of them would cost more than all else."""
    begin = text[:1]
    if begin not in _JSON_BEGINS and begin not in _SPACE and text.strip() not in _JSON_WORDS:
        return NOT_JSON
    try:
        return strict_json(text)
    except ValueError:
        return NOT_JSON


def _has_whole(value: Any) -> bool:
    """Whether there is a float in a value that is a whole number."""
    for item in value.values() if type(value) is dict else value if type(value) is list else (value,):
        kind = type(item)
        if kind is float:
            if item.is_integer():
                return True
        elif (kind is dict or kind is list) and _has_whole(item):
            return True
    return False


def _canonical(value: Any) -> str:
    return _ENCODER.encode(value).decode()


def _whole(value: Any) -> Any:
    """1.0 and 1 are the same number of JSON."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value
