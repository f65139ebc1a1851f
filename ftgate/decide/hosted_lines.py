"""Training data in the form that OpenAI's fine-tuning takes: one JSON object with messages a line. Bytes, not files.

What is held here is its published format, https://developers.openai.com/api/docs/guides/supervised-fine-tuning: so a
job is not paid for and waited for to learn it.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ftgate.decide.hosted import tokens_of
from ftgate.values.dataset import Example, plain_messages
from ftgate.values.digest import digest_bytes
from ftgate.values.tokens import TokenSurvey

LEAST = 10
LARGEST = 512 * 2**20  # bytes of a file
_ROLES = ("system", "developer", "user", "assistant", "tool")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
_SHOWN = 5


def line(example: Example) -> bytes:
    """One example with its newline. Arguments of tool calls are JSON as a string, as the API has them."""
    plain: dict[str, Any] = {"messages": [_message(each) for each in plain_messages(example.messages)]}
    if example.tools:
        plain["tools"] = [dict(tool) for tool in example.tools]
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def content(examples: Sequence[Example]) -> bytes:
    """The file that is uploaded."""
    return b"".join(map(line, examples))


def refusal(examples: Sequence[Example], held_out: Sequence[Example], max_length: int) -> str:
    """Why the service would not take these files, or would cut an example; empty when it would take them."""
    if len(examples) < LEAST:
        return f"a service tunes on {LEAST} examples at least, and there are {len(examples)}"
    found: list[str] = []
    for example in (*examples, *held_out):
        where = f"{example.place.path}:{example.place.line}"
        found += [f"{where}: {problem}" for problem in _problems(example, max_length)]
    for name, examples_of in (("training data", examples), ("held-out set", held_out)):
        if (size := sum(len(line(each)) for each in examples_of)) > LARGEST:
            found.append(f"the {name} has {size:,} bytes; a file may have {LARGEST:,}")
    if not found:
        return ""
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"the service would not take this data: {'; '.join(found[:_SHOWN])}{more}"


def survey(examples: Sequence[Example]) -> TokenSurvey:
    """Estimates from bytes: of each line as it is uploaded, and of the replies in it that carry loss."""
    lines = [line(example) for example in examples]
    return TokenSurvey(
        sha256=digest_bytes(b"".join(lines)),
        tokens=tuple(map(tokens_of, lines)),
        trained=tuple(sum(_trained(example)) for example in examples),
        exact=False,
    )


def _trained(example: Example) -> Iterator[int]:
    for message in plain_messages(example.messages):
        if message["role"] == "assistant" and message.get("weight") != 0:
            calls = json.dumps(message.get("tool_calls", ""), ensure_ascii=False)
            yield tokens_of(((message["content"] or "") + calls.strip('"')).encode())


def _message(message: dict[str, Any]) -> dict[str, Any]:
    if "tool_calls" in message:
        message["tool_calls"] = [_call(call) for call in message["tool_calls"]]
    return message


def _call(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    if not isinstance(function, dict) or isinstance(function.get("arguments"), str):
        return call
    written = json.dumps(function.get("arguments", {}), ensure_ascii=False)
    return {**call, "function": {**function, "arguments": written}}


def _problems(example: Example, max_length: int) -> Iterator[str]:
    messages = example.messages
    if len(messages) < 2:
        yield "it has fewer than two messages"
        return
    if messages[-1].role != "assistant":
        yield "its last message is not the assistant's"
    if not any(each.role == "assistant" and each.weight != 0 for each in messages):
        yield "no message of the assistant is trained"
    for message in messages:
        if message.role not in _ROLES:
            yield f"it knows no role {message.role[:40]!r}"
        if message.weight is not None and (message.role != "assistant" or message.weight not in (0, 1)):
            yield "a weight is 0 or 1, of a message of the assistant"
        if message.content is None and not message.tool_calls:
            yield "a message has neither content nor tool calls"
        if message.name is not None and not _NAME.match(message.name):
            yield "a name is 1 to 64 letters, digits, _ and -"
    if (tokens := tokens_of(line(example))) > max_length:
        yield f"about {tokens:,} tokens, and {max_length:,} are trained (training.max_length): it would be cut"
