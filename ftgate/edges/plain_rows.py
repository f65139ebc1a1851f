"""The fast path of the reader: lines that are nothing but turns of text, taken in a row without building anything.

Compiled (_plain.c) where a compiler was there when ftgate was installed, and otherwise by two libraries: one refuses
keys that stand twice, one whatever has other keys, other roles or other types. Both take the same lines.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from itertools import count as numbers
from operator import add
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_type_hints

import jiter
import msgspec

from ftgate.edges.formats import SHAREGPT_ROLES
from ftgate.edges.lines import Lines
from ftgate.values.batch import Batch, Rows, bare_prompt
from ftgate.values.dataset import Format

if TYPE_CHECKING:
    from types import ModuleType

    from ftgate.ports import ExampleSchema

NATIVE: "ModuleType | None"
"""None where nothing was compiled."""
try:
    from ftgate.edges import _plain as NATIVE
except ImportError:
    NATIVE = None

_KEPT = 10_000  # orders of roles that are remembered


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


class Form:
    """A format whose lines are plain: how it calls turns, role and text, and what its roles are for us.

    `orders` are those of roles that were met, so that equal ones are one object.
    """

    def __init__(self, line: type[msgspec.Struct], turn: type[msgspec.Struct], ours: dict[str, str]) -> None:
        self.line = line
        (self._field,) = line.__struct_fields__
        (self._turns,) = line.__struct_encode_fields__
        self._role, self._text = turn.__struct_encode_fields__
        self.names = {role: ours.get(role, role) for role in get_args(get_type_hints(turn)["role"])}
        self.spelled = (
            self._turns.encode(),
            self._role.encode(),
            self._text.encode(),
            tuple((role.encode(), name) for role, name in self.names.items()),
        )
        self.orders: dict[tuple[str, ...], tuple[str, ...]] = {}

    def turns(self, value: Any) -> list[Any]:
        """The turns of a parsed line. Raises ValueError when it is not plain."""
        turns: list[Any] = getattr(msgspec.convert(value, self.line), self._field)
        return turns

    def accepted(self, rows: Rows, accepts: Callable[[Any], bool]) -> int:
        """How many lines are accepted, up to the first that is not, as they were written where roles are called as we
        call them: a plain line has no other keys."""
        assert NATIVE is not None
        names = (self._turns, self._role, self._text)
        return int(NATIVE.accepted(names, rows.roles, rows.flat, accepts))


FORMS = {
    Format.CONVERSATION: Form(_Conversation, _Turn, {}),
    Format.SHAREGPT: Form(_ShareGpt, _ShareTurn, SHAREGPT_ROLES),
}


def take_plain(form: Form, lines: Lines, batch: Batch, schema: "ExampleSchema | None") -> int:
    """Takes lines into the batch up to the first that is not plain, and says how many.

    What is no strict JSON, has other keys, other types or a NUL, or what `schema` refuses, is not plain: the careful
    path says why.
    """
    if NATIVE is None or lines.refused or not lines.whole or not _can_ask(form, schema):
        return _by_libraries(form, lines, batch, schema)
    block, at, start = lines.block, lines.at, lines.block_start
    found, starts, end = NATIVE.block(form.spelled, form.orders, block, at)
    rows = Rows(*found)
    if schema is not None and (count := form.accepted(rows, schema.surely_accepts)) < len(starts):
        rows, end = rows.first(count), starts[count]
        del starts[count:]
        # The libraries stop where a line is refused: so a block full of them takes linear time.
        lines.refused = True
    # What has outer white space is for Python to say: it knows all that Unicode has.
    for row in rows.edges:
        rows.prompts[row] = bare_prompt(rows.flat[rows.ends[row - 1] if row else 0 : rows.ends[row]])
    batch.extend(lines.count + 1, [start + begin for begin in starts] if start else starts, rows)
    batch.block, batch.start = block, start
    lines.skip(len(starts), end - at)
    return len(starts)


def _can_ask(form: Form, schema: "ExampleSchema | None") -> bool:
    """What is compiled tells our names of the roles, and a schema is about what was written."""
    return schema is None or all(role == name for role, name in form.names.items())


def _by_libraries(form: Form, lines: Lines, batch: Batch, schema: "ExampleSchema | None") -> int:
    ahead = lines.ahead()
    rows = _strict(form, ahead, schema)
    if not rows.ends:
        return 0
    # Each line end is one byte more.
    sizes = map(len, ahead[: len(rows.ends)])
    *offsets, end = map(add, accumulate(sizes, initial=lines.start), numbers())
    batch.extend(lines.count + 1, offsets, rows)
    batch.block, batch.start = lines.block, lines.block_start
    lines.skip(len(rows.ends), end - lines.start)
    return len(rows.ends)


def _strict(form: Form, ahead: Sequence[bytes], schema: "ExampleSchema | None") -> Rows:
    """The same by the libraries, line by line."""
    from_json, names, orders = jiter.from_json, form.names, form.orders
    rows = Rows.none()
    try:
        for raw in ahead:
            value = from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
            turns = form.turns(value)
            texts = [turn.content for turn in turns]
            if "\0" in "".join(texts) or (schema is not None and not schema.accepts(value)):
                break
            order = tuple([names[turn.role] for turn in turns])
            rows.add(orders.get(order) or order, texts)
            if order not in orders and len(orders) < _KEPT:
                orders[order] = order
    except ValueError:
        pass  # the careful path says what it is
    return rows
