"""The completion holds these texts, one of those, and none of the others."""

from collections.abc import Iterator, Mapping
from typing import Any

from ftgate.graders.base import (
    failed,
    flag_problems,
    list_problems,
    passed,
    show,
    text_problems,
    unknown_keys,
)
from ftgate.values.evaluation import Completion, Grade, Prompt

_PARTS = ("all", "any", "none")
_KEYS = (*_PARTS, "ignore_case")


def problems(argument: Any) -> list[str]:
    """The argument is a text, a list of texts (all of them), or a mapping of all, any, none and ignore_case."""
    if not isinstance(argument, Mapping):
        return text_problems(argument) if isinstance(argument, str) else list_problems(argument)
    if not set(_PARTS) & set(argument):
        return unknown_keys(argument, _KEYS) or ["is empty, which every completion would satisfy"]
    wrong = unknown_keys(argument, _KEYS) + flag_problems(argument, "ignore_case")
    wrong += [
        f"{part}: {text}" for part in _PARTS if part in argument for text in list_problems(argument[part])
    ]
    return wrong or list(_contradictions(argument))


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Case matters unless told otherwise. The score is the share of demands met; all of `any` is one demand."""
    wanted, fold = _parts(argument), _folding(argument)
    text = fold(completion.text)
    lacking = [f"lacks {show(part)}" for part in wanted["all"] if fold(part) not in text]
    if wanted["any"] and not any(fold(part) in text for part in wanted["any"]):
        lacking.append(f"has none of {show(wanted['any'])}")
    lacking += [f"has {show(part)}, which it must not" for part in wanted["none"] if fold(part) in text]
    demands = len(wanted["all"]) + bool(wanted["any"]) + len(wanted["none"])
    if lacking:
        return failed("contains", "; ".join(lacking), 1 - len(lacking) / demands)
    return passed("contains", f"meets all of {demands}" if demands > 1 else "meets the one demand")


def _contradictions(argument: Mapping[str, Any]) -> Iterator[str]:
    """Demands that no completion can meet together."""
    wanted, fold = _parts(argument), _folding(argument)
    for forbidden in wanted["none"]:
        for part in wanted["all"]:
            if fold(forbidden) in fold(part):
                yield f"none: forbids {show(forbidden)}, which is in {show(part)} of all: nothing could pass"
    if wanted["any"] and all(any(fold(n) in fold(part) for n in wanted["none"]) for part in wanted["any"]):
        yield "none: forbids every text of any: nothing could pass"


def _folding(argument: Any) -> Any:
    return str.casefold if isinstance(argument, Mapping) and argument.get("ignore_case") else str


def _parts(argument: Any) -> dict[str, list[str]]:
    if isinstance(argument, Mapping):
        return {part: list(argument.get(part, ())) for part in _PARTS}
    return {"all": [argument] if isinstance(argument, str) else list(argument), "any": [], "none": []}
