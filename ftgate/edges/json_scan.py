"""Explains a line that the fast parser refused: every problem of it, each at its character.

The scanner goes on after whatever leaves the structure clear (a duplicate key, NaN, a lone surrogate) and stops at the
first place where it is not. It is slow beside jiter and runs on refused lines only.
"""

import math
import re
from typing import Any

from msgspec import Struct

from ftgate.checks.secrets import hide_secrets

MAX_DEPTH = 64
"""Nesting of objects and arrays that is still read, unless the settings say otherwise; real formats need six."""
MAX_PROBLEMS = 1000
"""Problems after which a line is given up."""
MAX_STARTS = 100_000
"""Values of a line whose place is kept: memory stays bounded on a line that is one long list."""
MAX_DIGITS = 4300
"""Digits of an integer that Python converts."""
_LONGEST_SECRET = 16_384

_SPACE = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[-+]?[A-Za-z_][A-Za-z0-9_]*")
_HEX4 = re.compile(r"[0-9a-fA-F]{4}")
_LITERALS = {"true": True, "false": False, "null": None}
_NOT_FINITE = ("NaN", "-NaN", "Infinity", "-Infinity", "+Infinity")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Problem(Struct, frozen=True):
    """`check` is "encoding" or "json", `at` the character in the text, counted from 0."""

    check: str
    at: int
    pointer: str
    message: str
    advice: str = ""


class Scan(Struct, frozen=True):
    """`starts` holds the first character of every value by pointer; `value` is None unless `whole`."""

    value: Any
    whole: bool
    problems: tuple[Problem, ...]
    starts: dict[str, int]


class _Stop(Exception):
    """Nothing after this place can be told apart."""


def scan_json(text: str, deepest: int = MAX_DEPTH) -> Scan:
    """Reads one JSON text. Bytes that are no UTF-8 may stand in it as surrogates (surrogateescape)."""
    scanner = _Scanner(text, deepest)
    value, whole = scanner.read()
    return Scan(value, whole, tuple(scanner.problems), scanner.starts)


