"""Where a turn stands in its line, and when two prompts or two outputs are the same."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jiter
import msgspec
import xxhash

from ftgate.values.batch import Batch
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place

_PACK = msgspec.msgpack.Encoder(order="sorted").encode
_WRITE = msgspec.json.Encoder(order="sorted").encode
_JSON_BEGINS = frozenset(bytes((byte,)) for byte in b'{["-0123456789 \t\r\n')
_WORDS_BEGIN = frozenset((b"t", b"f", b"n"))
_JSON_WORDS = frozenset((b"true", b"false", b"null"))
_DEEP = frozenset((float, dict, list))

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
    return _strict_json(text.encode())


def _strict_json(raw: bytes) -> Any:
    return jiter.from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")


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
        said = b"\x1f".join([*map(_turn, prompt), _canonical([dict(tool) for tool in example.tools])])
    else:
        # No text holds a NUL: the reader refuses it. So what stands between two of them is one role or one text.
        said = _bytes("\0".join([m.role for m in prompt] + [(m.content or "").strip() for m in prompt]))
    return xxhash.xxh3_128_digest(said)


def _output_key(example: Example) -> bytes:
    if not example.messages:
        return bytes(8)
    message = example.messages[last_assistant(example)]
    parts = [message.content or "", *_calls(message)]
    return xxhash.xxh3_64_digest(b"\x1e".join(map(_value, parts)))


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
    heads: dict[tuple[str, ...] | None, bytes] = {None: b""}
    said: list[bytes] = []
    texts, at = _stripped(batch), 0
    for roles in batch.roles:
        head = heads.get(roles)
        if head is None:
            assert roles is not None
            answered = roles[-1] == "assistant" and len(roles) > 1
            head = heads[roles] = "\0".join(roles[:-1]).encode() if answered else b""
        end = at + len(roles) if roles else at
        said.append(b"\0".join((head, *texts[at : end - 1])) if head else b"")
        at = end
    keys = list(map(xxhash.xxh3_128_digest, said))
    if b"" in said:
        for row in [row for row, text in enumerate(said) if not text]:
            example = batch.example(row)
            key = prompt_key(example)
            keys[row] = key if answers(example) else xxhash.xxh3_128_digest(b"no answer" + key)
    return keys


def _stripped(batch: Batch) -> list[bytes]:
    """The texts of all plain rows, without outer space, as bytes."""
    texts = batch.flat
    bare = list(map(str.strip, texts))
    if bare == texts:
        return batch.utf8
    return [
        raw if text is inner else inner.encode()
        for raw, text, inner in zip(batch.utf8, texts, bare, strict=True)
    ]


def replies(batch: Batch) -> list[bytes | None]:
    """The last turn of every plain row that an assistant ends, as bytes; None for every other."""
    known: list[bytes | None] | None = batch.memo.get("replies")
    if known is None:
        known = batch.memo["replies"] = []
        texts, end = batch.utf8, 0
        for roles in batch.roles:
            end += len(roles) if roles else 0
            known.append(texts[end - 1] if roles and roles[-1] == "assistant" else None)
    return known


def reply_values(batch: Batch) -> list[Any]:
    """The JSON value of the last turn of every plain row that an assistant ends; NOT_JSON for every other."""
    known: list[Any] | None = batch.memo.get("values")
    if known is None:
        known = batch.memo["values"] = [
            NOT_JSON if reply is None else _json_or_not(reply) for reply in replies(batch)
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
    for reply, value in zip(replies(batch), reply_values(batch), strict=True):
        if value is not NOT_JSON:
            said.append(b"\0" + _canonical(_whole(value) if _has_whole(value) else value))
        elif reply is not None:
            said.append(_value(reply.decode()) if _may_have_outer_space(reply) else reply)
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


def _turn(message: Message) -> bytes:
    text = _bytes((message.content or "").strip())
    calls = b"".join(b"\x1e" + _value(part) for part in _calls(message))
    return b"%s\x1f%d\x1f%s%s" % (message.role.encode(), len(text), text, calls)


def _calls(message: Message) -> list[str]:
    functions = [call.get("function", {}) for call in message.tool_calls]
    return [str(function.get(key, "")) for function in functions for key in ("name", "arguments")]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _may_have_outer_space(raw: bytes) -> bool:
    """White space is at most a blank; all that is not ASCII may be, and takes a closer look."""
    return bool(raw) and not (b" " < raw[:1] < b"\x7f" and b" " < raw[-1:] < b"\x7f")


def _value(text: str) -> bytes:
    """Canonical JSON behind a NUL where the text is JSON, so that no plain text is taken for it."""
    raw = _bytes(text.strip())
    value = _json_or_not(raw)
    return raw if value is NOT_JSON else b"\0" + _canonical(_whole(value) if _has_whole(value) else value)


def _json_or_not(raw: bytes) -> Any:
    """Most texts are told apart by how they begin: an exception for each of them would cost more than all else."""
    begin = raw[:1]
    if begin not in _JSON_BEGINS and (begin not in _WORDS_BEGIN or raw.strip() not in _JSON_WORDS):
        return NOT_JSON
    try:
        return _strict_json(raw)
    except ValueError:
        return NOT_JSON


def _has_whole(value: Any) -> bool:
    """Whether there is a float in a value that is a whole number."""
    kind = type(value)
    items = value.values() if kind is dict else value if kind is list else (value,)
    if _DEEP.isdisjoint(map(type, items)):
        return False
    for item in items:
        kind = type(item)
        if kind is float:
            if item.is_integer():
                return True
        elif (kind is dict or kind is list) and _has_whole(item):
            return True
    return False


def _canonical(value: Any) -> bytes:
    """Equal bytes for equal values; that two JSON texts are equal is all that anybody asks."""
    try:
        return _PACK(value)
    except OverflowError:  # a number of more than 64 bits
        return _WRITE(value)


def _whole(value: Any) -> Any:
    """1.0 and 1 are the same number of JSON."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value
