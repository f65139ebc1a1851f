"""The fast path of the reader: lines that are nothing but turns of text, taken in a row without building anything.

A line is parsed straight into the turns of its format: what has other keys, other roles or other types does not pass.
That parser keeps the last of two equal keys, so it is asked again: every key is followed by a colon, and the only other
colons are those in texts. When a line has no more of them than its format has keys and its texts have colons, no key
stands there twice. Escapes could hide a colon of a text, so lines that might have some go to the parser that refuses
duplicate keys itself, which is slower.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, chain
from itertools import count as numbers
from operator import add, attrgetter
from typing import Annotated, Any, Literal

import jiter
import msgspec
import re2  # type: ignore[import-untyped]

from ftgate.edges.formats import SHAREGPT_ROLES
from ftgate.edges.lines import Lines
from ftgate.values.batch import Batch
from ftgate.values.dataset import Format

_KEPT = 10_000  # orders of roles that are remembered
_COLON, _NUL = b":", b"\0"
_BORDERS = {*b"{}"}

Rows = tuple[Sequence[tuple[str, ...]], list[list[str]], list[bytes] | None]
"""Roles and texts of lines, and all the texts as bytes where they were needed."""


class _Turn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["system", "user", "assistant"]
    content: str


class _Conversation(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    messages: Annotated[list[_Turn], msgspec.Meta(min_length=1)]


class _ShareTurn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["system", "human", "user", "gpt", "assistant"] = msgspec.field(name="from")
    content: str = msgspec.field(name="value")


class _ShareGpt(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    conversations: Annotated[list[_ShareTurn], msgspec.Meta(min_length=1)]


class _Roles(dict[tuple[str, ...], tuple[str, ...]]):
    """From the roles as they are written to ours, so that equal orders are one object."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def __missing__(self, written: tuple[str, ...]) -> tuple[str, ...]:
        roles = tuple([self._names.get(role, role) for role in written])
        if len(self) < _KEPT:
            self[written] = roles
        return roles


class Form:
    """A format whose lines are plain: where it keeps its turns."""

    def __init__(self, line: type[msgspec.Struct], names: dict[str, str]) -> None:
        (turns,) = line.__struct_fields__
        decoder = msgspec.json.Decoder(line)
        self.decode, self.decode_lines = decoder.decode, decoder.decode_lines
        self.convert: Callable[[Any], Any] = partial(msgspec.convert, type=line)
        self.turns = attrgetter(turns)
        self.roles = _Roles(names)


_role, _content = attrgetter("role"), attrgetter("content")
FORMS = {
    Format.CONVERSATION: Form(_Conversation, {}),
    Format.SHAREGPT: Form(_ShareGpt, SHAREGPT_ROLES),
}


def take_plain(form: Form, lines: Lines, batch: Batch, accepts: Callable[[Any], bool] | None) -> int:
    """Takes lines into the batch up to the first that is not plain, and says how many.

    What is no strict JSON, has other keys, other types or a NUL, or what `accepts` (the repository's own schema)
    refuses, is not plain: the careful path says why.
    """
    starts, rows = _block(form, lines.whole, accepts)
    if rows:
        batch.extend(lines.count + 1, [lines.start + start for start in starts], rows)
        lines.skip_block(len(starts))
        count = len(starts)
    else:
        ahead = lines.ahead()
        rows = _quick(form, lines.rest, ahead, accepts) or _strict(form, ahead, accepts)
        if not (count := len(rows[1])):
            return 0
        # Each line end is one byte more.
        *offsets, end = map(add, accumulate(map(len, ahead[:count]), initial=lines.start), numbers())
        batch.extend(lines.count + 1, offsets, rows)
        lines.skip(count, end - lines.start)
    batch.block, batch.start = lines.block, lines.block_start
    return count


def _block(form: Form, block: bytes, accepts: Callable[[Any], bool] | None) -> tuple[list[int], Rows | None]:
    """Where each line of a block begins, and all of them; None where a closer look at each is needed.

    The parser takes any white space for the end of a value. But nowhere inside of one does `{` follow `}`, and so,
    where every line ends in `}` and begins with `{`, there is one value at least on every line; and with as many values
    as lines, one at most.
    """
    starts = [0]
    while at := block.find(b"\n", starts[-1]) + 1:
        starts.append(at)
    starts.pop()  # the end
    if not starts or len(block) == 1 or _borders(block, starts) != _BORDERS:
        return [], None
    try:
        found = form.decode_lines(block)
    except (ValueError, RecursionError):
        return [], None
    return starts, _rows(form, block, found, accepts) if len(found) == len(starts) else None


def _borders(block: bytes, starts: list[int]) -> set[int]:
    """How lines begin and end; the end of the last stands before the beginning of the first."""
    return {block[start] for start in starts} | {block[start - 2] for start in starts}


def _quick(
    form: Form, block: bytes, ahead: Sequence[bytes], accepts: Callable[[Any], bool] | None
) -> Rows | None:
    """The lines up to the first that does not fit; None where a closer look at each is needed."""
    found: list[Any] = []
    try:
        found.extend(map(form.decode, ahead))
    except (ValueError, RecursionError):  # what was parsed before stays
        block = b""
    return _rows(form, block or b"\n".join(ahead[: len(found)]), found, accepts)


def _rows(form: Form, raw: bytes, found: Sequence[Any], accepts: Callable[[Any], bool] | None) -> Rows | None:
    """What the parser made of `raw`; None where a key may stand twice, or a text may have a NUL."""
    if _may_hide_colons(raw) or (accepts and not all(map(accepts, msgspec.to_builtins(found)))):
        return None
    turns = list(map(form.turns, found))
    texts = [list(map(_content, line)) for line in turns]
    utf8 = list(map(str.encode, chain.from_iterable(texts)))
    joined = b"".join(utf8)
    if _NUL in joined or _colons(raw) != len(texts) + 2 * len(utf8) + _colons(joined):
        return None
    known = form.roles
    return [known[tuple(map(_role, line))] for line in turns], texts, utf8


def _colons(text: bytes) -> int:
    """Twice as fast as count, which compares byte by byte."""
    return len(text) - len(text.replace(_COLON, b""))


def _literal(literal: bytes) -> Callable[[bytes], object]:
    """A search that is six times as fast as `in`, which is slow where the bytes are frequent and the whole is rare."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    search: Callable[[bytes], object] = re2.compile(re2.escape(literal), options).search
    return search


_may_hide_colons = _literal(b"\\u003")


def _strict(form: Form, ahead: Sequence[bytes], accepts: Callable[[Any], bool] | None) -> Rows:
    """The same line by line."""
    from_json, convert, known = jiter.from_json, form.convert, form.roles
    roles: list[tuple[str, ...]] = []
    texts: list[list[str]] = []
    try:
        for raw in ahead:
            value = from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
            turns = form.turns(convert(value))
            said = list(map(_content, turns))
            if "\0" in "".join(said) or (accepts is not None and not accepts(value)):
                break
            roles.append(known[tuple(map(_role, turns))])
            texts.append(said)
    except ValueError:
        pass  # the careful path says what it is
    return roles, texts, None
