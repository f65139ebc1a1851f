"""The fast path of the reader: lines that are nothing but turns of text, taken in a row without building anything."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Any

import jiter
from msgspec import Struct

from ftgate.edges.formats import ROLES, SHAREGPT_ROLES
from ftgate.values.batch import Batch, PlainRow
from ftgate.values.dataset import Format

_KEPT = 10_000  # orders of roles that are remembered


class _Roles(dict[tuple[str, ...], tuple[str, ...]]):
    """From the roles as they are written to ours; KeyError when one of them is unknown, or there is none."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def __missing__(self, written: tuple[str, ...]) -> tuple[str, ...]:
        roles = tuple([self._names[role] for role in written])
        if not roles:
            raise KeyError
        if len(self) < _KEPT:
            self[written] = roles
        return roles


class Form(Struct, frozen=True):
    """Where a format keeps its turns, and what a turn is made of."""

    turns: str
    role: Callable[[Any], str]
    text: Callable[[Any], str]
    roles: _Roles


FORMS = {
    Format.CONVERSATION: Form(
        "messages",
        itemgetter("role"),
        itemgetter("content"),
        _Roles({role: role for role in ROLES if role != "tool"}),
    ),
    Format.SHAREGPT: Form("conversations", itemgetter("from"), itemgetter("value"), _Roles(SHAREGPT_ROLES)),
}


def take_plain(
    form: Form,
    ahead: Sequence[bytes],
    batch: Batch,
    first: int,
    start: int,
    accepts: Callable[[Any], bool] | None,
) -> tuple[int, int]:
    """Adds lines to the batch up to the first that is not plain. Gives their number and bytes, line ends included.

    `first` is the number of the first line and `start` its offset. What is no strict JSON, has other keys, other
    types or a NUL, or what `accepts` (the repository's own schema) refuses, is not plain: the careful path says why.
    """
    from_json, turns_key, role_of, text_of, known = (
        jiter.from_json,
        form.turns,
        form.role,
        form.text,
        form.roles,
    )
    rows: list[PlainRow] = []
    add = rows.append
    try:
        for raw in ahead:
            value = from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
            turns = value[turns_key]
            roles = known[tuple(map(role_of, turns))]
            texts = list(map(text_of, turns))
            joined = "\0".join(texts)
            if len(value) != 1 or sum(map(len, turns)) != 2 * len(texts) or joined.count("\0") >= len(texts):
                break
            if accepts is not None and not accepts(value):
                break
            add((roles, texts, joined))
    except (ValueError, KeyError, TypeError):
        pass  # the careful path says what it is
    if not rows:
        return 0, 0
    *starts, end = accumulate(map(len, ahead[: len(rows)]), lambda at, size: at + size + 1, initial=start)
    batch.extend(range(first, first + len(rows)), starts, rows)
    return len(rows), end - start
