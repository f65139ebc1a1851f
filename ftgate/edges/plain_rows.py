"""The fast path of the reader: lines that are nothing but turns of text, taken in a row without building anything.

A line is parsed straight into the turns of its format: what has other keys, other roles or other types does not pass.
That parser keeps the last of two equal keys, so it is asked again: every key is followed by a colon, and the only other
colons are those in texts. When a line has no more of them than its format has keys and its texts have colons, no key
stands there twice. Escapes could hide a colon of a text, so lines that might have some go to the parser that refuses
duplicate keys itself, which is slower.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate, chain, count
from operator import add, attrgetter
from typing import Annotated, Any, Literal

import jiter
import msgspec
import re2  # type: ignore[import-untyped]

from ftgate.edges.formats import SHAREGPT_ROLES
from ftgate.values.batch import Batch
from ftgate.values.dataset import Format

_KEPT = 10_000  # orders of roles that are remembered
_COLON, _NUL = b":", b"\0"

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
        self.decode = msgspec.json.Decoder(line).decode
        self.convert: Callable[[Any], Any] = lambda value: msgspec.convert(value, line)
        self.turns = attrgetter(turns)
        self.roles = _Roles(names)


_role, _content = attrgetter("role"), attrgetter("content")
FORMS = {
    Format.CONVERSATION: Form(_Conversation, {}),
    Format.SHAREGPT: Form(_ShareGpt, SHAREGPT_ROLES),
}


def take_plain(
    form: Form,
    block: bytes,
    ahead: Sequence[bytes],
    batch: Batch,
    first: tuple[int, int],
    accepts: Callable[[Any], bool] | None,
) -> tuple[int, int]:
    """Adds lines to the batch up to the first that is not plain. Gives their number and bytes, line ends included.

    `block` is what the lines were split from, if there were no others in it; `first` is the number of the first line
    and its offset. What is no strict JSON, has other keys, other types or a NUL, or what `accepts` (the repository's
    own schema) refuses, is not plain: the careful path says why.
    """
    roles, texts, utf8 = _quick(form, block, ahead, accepts) or _strict(form, ahead, accepts)
    if not texts:
        return 0, 0
    number, start = first
    sizes = map(len, ahead[: len(texts)])
    *starts, end = map(add, accumulate(sizes, initial=start), count())  # each line end is one byte more
    batch.extend(range(number, number + len(texts)), starts, roles, texts, utf8)
    return len(texts), end - start


def _quick(
    form: Form, block: bytes, ahead: Sequence[bytes], accepts: Callable[[Any], bool] | None
) -> Rows | None:
    """The lines up to the first that does not fit; None where a closer look at each is needed."""
    found: list[msgspec.Struct] = []
    try:
        found.extend(map(form.decode, ahead))
    except (ValueError, RecursionError):  # what was parsed before stays
        block = b""
    raw = block or b"\n".join(ahead[: len(found)])
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
