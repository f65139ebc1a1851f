"""The completion is one of a declared set of labels, and the right one.

Case, white space, and quotes, points, asterisks and the like around a label are nothing.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from ftgate.graders.base import failed, list_problems, passed, show, show_type, text_problems, unknown_keys
from ftgate.values.evaluation import Completion, Grade, Prompt

_KEYS = ("is", "of", "find")
_FINDS = ("whole", "mention")


def problems(argument: Any) -> list[str]:
    """The argument maps `is` to the right label, `of` to all labels and `find` to whole (the default) or mention.

    With mention, the completion may be a sentence, but must name exactly one of the labels.
    """
    if not isinstance(argument, Mapping):
        return [f"must be a mapping with is and of, not {show_type(argument)}"]
    wrong = unknown_keys(argument, _KEYS)
    wrong += [f"is: {text}" for text in text_problems(argument.get("is"))]
    wrong += [f"of: {text}" for text in list_problems(argument.get("of"))]
    if argument.get("find", "whole") not in _FINDS:
        wrong.append(f"find: must be whole or mention, not {show(str(argument['find']))}")
    return wrong or _meaning(argument)


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Another label fails, and so does a text that is none or names several."""
    labels = {normal(label): label for label in argument["of"]}
    if argument.get("find") == "mention":
        found = _mentioned(completion.text, labels)
        if len(found) > 1:
            return failed("label", f"names {len(found)} labels: {show(found)}")
        given = found[0] if found else None
    else:
        given = labels.get(normal(completion.text))
    if given is None:
        return failed("label", f"{show(completion.text.strip())} is none of the {len(labels)} labels")
    if normal(given) == normal(argument["is"]):
        return passed("label", f"is {show(given)}")
    return failed("label", f"is {show(given)}, expected {show(argument['is'])}")


def normal(text: str) -> str:
    """Compatibility forms, case and white space folded; what is neither letter, digit nor symbol cut off both ends."""
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    start, end = 0, len(folded)
    while start < end and _is_trimming(folded[start]):
        start += 1
    while end > start and _is_trimming(folded[end - 1]):
        end -= 1
    return folded[start:end]


def _is_trimming(char: str) -> bool:
    return char in "*`~" or char.isspace() or unicodedata.category(char)[0] in "PC"


def _mentioned(text: str, labels: Mapping[str, str]) -> list[str]:
    """Labels that stand in a text as whole words; one that is part of a longer one that is found does not count."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    longest_first = sorted(labels, key=len, reverse=True)
    found = []
    for label in longest_first:
        pattern = rf"(?<!\w){re.escape(label)}(?!\w)"
        if re.search(pattern, plain):
            found.append(labels[label])
            plain = re.sub(pattern, "\x00", plain)
    return found


def _meaning(argument: Mapping[str, Any]) -> list[str]:
    normals = [normal(label) for label in argument["of"]]
    if not all(normals):
        return ["of: holds a label of nothing but punctuation"]
    twice = [label for label, n in zip(argument["of"], normals, strict=True) if normals.count(n) > 1]
    if twice:
        return [f"of: holds labels that are read as the same: {show(twice)}"]
    if len(normals) < 2:
        return ["of: one label is no choice; name them all"]
    if normal(argument["is"]) not in normals:
        return [f"is: {show(argument['is'])} is none of the labels in of"]
    return []
