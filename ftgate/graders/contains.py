"""The completion holds these texts, one of those, and none of the others."""

from collections.abc import Mapping
from typing import Any

from ftgate.graders.base import failed, passed, show, show_type, text_problems
from ftgate.values.evaluation import Completion, Grade, Prompt

_PARTS = ("all", "any", "none")


def problems(argument: Any) -> list[str]:
    """The argument is a text, a list of texts (all of them), or a mapping of all, any and none to lists."""
    if isinstance(argument, Mapping):
        unknown = [
            f"has the unknown key {show(str(key))}; known are all, any, none"
            for key in argument
            if key not in _PARTS
        ]
        parts = [
            f"{part}: {text}"
            for part in _PARTS
            if part in argument
            for text in _list_problems(argument[part])
        ]
        return unknown + parts or ([] if argument else ["is empty, which every completion would satisfy"])
    return text_problems(argument) if isinstance(argument, str) else _list_problems(argument)


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Case matters. The score is the share of demands met; all of `any` is one demand."""
    wanted = _parts(argument)
    text = completion.text
    lacking = [f"lacks {show(part)}" for part in wanted["all"] if part not in text]
    if wanted["any"] and not any(part in text for part in wanted["any"]):
        lacking.append(f"has none of {show(wanted['any'])}")
    lacking += [f"has {show(part)}, which it must not" for part in wanted["none"] if part in text]
    demands = len(wanted["all"]) + bool(wanted["any"]) + len(wanted["none"])
    if lacking:
        return failed("contains", "; ".join(lacking), 1 - len(lacking) / demands)
    return passed("contains", f"meets all of {demands}" if demands > 1 else "meets the one demand")


def _parts(argument: Any) -> dict[str, list[str]]:
    if isinstance(argument, Mapping):
        return {part: list(argument.get(part, ())) for part in _PARTS}
    return {"all": [argument] if isinstance(argument, str) else list(argument), "any": [], "none": []}


def _list_problems(argument: Any) -> list[str]:
    if not isinstance(argument, (list, tuple)):
        return [f"must be a list of texts, not {show_type(argument)}"]
    if not argument:
        return ["is an empty list, which every completion would satisfy"]
    return [
        f"entry {number}: {text}" for number, entry in enumerate(argument, 1) for text in text_problems(entry)
    ]