def child(pointer: str, key: str | int) -> str:
    """The JSON Pointer (RFC 6901) of a member."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def clip(text: str, limit: int = 40) -> str:
    """Short enough to stand in a message, and without what may be a secret, which is looked for before it is cut."""
    text = hide_secrets(text[: limit + _LONGEST_SECRET])
    return text if len(text) <= limit else text[: limit - 1] + "…"


class _Scanner:
    def __init__(self, text: str, deepest: int) -> None:
        self.text = text
        self.deepest = deepest
        self.at = 0
        self.problems: list[Problem] = []
        self.starts: dict[str, int] = {}

    def read(self) -> tuple[Any, bool]:
        try:
            value = self._value("", 1)
            self._space()
            if self.at < len(self.text):
                self._trailing()
        except _Stop:
            return None, False
        return value, True

    def _value(self, pointer: str, depth: int) -> Any:
        self._space()
        if len(self.starts) < MAX_STARTS:
            self.starts[pointer] = self.at
        char = self.text[self.at : self.at + 1]
        if char == '"':
            return self._string(pointer)
        if char in ("{", "["):
            if depth > self.deepest:
                raise self._stop(
                    pointer, f"nested more than {self.deepest} levels deep", "Flatten the value."
                )
            return self._object(pointer, depth) if char == "{" else self._array(pointer, depth)
        if number := _NUMBER.match(self.text, self.at):
            return self._number(number, pointer)
        return self._word(pointer)

    def _object(self, pointer: str, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        self.at += 1
        while not self._closes("}", pointer, first=not members):
            at = self.at
            if self.text[at] == "{":
                raise self._stop(
                    pointer,
                    "another object begins where a key is expected: two lines may be fused",
                    "Restore the first, and put every example on a line of its own.",
                )
            if self.text[at] != '"':
                raise self._stop(
                    pointer, "a key is not in double quotes", "Write keys and strings in double quotes."
                )
            key = self._string(pointer)
            inner = child(pointer, key)
            if key in members:
                advice = "Parsers keep one of the two and drop the other without a word; remove one."
                self._note("json", at, inner, f'the key "{clip(key)}" is there twice in this object', advice)
            self._expect(":", inner)
            members[key] = self._value(inner, depth + 1)
        return members

    def _array(self, pointer: str, depth: int) -> list[Any]:
        items: list[Any] = []
        self.at += 1
        while not self._closes("]", pointer, first=not items):
            items.append(self._value(child(pointer, len(items)), depth + 1))
        return items

    def _closes(self, end: str, pointer: str, *, first: bool) -> bool:
        """Consumes the end of a container, or the comma before its next member."""
        self._space()
        kind = "an object" if end == "}" else "an array"
        if not first and self.text[self.at : self.at + 1] == ",":
            comma = self.at
            self.at += 1
            self._space()
            if self.text[self.at : self.at + 1] == end:
                self._note("json", comma, pointer, f"a comma before the end of {kind}", "Remove the comma.")
        elif not first and self.at < len(self.text) and self.text[self.at] != end:
            raise self._stop(pointer, f"a comma or the end of {kind} is missing here")
        if self.at >= len(self.text):
            raise self._cut(kind, pointer)
        if self.text[self.at] != end:
            return False
        self.at += 1
        return True

    def _string(self, pointer: str) -> str:
        start, parts = self.at, []
        self.at += 1
        while True:
            plain = _PLAIN.match(self.text, self.at)
            assert plain is not None
            parts.append(plain.group())
            self.at = plain.end()
            char = self.text[self.at : self.at + 1]
            if char == '"':
                self.at += 1
                return "".join(parts)
            if not char:
                raise self._cut("a string", pointer, start)
            parts.append(self._escape(pointer) if char == "\\" else self._control(char, pointer))

    def _control(self, char: str, pointer: str) -> str:
        if char == "\0":
            self._note("encoding", self.at, pointer, "A NUL character", "Remove it.")
        elif char != "\r":
            message = f"the control character U+{ord(char):04X} stands unescaped in a string"
            self._note("json", self.at, pointer, message, "Escape it, for example as \\n or \\t.")
        self.at += 1
        return char

    def _escape(self, pointer: str) -> str:
        at, kind = self.at, self.text[self.at + 1 : self.at + 2]
        if kind == "u":
            return self._unicode(pointer)
        self.at += 2 if kind else 1
        if kind and kind not in _ESCAPES:
            self._note(
                "json", at, pointer, f"\\{kind} is no escape sequence of JSON", "Write a backslash as \\\\."
            )
        return _ESCAPES.get(kind, kind)

    def _unicode(self, pointer: str) -> str:
        at, code = self.at, self._hex4(self.at + 2)
        if code is None:
            self.at += 2
            self._note("json", at, pointer, "\\u is not followed by four hexadecimal digits")
            return ""
        self.at += 6
        if code == 0:
            self._note("encoding", at, pointer, "A NUL character (\\u0000)", "Remove it.")
        if 0xD800 <= code < 0xDC00 and self.text.startswith("\\u", self.at):
            low = self._hex4(self.at + 2)
            if low is not None and 0xDC00 <= low < 0xE000:
                self.at += 6
                return chr(0x10000 + ((code - 0xD800) << 10) + low - 0xDC00)
        if 0xD800 <= code < 0xE000:
            message = f"The lone surrogate \\u{code:04x}: half of a character"
            self._note(
                "encoding", at, pointer, message, "Write the whole character; no tokenizer can encode half."
            )
            return "\ufffd"
        return chr(code)

    def _hex4(self, at: int) -> int | None:
        digits = _HEX4.match(self.text, at)
        return int(digits.group(), 16) if digits else None

    def _number(self, number: re.Match[str], pointer: str) -> int | float:
        start, text = self.at, number.group()
        self.at = number.end()
        if self.text[self.at : self.at + 1].isalnum():
            raise self._stop(
                pointer, "a number is not written as JSON wants it", "No leading zeros, no units."
            )
        if number.group(1) or number.group(2):
            value = float(text)
            if math.isinf(value):
                self._note(
                    "json", start, pointer, "a number too large for any parser: it is read as Infinity"
                )
            return value
        if len(text) > MAX_DIGITS:
            self._note("json", start, pointer, f"a whole number of more than {MAX_DIGITS} digits")
            return 0
        return int(text)

    def _word(self, pointer: str) -> Any:
        word = _WORD.match(self.text, self.at)
        name = word.group() if word else ""
        if name in _LITERALS:
            self.at += len(name)
            return _LITERALS[name]
        if name in _NOT_FINITE:
            self._note(
                "json", self.at, pointer, f"{name} is no JSON value", "Write null, or leave the key out."
            )
            self.at += len(name)
            return None
        if self.at >= len(self.text):
            raise self._cut("a value", pointer)
        if self.text[self.at] == "\0":
            raise self._stop(pointer, "A NUL character", "Remove it.", check="encoding")
        advice = "Strings need double quotes; the words of JSON are true, false and null."
        raise self._stop(pointer, "a value is expected here", advice)

    def _expect(self, char: str, pointer: str) -> None:
        self._space()
        if self.at >= len(self.text):
            raise self._cut("an object", pointer)
        if self.text[self.at] != char:
            raise self._stop(pointer, f"a '{char}' is missing here")
        self.at += 1

    def _trailing(self) -> None:
        if self.text[self.at] in "{[":
            message, advice = "two values on one line", "Put every example on a line of its own."
        elif self.text[self.at] == ",":
            message, advice = (
                "a comma after the end of the object",
                "Lines are not separated by commas; remove it.",
            )
        else:
            message, advice = (
                "text after the end of the object",
                "Remove it: a line holds one object and no more.",
            )
        self._note("json", self.at, "", message, advice)

    def _space(self) -> None:
        space = _SPACE.match(self.text, self.at)
        assert space is not None
        self.at = space.end()

    def _cut(self, where: str, pointer: str, start: int | None = None) -> _Stop:
        self.at = len(self.text) if start is None else start
        message = f"the line ends inside {where}: it is truncated"
        return self._stop(pointer, message, "Restore the rest of the line.")

    def _stop(self, pointer: str, message: str, advice: str = "", check: str = "json") -> _Stop:
        self._note(check, self.at, pointer, message, advice)
        return _Stop()

    def _note(self, check: str, at: int, pointer: str, message: str, advice: str = "") -> None:
        self.problems.append(Problem(check, at, pointer, message, advice))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop
