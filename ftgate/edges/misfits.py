"""What does not fit an example format, each misfit at its JSON Pointer. Runs only where the fast path gave up.

`schemas/*.schema.json` say the same for other programs. What only this module sees: tool-call arguments that are no
JSON object, calls and answers that do not belong together, call ids that are there twice, and contents of two kinds.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jiter
from msgspec import Struct

from ftgate.edges.formats import ROLES, SHAREGPT_ROLES, detect_format, shapes
from ftgate.edges.json_scan import clip
from ftgate.edges.misfit import Misfit, bad_role, expected, meant, objects, string, unknown
from ftgate.values.dataset import Format

_EXTRAS = ("metadata", "id", "tags", "source", "group")
_KEYS: dict[Format, tuple[str, ...]] = {
    Format.CONVERSATION: ("messages", "tools", *_EXTRAS),
    Format.INSTRUCTION: ("instruction", "input", "output", "system", *_EXTRAS),
    Format.PROMPT_COMPLETION: ("prompt", "completion", "tools", *_EXTRAS),
    Format.SHAREGPT: ("conversations", *_EXTRAS),
}
_PREFERENCES = (("chosen", "rejected"), ("preferred_output", "non_preferred_output"))
_TURN_KEYS = ("role", "content", "weight", "name", "tool_calls", "tool_call_id")


class FileSoFar(Struct, frozen=True):
    """What a line has to fit beside its format: the lines above, or what is declared; `closed` allows no other keys."""

    format: Format | None
    shape: str | None
    declared: bool
    closed: bool


def line_misfits(value: Mapping[str, Any], file: FileSoFar) -> Iterator[Misfit]:
    """Everything that does not fit the format, its own or the one that the file has."""
    detected = detect_format(value)
    format = file.format or detected
    if detected is None and (preference := preference_misfit(value)):
        yield preference
    elif format is not None and (detected is None or detected is format):
        yield from misfits(value, format, closed=file.closed)
        yield from mixed_shapes(value, format, file.shape)
    elif format is None or detected is None:
        yield unknown_format(value)
    else:
        where = "the file is declared as" if file.declared else "the lines above have"
        message = f"This line has the format {detected}, {where} {format}."
        yield Misfit("", message, "Keep one format per file: loaders fill the gaps with nulls.")


def misfits(value: Mapping[str, Any], format: Format, *, closed: bool = True) -> Iterator[Misfit]:
    """Everything that does not fit, in the order of the format's fields; `closed` allows no keys beside them."""
    yield from _FIELDS[format](value)
    yield from _extras(value)
    if closed:
        advice = (
            "A key that other lines lack makes loaders rewrite them. Remove it, or move it into metadata."
        )
        yield from unknown(value, "", _KEYS[format], advice)


def preference_misfit(value: Mapping[str, Any]) -> Misfit | None:
    """Why a preference pair is refused; None for other lines."""
    for better, worse in _PREFERENCES:
        if better in value and worse in value:
            message = (
                f"This is a preference pair ({better} and {worse}): it trains a ranking, and ftgate gates "
                "completions."
            )
            advice = f"Keep the {better} reply as a conversation, or leave the file out of data.train."
            return Misfit("", message, advice.replace("_output reply", " reply"))
    return None


def unknown_format(value: Mapping[str, Any]) -> Misfit:
    """Explains a line whose keys name no format."""
    wanted = ("messages", "conversations", "instruction", "output", "prompt", "completion")
    for key in value:
        if near := meant(key, wanted):
            return Misfit("", f'No known format: found the key "{clip(key)}".', f"Did you mean {near}?")
    keys = clip(", ".join(value), 80) or "none"
    advice = "Known: messages; instruction and output; prompt and completion; conversations."
    return Misfit("", f"No known format has these top-level keys: {keys}.", advice)


def _conversation(value: Mapping[str, Any]) -> Iterator[Misfit]:
    yield from _turns(value, "messages", set())
    if "tools" in value:
        yield from objects(value["tools"], "/tools")


