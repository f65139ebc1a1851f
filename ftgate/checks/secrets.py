"""secrets: what must not be trained into weights, because no one can take it out again. Values are never printed.

The seed has no rule for it: its checklist judges what is learned, and not what must not be.
Every pattern is bounded and starts where a word starts, so the time is linear in the text.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from msgspec import Struct

from ftgate.checks.base import Context
from ftgate.checks.numbers import is_card, is_iban
from ftgate.checks.screen import Screen
from ftgate.checks.turns import turn_pointer
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found


def _looks_random(text: str) -> bool:
    """Letters and digits: an identifier made of words has none of the latter."""
    return any(char.isdigit() for char in text) and any(char.isalpha() for char in text)


def _is_personal(address: str) -> bool:
    """Not one of the names that RFC 2606 reserves for examples, nor the user of every git host."""
    local, _, domain = address.casefold().partition("@")
    name = domain.rsplit(".", 2)[-2]
    return (
        local != "git"
        and name != "example"
        and not domain.endswith((".example", ".invalid", ".test", ".localhost"))
    )


class _Kind(Struct, frozen=True):
    """`triggers` are texts without which the pattern cannot match: looking for them first is what makes it fast.

    `screen` is a pattern without assertions that matches inside of whatever the pattern matches.
    """

    name: str
    severity: Severity
    triggers: tuple[str, ...]
    pattern: re.Pattern[str]
    screen: str
    confirm: Callable[[str], bool] | None = None


def _kind(
    name: str,
    pattern: str,
    *triggers: str,
    confirm: Callable[[str], bool] | None = None,
    severe: bool = True,
    screen: str = "",
) -> _Kind:
    severity = Severity.ERROR if severe else Severity.WARNING
    screen = screen or "|".join(map(re.escape, triggers)) or _EIGHT_DIGITS.pattern
    return _Kind(name, severity, triggers, re.compile(pattern), screen, confirm)


def _sign(trigger: str) -> str:
    return next((sign for sign in "_-" if sign in trigger), "")


_EIGHT_DIGITS = re.compile(r"[0-9](?:[ ().-]{0,2}[0-9]){7}")  # every card, IBAN and phone number has them
_START, _END = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9])"

MAX_SECRETS = 100
"""Secrets of one kind in one text that are told."""

KINDS: tuple[_Kind, ...] = (
    _kind("A private key", r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----", "-----BEGIN "),
    _kind("An AWS access key id", rf"{_START}A(?:KI|SI)A[A-Z0-9]{{16}}{_END}", "AKIA", "ASIA"),
    _kind(
        "A GitHub token",
        rf"{_START}gh[pousr]_[A-Za-z0-9]{{36,255}}{_END}",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
    ),
    _kind(
        "A GitHub token", rf"{_START}github_pat_[A-Za-z0-9_]{{22,255}}", "github_pat_", confirm=_looks_random
    ),
    _kind("A GitLab token", rf"{_START}glpat-[A-Za-z0-9_-]{{20,60}}", "glpat-"),
    _kind(
        "An API key (sk-)",
        rf"{_START}sk-[A-Za-z0-9_-]{{20,200}}",
        "sk-",
        confirm=_looks_random,
        screen=r"sk-[A-Za-z0-9_-]{20}",
    ),
    _kind("A Stripe key", rf"{_START}[sr]k_live_[A-Za-z0-9]{{16,200}}", "k_live_"),
    _kind(
        "A Slack token",
        rf"{_START}xox[abeoprs]-[A-Za-z0-9-]{{10,250}}",
        "xox",
        confirm=_looks_random,
        screen=r"xox[abeoprs]-",
    ),
    _kind("A Google API key", rf"{_START}AIza[A-Za-z0-9_-]{{35}}{_END}", "AIza"),
    _kind(
        "A Hugging Face token", rf"{_START}hf_[A-Za-z0-9]{{30,60}}{_END}", "hf_", screen=r"hf_[A-Za-z0-9]{30}"
    ),
    _kind("An npm token", rf"{_START}npm_[A-Za-z0-9]{{36}}{_END}", "npm_"),
    _kind(
        "A JSON web token",
        rf"{_START}eyJ[A-Za-z0-9_-]{{8,4000}}\.eyJ[A-Za-z0-9_-]{{8,8000}}\.[A-Za-z0-9_-]{{16,2000}}",
        "eyJ",
        screen=r"eyJ[A-Za-z0-9_-]{8}",
    ),
    _kind("An IBAN", rf"{_START}[A-Z]{{2}}[0-9]{{2}}(?: ?[A-Z0-9]){{11,30}}", confirm=is_iban),
    _kind(
        "A payment card number",
        r"(?<![0-9A-Za-z.,-])(?:[0-9]{13,19}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}"
        r"|3[47][0-9]{2}([ -])[0-9]{6}\2[0-9]{5})(?![0-9A-Za-z]|[.,-][0-9])",
        confirm=is_card,
    ),
    _kind(
        "An e-mail address",
        r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])",
        "@",
        screen=r"[A-Za-z0-9._%+-]@[A-Za-z0-9-]",
        confirm=_is_personal,
        severe=False,
    ),
    _kind(
        "A phone number",
        r"(?<![\w+.)-])(?:\+[1-9][0-9]{0,2}(?:[ .-]?\(?[0-9]{1,4}\)?){2,6}"
        r"|(?:\([0-9]{3}\) ?|[0-9]{3}[.-])[0-9]{3}[.-][0-9]{4})(?![\w-]|[.,][0-9])",
        confirm=lambda text: 8 <= sum(char.isdigit() for char in text) <= 15,
        severe=False,
    ),
)
# By a character that all of the triggers have: most texts lack it, and one look saves many.
_TRIGGERED = tuple(
    (sign, tuple((t, kind) for kind in KINDS for t in kind.triggers if _sign(t) == sign))
    for sign in ("_", "-", "")
)
_UNTRIGGERED = tuple(kind for kind in KINDS if not kind.triggers)


_SUSPECTS = Screen(kind.screen for kind in KINDS)


class Secrets:
    """Looks at every text of every turn, at the arguments of tool calls and at the definitions of tools."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def see(self, example: Example) -> Iterator[Finding]:
        """One finding per secret: its kind, and the character of the text at which it begins."""
        for pointer, text in _texts(example):
            for start, kind in find_secrets(text):
                place = Place(
                    path=example.place.path,
                    line=example.place.line,
                    byte_offset=example.place.byte_offset,
                    pointer=pointer,
                )
                message = f"{kind.name} at character {start + 1} of this text."
                advice = (
                    "Replace it with a made-up one; if it was real, revoke it now."
                    if (kind.severity is Severity.ERROR)
                    else "Replace it with a made-up one, unless it is meant to be learned."
                )
                yield found("secrets", kind.severity, place, message, advice)

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """The same for many examples: one screening of all their texts, a closer look at those that it names."""
        for row in _SUSPECTS.rows(batch):
            yield from self.see(batch.example(row))

    def merge(self, later: "Secrets", recall: Recall) -> Iterable[Finding]:
        """Nothing is remembered of the examples."""
        return ()

    def finish(self) -> Iterable[Finding]:
        """Nothing is left to say."""
        return ()


