"""What does not fit an example format, each misfit at its JSON Pointer. Runs only where the fast path gave up.

`schemas/*.schema.json` say the same for other programs. What only this module sees: tool-call arguments that are no
JSON object, calls and answers that do not belong together, and call ids that are there twice.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jiter
from msgspec import Struct

from ftgate.edges.formats import ROLES, SHAREGPT_ROLES
from ftgate.edges.json_scan import child, clip
from ftgate.values.dataset import Format

_ALIASES = {"human": "user", "gpt": "assistant", "bot": "assistant", "model": "assistant", "ai": "assistant"}
_ALIASES |= {"developer": "system", "function": "tool", "observation": "tool"}
_EXTRAS = ("metadata", "id", "tags", "source", "group")
_KEYS: dict[Format, tuple[str, ...]] = {
    Format.CONVERSATION: ("messages", "tools", *_EXTRAS),
    Format.INSTRUCTION: ("instruction", "input", "output", "system", *_EXTRAS),
    Format.PROMPT_COMPLETION: ("prompt", "completion", "tools", *_EXTRAS),
    Format.SHAREGPT: ("conversations", *_EXTRAS),
}
_TURN_KEYS = ("role", "content", "weight", "name", "tool_calls", "tool_call_id")
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (str, "a string"),
    (dict, "an object"),
    (list, "a list"),
    (int, "a number"),
    (float, "a number"),
)


class Misfit(Struct, frozen=True):
    """One thing that does not fit the format, at a JSON Pointer."""

    pointer: str
    message: str
    advice: str = ""


def misfits(value: Mapping[str, Any], format: Format, *, closed: bool = True) -> Iterator[Misfit]:
    """Everything that does not fit, in the order of the format's fields; `closed` allows no keys beside them."""
    yield from _FIELDS[format](value)
    yield from _extras(value)
    if closed:
        advice = (
            "A key that other lines lack makes loaders rewrite them. Remove it, or move it into metadata."
        )
        yield from _unknown(value, "", _KEYS[format], advice)


def preference_misfit(value: Mapping[str, Any]) -> Misfit | None:
    """Why a preference pair is refused; None for other lines."""
    if "chosen" not in value or "rejected" not in value:
        return None
    message = (
        "This is a preference pair (chosen and rejected): it trains a ranking, and ftgate gates completions."
    )
    return Misfit(
        "", message, "Keep the chosen reply as a conversation, or leave the file out of data.train."
    )


def unknown_format(value: Mapping[str, Any]) -> Misfit:
    """Explains a line whose keys name no format."""
    wanted = ("messages", "conversations", "instruction", "output", "prompt", "completion")
    for key in value:
        if near := _near(key, wanted):
            return Misfit("", f'No known format: found the key "{clip(key)}".', f"Did you mean {near}?")
    keys = clip(", ".join(value), 80) or "none"
    advice = "Known: messages; instruction and output; prompt and completion; conversations."
    return Misfit("", f"No known format has these top-level keys: {keys}.", advice)


def _conversation(value: Mapping[str, Any]) -> Iterator[Misfit]:
    yield from _turns(value, "messages", set())
    if "tools" in value:
        yield from _objects(value["tools"], "/tools")


def _sharegpt(value: Mapping[str, Any]) -> Iterator[Misfit]:
    for pointer, turn in _listed(value, "conversations"):
        if not isinstance(turn, dict):
            yield _expected(pointer, "an object with from and value", turn)
            continue
        if "from" not in turn:
            yield Misfit(pointer, "The key from is missing.", "Say whose turn it is: system, human or gpt.")
        elif turn["from"] not in tuple(SHAREGPT_ROLES):
            yield _bad_role(f"{pointer}/from", turn["from"], tuple(SHAREGPT_ROLES))
        yield from _string(turn, "value", pointer)
        yield from _unknown(turn, pointer, ("from", "value"))
    yield from _list_misfit(value, "conversations")


def _instruction(value: Mapping[str, Any]) -> Iterator[Misfit]:
    for key, required in (("instruction", True), ("input", False), ("output", True), ("system", False)):
        if required or key in value:
            yield from _string(value, key, "")


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
        yield from _string(value, "prompt", "")
        yield from _string(value, "completion", "")
    if "tools" in value:
        yield from _objects(value["tools"], "/tools")


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
        yield _expected(f"/{key}", "a list of turns", value[key])
    elif not value[key]:
        yield Misfit(f"/{key}", f"The list {key} is empty.", "Write the turns, or remove the line.")


def _turns(value: Mapping[str, Any], key: str, calls: set[str]) -> Iterator[Misfit]:
    for pointer, turn in _listed(value, key):
        if isinstance(turn, dict):
            yield from _turn(turn, pointer, calls)
        else:
            yield _expected(pointer, "an object with role and content", turn)
    yield from _list_misfit(value, key)


def _turn(turn: Mapping[str, Any], pointer: str, calls: set[str]) -> Iterator[Misfit]:
    role = turn.get("role")
    if "role" not in turn:
        yield Misfit(
            pointer, "The role is missing.", "Say whose turn it is: system, user, assistant or tool."
        )
    elif role not in ROLES:
        yield _bad_role(f"{pointer}/role", role, ROLES)
    if not ("tool_calls" in turn and turn.get("content") is None):
        yield from _content(turn, pointer)
    if "weight" in turn and (type(turn["weight"]) is not int or turn["weight"] not in (0, 1)):
        advice = "0 keeps the turn out of the loss, 1 trains on it."
        yield Misfit(f"{pointer}/weight", "The weight is neither 0 nor 1.", advice)
    if "name" in turn:
        yield from _string(turn, "name", pointer)
    yield from _tools_of_turn(turn, pointer, calls)
    yield from _unknown(turn, pointer, _TURN_KEYS)