def _sharegpt(value: Mapping[str, Any]) -> Iterator[Misfit]:
    for pointer, turn in _listed(value, "conversations"):
        if not isinstance(turn, dict):
            yield expected(pointer, "an object with from and value", turn)
            continue
        if "from" not in turn:
            yield Misfit(pointer, "The key from is missing.", "Say whose turn it is: system, human or gpt.")
        elif turn["from"] not in tuple(SHAREGPT_ROLES):
            yield bad_role(f"{pointer}/from", turn["from"], tuple(SHAREGPT_ROLES))
        yield from string(turn, "value", pointer)
        yield from unknown(turn, pointer, ("from", "value"))
    yield from _list_misfit(value, "conversations")


def _instruction(value: Mapping[str, Any]) -> Iterator[Misfit]:
    for key, required in (("instruction", True), ("input", False), ("output", True), ("system", False)):
        if required or key in value:
            yield from string(value, key, "")


def _prompt_completion(value: Mapping[str, Any]) -> Iterator[Misfit]:
    prompt, completion = value.get("prompt"), value.get("completion")
    if isinstance(prompt, list) and isinstance(completion, list):
        known: set[str] = set()
        yield from _turns(value, "prompt", known)
        yield from _turns(value, "completion", known)
    elif isinstance(prompt, list) or isinstance(completion, list):
        advice = "Write both as strings, or both as lists of messages."
        yield Misfit("", "One of prompt and completion is a list and the other is not.", advice)
    else:
        yield from string(value, "prompt", "")
        yield from string(value, "completion", "")
    if "tools" in value:
        yield from objects(value["tools"], "/tools")


_FIELDS: dict[Format, Callable[[Mapping[str, Any]], Iterator[Misfit]]] = {
    Format.CONVERSATION: _conversation,
    Format.INSTRUCTION: _instruction,
    Format.PROMPT_COMPLETION: _prompt_completion,
    Format.SHAREGPT: _sharegpt,
}


def _listed(value: Mapping[str, Any], key: str) -> Iterator[tuple[str, Any]]:
    items = value.get(key)
    if isinstance(items, list):
        yield from ((f"/{key}/{i}", item) for i, item in enumerate(items))


def _list_misfit(value: Mapping[str, Any], key: str) -> Iterator[Misfit]:
    if key not in value:
        yield Misfit("", f"The key {key} is missing.", f"Put the turns into a list named {key}.")
    elif not isinstance(value[key], list):
        yield expected(f"/{key}", "a list of turns", value[key])
    elif not value[key]:
        yield Misfit(f"/{key}", f"The list {key} is empty.", "Write the turns, or remove the line.")


def _turns(value: Mapping[str, Any], key: str, calls: set[str]) -> Iterator[Misfit]:
    for pointer, turn in _listed(value, key):
        if isinstance(turn, dict):
            yield from _turn(turn, pointer, calls)
        else:
            yield expected(pointer, "an object with role and content", turn)
    yield from _list_misfit(value, key)


def _turn(turn: Mapping[str, Any], pointer: str, calls: set[str]) -> Iterator[Misfit]:
    role = turn.get("role")
    if "role" not in turn:
        yield Misfit(
            pointer, "The role is missing.", "Say whose turn it is: system, user, assistant or tool."
        )
    elif role not in ROLES:
        yield bad_role(f"{pointer}/role", role, ROLES)
    if not ("tool_calls" in turn and turn.get("content") is None):
        yield from _content(turn, pointer)
    if "weight" in turn and (type(turn["weight"]) is not int or turn["weight"] not in (0, 1)):
        advice = "0 keeps the turn out of the loss, 1 trains on it."
        yield Misfit(f"{pointer}/weight", "The weight is neither 0 nor 1.", advice)
    if "name" in turn:
        yield from string(turn, "name", pointer)
    yield from _tools_of_turn(turn, pointer, calls)
    yield from unknown(turn, pointer, _TURN_KEYS)


def _content(turn: Mapping[str, Any], pointer: str) -> Iterator[Misfit]:
    content = turn.get("content")
    if "content" in turn and content is None:
        advice = "Only an assistant turn with tool_calls may have none. Write the text, or remove the line."
        yield Misfit(f"{pointer}/content", "The content is null.", advice)
    elif isinstance(content, list):
        yield from _parts(content, f"{pointer}/content")
    else:
        yield from string(turn, "content", pointer)