def find_secrets(text: str) -> list[tuple[int, _Kind]]:
    """Start and kind of every secret by place; what lies inside an earlier kind's match is not told again."""
    return [(start, kind) for start, _, kind in _spans(text)]


def _spans(text: str) -> list[tuple[int, int, _Kind]]:
    spans: list[tuple[int, int, _Kind]] = []
    kinds = [kind for sign, group in _TRIGGERED if sign in text for trigger, kind in group if trigger in text]
    if _EIGHT_DIGITS.search(text):
        kinds.extend(_UNTRIGGERED)
    for kind in kinds:
        for match in islice(kind.pattern.finditer(text), MAX_SECRETS):
            start, end = match.span()
            is_new = all(end <= other[0] or start >= other[1] for other in spans)
            if is_new and (kind.confirm is None or kind.confirm(match.group())):
                spans.append((start, end, kind))
    return sorted(spans, key=lambda span: span[0])


def hide_secrets(text: str) -> str:
    """The text with a dot for every character of a secret, so that a message may quote it."""
    for start, end, _ in _spans(text):
        text = f"{text[:start]}{'•' * (end - start)}{text[end:]}"
    return text


def _texts(example: Example) -> Iterator[tuple[str, str]]:
    if example.tools and find_secrets("\n".join(_said(example.tools))):
        yield from _strings("/tools", example.tools)
    for index, message in enumerate(example.messages):
        if message.name:
            yield turn_pointer(example, index).replace("/content", "/name"), message.name
        if message.content:
            yield turn_pointer(example, index), message.content
        for number, call in enumerate(message.tool_calls):
            arguments = call.get("function", {}).get("arguments", "")
            yield f"/messages/{index}/tool_calls/{number}/function/arguments", str(arguments)


def _said(value: Any) -> list[str]:
    """All texts of a value: one look at them together saves many, and their places are rarely wanted."""
    texts: list[str] = []
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str):
            texts.append(inner)
        elif isinstance(inner, Mapping):
            waiting.extend(inner.values())
        elif isinstance(inner, list | tuple):
            waiting.extend(inner)
    return texts


def _strings(pointer: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text of a tool's definition: the template shows it to the model."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _strings(f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _strings(f"{pointer}/{index}", inner)
