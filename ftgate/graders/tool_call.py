"""The completion calls these tools, with these arguments, in this order.

Read are the ways in which chat templates have models write calls: <tool_call> tags (Qwen, Hermes), [TOOL_CALLS]
(Mistral), <|python_tag|> (Llama), and plain JSON; each an object with name and arguments (or parameters), or with
function, as OpenAI's API gives it. Anything else is no call.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ftgate.graders.base import (
    failed,
    is_json,
    passed,
    same_json,
    show,
    show_type,
    strict_json,
    text_problems,
    unknown_keys,
)
from ftgate.values.evaluation import Completion, Grade, Prompt

_KEYS = ("calls", "order", "others")
_CALL_KEYS = ("name", "arguments", "some_arguments")
_CHOICES = {"order": ("given", "any"), "others": ("refused", "allowed")}
_TAGGED = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_PREFIXES = ("[TOOL_CALLS]", "<|python_tag|>")


class _Call(NamedTuple):
    name: str
    arguments: Mapping[str, Any]


def problems(argument: Any) -> list[str]:
    """The argument is a call, a list of calls, or a mapping of calls, order (given or any) and others.

    A call has a name, and may have arguments (exactly these) or some_arguments (these and perhaps more). `others` says
    whether further calls are refused (the default) or allowed.
    """
    if isinstance(argument, Mapping) and "calls" in argument:
        wrong = unknown_keys(argument, _KEYS)
        for key, choices in _CHOICES.items():
            if argument.get(key, choices[0]) not in choices:
                wrong.append(f"{key}: must be {' or '.join(choices)}, not {show(str(argument[key]))}")
        return wrong + [f"calls: {text}" for text in _calls_problems(argument["calls"])]
    return _call_problems(argument) if isinstance(argument, Mapping) else _calls_problems(argument)


def negated_problems(argument: Any) -> list[str]:
    """Under `not`, a further call would hide the forbidden one unless others are allowed."""
    if isinstance(argument, Mapping) and argument.get("others") == "allowed":
        return []
    return ["needs others: allowed under not; otherwise one more call would hide the forbidden one"]


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """The score is the share of expected calls that were made."""
    told = argument if isinstance(argument, Mapping) and "calls" in argument else {"calls": argument}
    wanted = [told["calls"]] if isinstance(told["calls"], Mapping) else list(told["calls"])
    try:
        made = _made(completion.text)
    except ValueError as error:
        return failed("tool_call", f"makes no call that can be read: {error}")
    pick = _in_any_order if told.get("order") == "any" else _in_order
    lacking = pick(wanted, made)
    extra = len(made) - (len(wanted) - len(lacking))
    if lacking:
        said = "; ".join(f"lacks {_said(want)}" for want in lacking)
        return failed("tool_call", f"{said}; calls {_names(made)}", 1 - len(lacking) / len(wanted))
    if extra and told.get("others", "refused") == "refused":
        return failed("tool_call", f"makes {extra} more than expected; calls {_names(made)}")
    return passed("tool_call", f"calls {_names(made)}")


def _made(text: str) -> list[_Call]:
    """Calls in order. Raises ValueError for what is none."""
    tagged = _TAGGED.findall(text) if text.count("<tool_call>") == text.count("</tool_call>") else []
    if tagged:
        return [call for part in tagged for call in _read(strict_json(part.strip()))]
    bare = text.strip()
    for prefix in _PREFIXES:
        bare = bare.removeprefix(prefix).strip()
    return _read(strict_json(bare))


def _read(value: Any) -> list[_Call]:
    if isinstance(value, list):
        return [call for part in value for call in _read(part)]
    if isinstance(value, dict) and isinstance(value.get("tool_calls"), list):
        return _read(value["tool_calls"])
    if not isinstance(value, dict):
        raise ValueError(f"{show_type(value)} is no call")
    inner = value["function"] if isinstance(value.get("function"), dict) else value
    name, arguments = inner.get("name"), inner.get("arguments", inner.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = strict_json(arguments)
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise ValueError("a call needs a name and an object of arguments")
    return [_Call(name, arguments)]


def _in_order(wanted: Sequence[Mapping[str, Any]], made: Sequence[_Call]) -> list[Mapping[str, Any]]:
    at, lacking = 0, []
    for want in wanted:
        found = next((i for i in range(at, len(made)) if _fits(want, made[i])), None)
        if found is None:
            lacking.append(want)
        else:
            at = found + 1
    return lacking


def _in_any_order(wanted: Sequence[Mapping[str, Any]], made: Sequence[_Call]) -> list[Mapping[str, Any]]:
    """The most exacting first, so that a bare name takes no call that another needs."""
    left, lacking = list(made), []
    for want in sorted(wanted, key=lambda w: (len(w), len(w.get("some_arguments", ()))), reverse=True):
        found = next((i for i, call in enumerate(left) if _fits(want, call)), None)
        if found is None:
            lacking.append(want)
        else:
            del left[found]
    return lacking


def _fits(want: Mapping[str, Any], call: _Call) -> bool:
    if call.name != want["name"]:
        return False
    if "arguments" in want:
        return same_json(want["arguments"], call.arguments)
    some = want.get("some_arguments", {})
    return all(key in call.arguments and same_json(some[key], call.arguments[key]) for key in some)


def _said(want: Mapping[str, Any]) -> str:
    given = want.get("arguments", want.get("some_arguments"))
    return f"{want['name']} with {show(given)}" if given is not None else str(want["name"])


def _names(made: Sequence[_Call]) -> str:
    named = ", ".join(f"{call.name} with {show(call.arguments)}" for call in made[:3])
    return (named + (f" and {len(made) - 3} more" if len(made) > 3 else "")) or "nothing"


def _calls_problems(calls: Any) -> list[str]:
    if isinstance(calls, Mapping):
        return _call_problems(calls)
    if not isinstance(calls, (list, tuple)):
        return [f"must be a call or a list of calls, not {show_type(calls)}"]
    if not calls:
        return ["is an empty list; name the calls"]
    return [f"call {n}: {text}" for n, call in enumerate(calls, 1) for text in _call_problems(call)]


def _call_problems(call: Any) -> list[str]:
    if not isinstance(call, Mapping):
        return [f"must be a mapping with name, not {show_type(call)}"]
    wrong = unknown_keys(call, _CALL_KEYS) + [f"name: {text}" for text in text_problems(call.get("name"))]
    for key in _CALL_KEYS[1:]:
        if key in call and not isinstance(call[key], Mapping):
            wrong.append(f"{key}: must map names to values, not be {show_type(call[key])}")
        elif key in call and not is_json(call[key]):
            wrong.append(f"{key}: has a value that JSON cannot say; put it in quotes")
    if set(_CALL_KEYS[1:]) <= set(call):
        wrong.append("has both arguments and some_arguments; choose one")
    return wrong
