"""The completion is in one of these languages, or written in this script.

Languages are told by py3langid (97 and more; ISO 639-1 codes), scripts by the names of Unicode. What it cannot do:
tell a language from a few words (fewer than 20 letters, or no clear winner, is ungraded), tell dialects or close
relatives apart reliably (Danish and Norwegian, Croatian and Serbian), or see two languages in one text. It reads the
whole completion, so for JSON whose keys are English choose a script or another grader.
"""

import importlib
import math
import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ftgate.graders.base import failed, list_problems, passed, show, ungraded, unknown_keys
from ftgate.values.evaluation import Completion, Grade, Prompt

_KEYS = ("is", "script")
_SCRIPTS = (
    *("arabic", "armenian", "bengali", "cyrillic", "devanagari", "ethiopic", "georgian", "greek", "gujarati"),
    *("gurmukhi", "han", "hangul", "hebrew", "hiragana", "kannada", "katakana", "khmer", "lao", "latin"),
    *("malayalam", "myanmar", "sinhala", "tamil", "telugu", "thai", "tibetan"),
)
_NAMES = {"CJK": "han"}
_LEAST = 20
"""Letters from which a language is told."""
_SURE = 0.9
"""Probability from which the likeliest language is believed; expected ones are believed together."""
_SHARE = 0.9
"""Share of the letters that must be of the script."""
_TOLD = 5_000


def problems(argument: Any) -> list[str]:
    """The argument is a code, a list of codes (any of them), or a mapping of is (these) or script, or both."""
    if not isinstance(argument, Mapping):
        return _code_problems(argument)
    wrong = unknown_keys(argument, _KEYS) or ([] if argument else ["is empty; name is or script"])
    if "is" in argument:
        wrong += [f"is: {text}" for text in _code_problems(argument["is"])]
    if "script" in argument and argument["script"] not in _SCRIPTS:
        wrong.append(f"script: must be one of {', '.join(_SCRIPTS)}, not {show(str(argument['script']))}")
    return wrong


def grade(argument: Any, _prompt: Prompt, completion: Completion) -> Grade:
    """Passed, failed, or ungraded when the text is too short or no language is likely enough."""
    told = argument if isinstance(argument, Mapping) else {"is": argument}
    letters = [
        char for char in completion.text if unicodedata.category(char) in ("Lu", "Ll", "Lo", "Lt", "Lm")
    ]
    if not letters:
        return failed("language", "holds no letters")
    if "script" in told:
        share = sum(told["script"] in _scripts(char) for char in letters) / len(letters)
        if share < _SHARE:
            return failed("language", f"{share:.0%} of its letters are {told['script']}")
        if "is" not in told:
            return passed("language", f"{share:.0%} of its letters are {told['script']}")
    return _language(
        [told["is"]] if isinstance(told["is"], str) else list(told["is"]), letters, completion.text
    )


def _language(wanted: list[str], letters: list[str], text: str) -> Grade:
    # Han, kana and hangul say more a letter.
    if sum(3 if "\u3040" <= char <= "\ud7a3" else 1 for char in letters) < _LEAST:
        return ungraded("language", f"{len(letters)} letters are too few to tell a language")
    likely = _likely(text[:_TOLD])
    unknown = [code for code in wanted if code not in likely]
    if unknown:
        return ungraded("language", f"languages that cannot be told here: {', '.join(unknown)}")
    best = max(likely, key=lambda code: likely[code])
    if sum(likely[code] for code in wanted) >= _SURE:
        return passed("language", f"is {best if best in wanted else wanted[0]}")
    if best not in wanted and likely[best] >= _SURE:
        return failed("language", f"is {best}, expected {' or '.join(wanted)}")
    return ungraded("language", f"no language is clear: {best} at {likely[best]:.0%}")


def _likely(text: str) -> Mapping[str, float]:
    """Probability of every language that py3langid knows: its log scores, normalised."""
    ranked: list[tuple[str, float]] = importlib.import_module("py3langid").rank(text)
    top = max(score for _, score in ranked)
    weights = {code: math.exp(float(score) - top) for code, score in ranked}
    total = math.fsum(weights.values())
    return {code: weight / total for code, weight in weights.items()}


def _scripts(char: str) -> Counter[str]:
    words = unicodedata.name(char, "").split()
    return Counter([_NAMES.get(word, word.lower()) for word in words[:2]])


def _code_problems(argument: Any) -> list[str]:
    codes = [argument] if isinstance(argument, str) else argument
    return list_problems(codes) or [
        f'{show(code)} is no ISO 639-1 code; "en" is one'
        for code in codes
        if not (len(code) == 2 and code.isascii() and code.islower())
    ]
