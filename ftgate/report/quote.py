"""Foreign text made inert: the one place that quotes what a pull request, a data file or a model wrote.

Nothing here trusts the origin of a text. A finding's message is ours, but it quotes the data it is about.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

_FORMER_NEWLINES = re.compile(r"\r\n|\r")
_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line separators, direction
    "\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ufdd0-\ufdef"
    "\ud800-\udfff"  # half of a pair: cannot be written as UTF-8
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
    # Joiners belong between non-ASCII characters (emoji families, Persian, Hindi) and hide text elsewhere.
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)
# GitHub links these wherever they stand outside code, after Markdown was rendered: no backslash stops it.
_ACTIVE = re.compile(
    r"[@$]|#\d|\b(?:GH|GHSA|CVE)-|:/|www\.|(?:mailto|xmpp):|:[\w+-]+:|\b[0-9a-f]{7,64}\b", re.IGNORECASE
)
_MARKUP = re.compile(r"[\\`*\[\]~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_ENTITIES = str.maketrans({"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;"})
_BLOCK_START = re.compile(r"[#+=:-]|\d{1,9}[.)]")  # no list begins with more digits
_PUNCTUATED = re.compile(r"""\A([("']*)(.*?)([)"',.;:!?]*)\Z""", re.DOTALL)
_CODE_IN_PROSE = re.compile(r"`([^`\n]+)`")


class Cut(NamedTuple):
    """The part of a text that is shown, and the number of characters that are not."""

    kept: str
    more: int

    @property
    def note(self) -> str:
        """Says how much is missing; empty when nothing is."""
        return f"… {self.more:,} more characters" if self.more else ""


def cut(text: str, limit: int, *, lines: int | None = None) -> Cut:
    """The first `limit` characters and `lines` lines. It comes before escaping, so no escape is halved."""
    kept = text[:limit]
    if lines is not None:
        kept = "\n".join(kept.split("\n")[:lines])
    return Cut(kept, len(text) - len(kept))


def visible(text: str) -> str:
    """Control, direction and zero-width characters as signs that can be seen; tab and newline stay."""
    return _UNSEEN.sub(_sign, _FORMER_NEWLINES.sub("\n", text))


def _sign(match: re.Match[str]) -> str:
    point = ord(match[0])
    if point < 0x20:
        return chr(0x2400 + point)
    if 0xDC80 <= point <= 0xDCFF:  # a byte that is no UTF-8 (surrogateescape)
        return f"<0x{point - 0xDC00:02X}>"
    return "␡" if point == 0x7F else f"<U+{point:04X}>"


def one_line(text: str) -> str:
    """Visible, on one line: a newline becomes ⏎, a tab a space."""
    return visible(text).replace("\n", " ⏎ ").replace("\t", " ")


def _unmarked(text: str) -> str:
    """No HTML comment begins in it, so that a search of the raw comment finds one marker: ours."""
    return text.replace("<!--", "<! --")


def _fence(text: str, least: int) -> str:
    runs = [len(run) for run in re.findall("`+", text)]
    return "`" * max([least, *(run + 1 for run in runs)])


def code(text: str, limit: int = 200) -> str:
    """Inline code on one line. In a table, the table escapes the pipes."""
    part = cut(text, limit)
    shown = _unmarked(one_line(part.kept))
    if not shown.strip():
        return "*(only white space)*" if text else "*(empty)*"
    fence = _fence(shown, 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}" + (f" {part.note}" if part.more else "")


def block(text: str, limit: int = 1200, *, lines: int = 16) -> str:
    """A fenced code block that its content cannot close, and below it how much was cut."""
    part = cut(text, limit, lines=lines)
    shown = _unmarked(visible(part.kept))
    if not shown.strip():
        return "*(only white space)*" if text else "*(empty)*"
    fence = _fence(shown, 3)
    return f"{fence}text\n{shown}\n{fence}" + (f"\n\n{part.note}" if part.more else "")


def prose(text: str, limit: int = 400) -> str:
    """Running text on one line. Backticks still make code, so does every word that GitHub would act on."""
    part = cut(text, limit)
    source = " ".join(_unmarked(visible(part.kept)).split())
    pieces = _CODE_IN_PROSE.split(source)
    shown = _joined([code(piece) if odd % 2 else _plain(piece) for odd, piece in enumerate(pieces)])
    if _BLOCK_START.match(shown):
        shown = "\\" + shown if not shown[0].isdigit() else re.sub(r"([.)])", r"\\\1", shown, count=1)
    return shown + (f" {part.note}" if part.more else "")


def _joined(pieces: Iterable[str]) -> str:
    """Two code spans that touch would be read as one, with a longer fence."""
    shown = ""
    for piece in pieces:
        shown += f" {piece}" if shown.endswith("`") and piece.startswith("`") else piece
    return shown


def _plain(text: str) -> str:
    return re.sub(r"\S+", lambda word: _word(word[0]), text)


def _word(word: str) -> str:
    if not _ACTIVE.search(word):
        return _escaped(word)
    return _PUNCTUATED.sub(_quoted, word, count=1)


def _quoted(word: re.Match[str]) -> str:
    """The active word as code, punctuation around it as text."""
    before, core, after = word.groups()
    return f"{_escaped(before)}{code(core)}{_escaped(after)}" if core else code(word[0])


def _escaped(word: str) -> str:
    return _MARKUP.sub(lambda mark: "\\" + mark[0], word).translate(_ENTITIES)


def cell(markdown: str) -> str:
    """Inline Markdown as a table cell. A backslash before a pipe cannot be written in one: it becomes ⧵."""
    return re.sub(r"\\\|", r"⧵|", markdown).replace("|", r"\|").replace("\n", " ")


def terminal(text: str, width: int | None = None) -> str:
    """One line for a terminal or a job log: nothing moves the cursor, and no workflow command starts."""
    shown = one_line(text).replace("##[", "## [")
    if shown.lstrip().startswith("::"):
        shown = shown.replace("::", ": :", 1)
    return shown if width is None else fit(shown, width)


def log_safe(json_text: str) -> str:
    """JSON that says the same: a job log takes ##[ for a command wherever it stands, and only strings can hold it."""
    return json_text.replace("##[", "##\\u005b")


def columns(text: str) -> int:
    """How many terminal columns a text takes: wide characters take two, combining marks none."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, width: int) -> str:
    """At most `width` columns, with … where something was cut."""
    if columns(text) <= width:
        return text
    kept, room = [], width - 1
    for character in text:
        room -= _columns(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def command_message(text: str) -> str:
    """Message of a workflow command; the legacy ##[ form is broken as well."""
    shown = visible(text).replace("##[", "## [")
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """Property of a workflow command, such as a file name."""
    return command_message(text).replace(":", "%3A").replace(",", "%2C")
