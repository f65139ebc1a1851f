"""Conversations rendered by a model's own chat template, in the form that the template takes.

A template says nothing about what it expects: arguments of tool calls as an object or as JSON text, content as text
or as parts, no content as "" or not at all. Each form is rendered in turn, and the first one that shows everything
that the conversation says is taken. A template that leaves something out in every form is refused. A speaker's `name`
is handed on and not asked for: hardly a template shows it, and neither does it at inference.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

from ftgate.values.dataset import Message, plain_messages

TEMPLATE = "the base model's chat template"
ROLES = "Correct the order of the roles, or choose a base_model whose chat template takes it."
_TODAY = datetime(2024, 7, 26)
"""Templates that tell the model today's date would give other tokens, and so another key, every day. Llama 3's own
default stands for it, in training and in evaluation."""
_DATES = re.compile(r"""strftime_now\(\s*(["'])(.*?)\1""")
_THOUGHT = re.compile(r"</?think>")
_REASONED = re.compile(r"\A\s*<think>(.*?)</think>\s*(.*)", re.DOTALL)
_FIELDS = (
    "reasoning_content",
    "message.thinking",
    "message.reasoning",
    "message['thinking']",
    "['reasoning']",
)
"""What templates read of a reply's reasoning; transformers gives them all of these names."""
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_NEXT = "\ue000"  # for private use: stands in no text


class Refused(Exception):
    """A conversation that cannot be trained with this template; the text says why, `advice` what to do."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice


class Unrenderable(Refused):
    """A template that raises, or code of it that fails."""


class Form(NamedTuple):
    """How messages are handed to the template."""

    as_parts: bool = False  # content as [{"type": "text", "text": ...}]
    as_text: bool = False  # arguments as JSON text
    as_empty: bool = False  # no content as "" (transformers leaves the key out)
    as_field: bool = False  # <think>...</think> before the answer as a field of its own


class Chat:
    """One conversation in one form. A message is rendered once for each question, however often it is asked."""

    def __init__(
        self, tokenizer: Any, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], form: Form
    ) -> None:
        self._tokenizer = tokenizer
        self._tools = [dict(tool) for tool in tools] or None
        self._template = dated(template_of(tokenizer, tools))
        self._form = form
        self._plain = [_shaped(message, form) for message in plain_messages(messages)]
        self._known: dict[tuple[int, bool], str] = {}

    def upto(self, count: int, *, prompt: bool = False) -> str:
        """The first messages; with `prompt` up to where the model begins to speak."""
        asked = count, prompt
        if asked not in self._known:
            self._known[asked] = self._render(self._plain[:count], prompt)
        return self._known[asked]

    def followed(self, count: int) -> str:
        """The first messages and one that may come next: what a tool found, or a turn of the user."""
        following = _next(self._plain[count - 1], self._form)
        return self._render([*self._plain[:count], following], False)

    def _render(self, messages: list[dict[str, Any]], prompt: bool) -> str:
        from jinja2 import TemplateError

        try:
            return str(
                self._tokenizer.apply_chat_template(
                    messages,
                    tools=self._tools,
                    chat_template=self._template,
                    add_generation_prompt=prompt,
                    tokenize=False,
                )
            )
        except (TemplateError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
            raise Unrenderable(f"{TEMPLATE} cannot render this example: {error}", ROLES) from error


def template_of(tokenizer: Any, tools: Sequence[Mapping[str, Any]]) -> str:
    """The chat template, of several the one that is meant for these tools."""
    return str(tokenizer.get_chat_template(None, tools=list(tools) or None))


def forms(template: str, messages: Sequence[Message]) -> Iterator[Form]:
    """The forms that differ for these messages, the usual one first."""
    calls = any(message.tool_calls for message in messages)
    silent = any(message.content is None for message in messages)
    thinks = any(
        _REASONED.match(message.content or "") for message in messages if message.role == "assistant"
    )
    field = thinks and any(name in _COMMENT.sub("", template) for name in _FIELDS)
    no, either = (False,), (False, True)
    for parts, as_field, empty, text in product(
        either, (True,) if field else no, either if silent else no, either if calls else no
    ):
        yield Form(as_parts=parts, as_text=text, as_empty=empty, as_field=as_field)


@lru_cache(maxsize=64)
def dated(template: str) -> str:
    """The template with one date for every day."""
    formats = {match[1] for match in _DATES.findall(template)}
    if not formats:
        return template
    days = json.dumps({each: _TODAY.strftime(each) for each in sorted(formats)})
    return "{%- macro strftime_now(format) -%}{{ " + days + "[format] }}{%- endmacro %}" + template


def left_out(prompt: str, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> str:
    """What a prompt does not show of the messages and tools before it; "" when it shows everything.

    What earlier replies said is not asked for: templates leave their reasoning out, as they do at inference.
    """
    for message in messages:
        if message.role != "assistant" and not _shows(prompt, message.content or ""):
            return f"the content of a turn of role {message.role}"
        if missing := calls_left_out(prompt, message):
            return missing
    if not all(_shows(prompt, _named(tool)) for tool in tools):
        return "the tools"
    return ""


def reply_left_out(reply: str, message: Message) -> str:
    """What a reply does not show of its message; "" when it shows everything."""
    content = message.content or ""
    if reply.count("</think>") > max(content.count("</think>"), 1):
        return "that the reply's reasoning is no part of its answer (it is rendered as text)"
    if not all(_shows(reply, part) for part in _THOUGHT.split(content)):
        return "content of the reply" + (" beside its tool calls" if message.tool_calls else "")
    return calls_left_out(reply, message)


def calls_left_out(text: str, message: Message) -> str:
    """The same for tool calls; their arguments must neither be encoded twice nor be written as Python writes them."""
    for call in message.tool_calls:
        function = call.get("function", call)
        if not _shows(text, _named(call)):
            return "tool calls"
        given = function.get("arguments")
        arguments = _parsed(given)
        if not all(_shows(text, leaf) for leaf in _leaves(arguments)):
            return "arguments of tool calls"
        if isinstance(given, str) and given.strip("{} \n") and json.dumps(given) in text:
            return "arguments of tool calls as an object (they are encoded twice)"
        if any(repr(value) in text for value in _containers(arguments) if "'" in repr(value)):
            return "arguments of tool calls as JSON (they are written as Python does)"
    return ""


def _shaped(message: dict[str, Any], form: Form) -> dict[str, Any]:
    shaped = {**message}
    shaped.pop("weight", None)
    if (
        form.as_field
        and message["role"] == "assistant"
        and (thought := _REASONED.match(message["content"] or ""))
    ):
        shaped["reasoning_content"], shaped["content"] = thought[1].strip("\n"), thought[2]
    if shaped["content"] is None:
        shaped["content"] = "" if form.as_empty else None
    elif form.as_parts:
        shaped["content"] = [{"type": "text", "text": shaped["content"]}]
    if "tool_calls" in shaped:
        shaped["tool_calls"] = [_called(call, form) for call in shaped["tool_calls"]]
    return shaped


def _called(call: Mapping[str, Any], form: Form) -> dict[str, Any]:
    inner = call.get("function")
    function = dict(inner) if isinstance(inner, Mapping) else dict(call)
    given = _parsed(function.get("arguments"))
    if form.as_text:
        is_text = isinstance(function.get("arguments"), str)
        function["arguments"] = (
            function["arguments"] if is_text else json.dumps(given or {}, ensure_ascii=False)
        )
    elif given is not None:
        function["arguments"] = given
    return {"type": "function", **dict(call), "function": function} if inner is not None else function


def _next(last: Mapping[str, Any], form: Form) -> dict[str, Any]:
    if calls := last.get("tool_calls"):
        function = calls[0].get("function", calls[0])
        answer = {"role": "tool", "content": _NEXT, "name": str(function.get("name", ""))}
        return _shaped({**answer, "tool_call_id": str(calls[0].get("id", ""))}, form)
    return _shaped({"role": "user", "content": _NEXT}, form)


def _shows(text: str, piece: object) -> bool:
    """Whether a text shows a piece as it is or as a JSON string; white space around it is the template's affair."""
    bare = str(piece).strip()
    if bare in text:
        return True
    return any(json.dumps(bare, ensure_ascii=ascii)[1:-1] in text for ascii in (False, True))


def _named(thing: Mapping[str, Any]) -> str:
    return str((thing.get("function") or thing).get("name", ""))


def _parsed(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _leaves(value: Any) -> Iterator[object]:
    if isinstance(value, Mapping):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield value


def _containers(value: Any) -> Iterator[object]:
    if isinstance(value, Mapping | list) and value:
        yield value
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _containers(each)