def _parts(parts: list[Any], pointer: str) -> Iterator[Misfit]:
    if not parts:
        yield Misfit(pointer, "The content has no parts.", "Write the text, or remove the line.")
    for index, part in enumerate(parts):
        inner = f"{pointer}/{index}"
        if not isinstance(part, dict):
            yield expected(inner, "a part: an object with type and text", part)
        elif part.get("type") != "text":
            kind = clip(str(part.get("type", "none")))
            advice = "Write the text as a part of the type text, or leave the line out."
            yield Misfit(inner, f'A part of the type "{kind}": only text is trained.', advice)
        else:
            yield from string(part, "text", inner)
            yield from unknown(part, inner, ("type", "text"))


def mixed_shapes(value: Mapping[str, Any], format: Format, known: str | None) -> Iterator[Misfit]:
    """The first turn that is written otherwise than the turns before it, in this line or, as `known`, above it."""
    for pointer, shape in shapes(value, format):
        known = known or shape
        if shape != known:
            what = "The contents" if format is Format.CONVERSATION else "prompt and completion"
            message = f"{what} are {shape} here and {known} before."
            advice = "One such line makes loaders rewrite the others silently: write all lines the same way."
            yield Misfit(pointer, message, advice)
            return


def _tools_of_turn(turn: Mapping[str, Any], pointer: str, calls: set[str]) -> Iterator[Misfit]:
    if "tool_calls" in turn:
        if turn.get("role") != "assistant":
            yield Misfit(f"{pointer}/tool_calls", "Only assistant turns call tools.", "Move it or remove it.")
        yield from objects(turn["tool_calls"], f"{pointer}/tool_calls", filled=True)
        for inner, call in _listed(turn, "tool_calls"):
            if isinstance(call, dict):
                yield from _call(call, pointer + inner, calls)
    answered = turn.get("tool_call_id")
    if turn.get("role") == "tool":
        yield from string(turn, "tool_call_id", pointer)
        if isinstance(answered, str) and answered not in calls:
            advice = "Use the id of the call that this turn answers."
            yield Misfit(f"{pointer}/tool_call_id", "No earlier tool call has this id.", advice)
    elif "tool_call_id" in turn:
        yield Misfit(
            f"{pointer}/tool_call_id", "Only tool turns answer a call.", "Remove it, or use the role tool."
        )


def _call(call: Mapping[str, Any], pointer: str, calls: set[str]) -> Iterator[Misfit]:
    yield from string(call, "id", pointer)
    if isinstance(call.get("id"), str):
        if call["id"] in calls:
            yield Misfit(
                f"{pointer}/id", "An earlier tool call has the same id.", "Give every call its own id."
            )
        calls.add(call["id"])
    if call.get("type", "function") != "function":
        yield Misfit(f"{pointer}/type", 'The type of a tool call is "function".')
    yield from unknown(call, pointer, ("id", "type", "function"))
    function = call.get("function")
    if not isinstance(function, dict):
        yield expected(f"{pointer}/function", "an object with name and arguments", function)
        return
    yield from string(function, "name", f"{pointer}/function")
    yield from string(function, "arguments", f"{pointer}/function")
    yield from unknown(function, f"{pointer}/function", ("name", "arguments"))
    if isinstance(function.get("arguments"), str) and not _is_json_object(function["arguments"]):
        advice = "The model must learn arguments that parse."
        yield Misfit(
            f"{pointer}/function/arguments", "The arguments are not the text of a JSON object.", advice
        )


def _is_json_object(text: str) -> bool:
    try:
        value = jiter.from_json(text.encode(), catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError:
        return False
    return isinstance(value, dict)


def _extras(value: Mapping[str, Any]) -> Iterator[Misfit]:
    for key in ("id", "source", "group"):
        if key in value:
            yield from string(value, key, "")
    if "metadata" in value and not isinstance(value["metadata"], dict):
        yield expected("/metadata", "an object", value["metadata"])
    tags = value.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        yield Misfit("/tags", "The tags are not a list of strings.")