def _content(turn: Mapping[str, Any], pointer: str) -> Iterator[Misfit]:
    content = turn.get("content")
    if "content" in turn and content is None:
        advice = "Only an assistant turn with tool_calls may have none. Write the text, or remove the line."
        yield Misfit(f"{pointer}/content", "The content is null.", advice)
    elif isinstance(content, list):
        advice = "One list among strings makes loaders rewrite the content of other lines silently. Write one string."
        yield Misfit(f"{pointer}/content", "The content is a list of parts, a string is expected.", advice)
    else:
        yield from _string(turn, "content", pointer)


def _tools_of_turn(turn: Mapping[str, Any], pointer: str, calls: set[str]) -> Iterator[Misfit]:
    if "tool_calls" in turn:
        if turn.get("role") != "assistant":
            yield Misfit(f"{pointer}/tool_calls", "Only assistant turns call tools.", "Move it or remove it.")
        yield from _objects(turn["tool_calls"], f"{pointer}/tool_calls", filled=True)
        for inner, call in _listed(turn, "tool_calls"):
            if isinstance(call, dict):
                yield from _call(call, pointer + inner, calls)
    answered = turn.get("tool_call_id")
    if turn.get("role") == "tool":
        yield from _string(turn, "tool_call_id", pointer)
        if isinstance(answered, str) and answered not in calls:
            advice = "Use the id of the call that this turn answers."
            yield Misfit(f"{pointer}/tool_call_id", "No earlier tool call has this id.", advice)
    elif "tool_call_id" in turn:
        yield Misfit(
            f"{pointer}/tool_call_id", "Only tool turns answer a call.", "Remove it, or use the role tool."
        )


def _call(call: Mapping[str, Any], pointer: str, calls: set[str]) -> Iterator[Misfit]:
    yield from _string(call, "id", pointer)
    if isinstance(call.get("id"), str):
        if call["id"] in calls:
            yield Misfit(
                f"{pointer}/id", "An earlier tool call has the same id.", "Give every call its own id."
            )
        calls.add(call["id"])
    if call.get("type", "function") != "function":
        yield Misfit(f"{pointer}/type", 'The type of a tool call is "function".')
    yield from _unknown(call, pointer, ("id", "type", "function"))
    function = call.get("function")
    if not isinstance(function, dict):
        yield _expected(f"{pointer}/function", "an object with name and arguments", function)
        return
    yield from _string(function, "name", f"{pointer}/function")
    yield from _string(function, "arguments", f"{pointer}/function")
    yield from _unknown(function, f"{pointer}/function", ("name", "arguments"))
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
            yield from _string(value, key, "")
    if "metadata" in value and not isinstance(value["metadata"], dict):
        yield _expected("/metadata", "an object", value["metadata"])
    tags = value.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        yield Misfit("/tags", "The tags are not a list of strings.")


def _unknown(
    value: Mapping[str, Any], pointer: str, known: tuple[str, ...], advice: str = ""
) -> Iterator[Misfit]:
    for key in value:
        if key not in known:
            near = _near(key, known)
            hint = f"Did you mean {near}?" if near else advice or f"Known keys: {', '.join(known)}."
            yield Misfit(child(pointer, key), f'The key "{clip(key)}" is unknown here.', hint)


def _near(word: str, known: tuple[str, ...]) -> str | None:
    folded = word.casefold().strip()
    if folded in known:
        return folded
    if (alias := _ALIASES.get(folded, folded)) in known:
        return alias
    return next(iter(difflib.get_close_matches(folded[:100], known, n=1, cutoff=0.75)), None)


def _bad_role(pointer: str, role: Any, roles: tuple[str, ...]) -> Misfit:
    if not isinstance(role, str):
        return _expected(pointer, "a string", role)
    near = _near(role, roles)
    advice = f'Did you mean "{near}"?' if near else f"Roles: {', '.join(roles)}."
    return Misfit(pointer, f'The role "{clip(role)}" is unknown.', advice)


def _string(value: Mapping[str, Any], key: str, pointer: str) -> Iterator[Misfit]:
    if key not in value:
        yield Misfit(pointer, f"The key {key} is missing.")
    elif not isinstance(value[key], str):
        yield _expected(f"{pointer}/{key}", "a string", value[key])


def _objects(items: Any, pointer: str, *, filled: bool = False) -> Iterator[Misfit]:
    if not isinstance(items, list):
        yield _expected(pointer, "a list of objects", items)
        return
    if filled and not items:
        yield Misfit(pointer, "The list is empty.", "Leave the key out.")
    for i, item in enumerate(items):
        if not isinstance(item, dict):
            yield _expected(f"{pointer}/{i}", "an object", item)


def _expected(pointer: str, wanted: str, value: Any) -> Misfit:
    found = next((name for kind, name in _KINDS if isinstance(value, kind)), "null")
    return Misfit(pointer, f"Found {found}, expected {wanted}.")
