"""What a pull request does to the examples, matched by content instead of by line."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from ftgate.values.dataset import Example, plain_messages
from ftgate.values.digest import digest
from ftgate.values.labels import LONGEST, are_labels
from ftgate.values.run import DataDiff, Distribution, Sample, Shift, Size

SAMPLES = 5
SHIFTS = 8

Show = Callable[[str], str]
Count = Callable[[Example], int | None]
_Pair = tuple[Example, Example]
_T = TypeVar("_T")


def data_diff(
    before: Sequence[Example],
    after: Sequence[Example],
    show: Show = lambda text: text,
    tokens: Count | None = None,
) -> DataDiff:
    """Counts, distributions and samples; equal examples on other lines are no change, and `before + added - removed`
    is always `after`.

    An example is changed when its prompt is on both sides with another reply, or its user turns and reply are under
    another system prompt. `show` makes quoted text fit to be shown. `tokens` counts an example, None where it cannot:
    then characters are counted.
    """
    gone, come = _only(before, after), _only(after, before)
    answered, gone, come = _paired(gone, come, _prompt)
    prompted, removed, added = _paired(gone, come, _question_and_reply)
    changed = answered + prompted
    return DataDiff(
        before=len(before),
        after=len(after),
        added=len(added),
        removed=len(removed),
        changed=len(changed),
        reprompted=len(prompted),
        size=_size(before, after, tokens),
        labels=_labels(before, after, show),
        systems=_distribution(Counter(map(_system, before)), Counter(map(_system, after)), show),
        samples={
            "added": tuple(_sample(example, None, show) for example in _spread(added)),
            "removed": tuple(_sample(example, None, show) for example in _spread(removed)),
            "changed": tuple(_sample(new, old, show) for old, new in _spread(changed)),
        },
    )


def _only(here: Sequence[Example], there: Sequence[Example]) -> list[Example]:
    """Examples that are here more often than there; of equal ones the last."""
    known = Counter(example.digest for example in there)
    found = []
    for example in here:
        if known[example.digest] > 0:
            known[example.digest] -= 1
        else:
            found.append(example)
    return found


def _paired(
    old: Iterable[Example], new: Iterable[Example], key: Callable[[Example], str]
) -> tuple[list[_Pair], list[Example], list[Example]]:
    """Pairs of the same key in order, and what is left on either side."""
    waiting: dict[str, deque[Example]] = defaultdict(deque)
    old = list(old)
    for example in old:
        waiting[key(example)].append(example)
    pairs, left = [], []
    for example in new:
        if partners := waiting[key(example)]:
            pairs.append((partners.popleft(), example))
        else:
            left.append(example)
    taken = {id(example) for example, _ in pairs}
    return pairs, [example for example in old if id(example) not in taken], left


def _prompt(example: Example) -> str:
    return digest(plain_messages(example.prompt))


def _question_and_reply(example: Example) -> str:
    return digest([example.user_text, _reply(example)])


def _reply(example: Example) -> str:
    return example.reference or ""


def _system(example: Example) -> str:
    """System turns; empty where there is none."""
    return "\n".join(m.content or "" for m in example.messages if m.role in ("system", "developer"))


def _labels(before: Sequence[Example], after: Sequence[Example], show: Show) -> Distribution | None:
    """Outputs that are the same as JSON are one label. None where outputs are no labels."""
    known: dict[str, str] = {}
    sides = []
    for examples in (before, after):
        counts: Counter[str] = Counter()
        for example in examples:
            text = _reply(example).strip()
            if len(text) > LONGEST or not text:
                return None
            counts[known.setdefault(_meaning(text), text)] += 1
        sides.append(counts)
    if not are_labels(len(known), len(before) + len(after)):
        return None
    return _distribution(sides[0], sides[1], show)


def _meaning(text: str) -> str:
    try:
        return digest(msgspec.json.decode(text.encode("utf-8", "surrogatepass")))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return f"text {text}"


def _distribution(before: Counter[str], after: Counter[str], show: Show) -> Distribution:
    """What moved most comes first. Shares of an empty side are 0."""
    was, has = before.total() or 1, after.total() or 1
    moves = {name: after[name] / has - before[name] / was for name in {**before, **after}}
    order = sorted(moves, key=lambda name: (-abs(moves[name]), -after[name], name))
    return Distribution(
        before=len(before),
        after=len(after),
        new=sum(number for name, number in after.items() if name not in before),
        moved=round(sum(map(abs, moves.values())) / 2, 6) if before and after else None,
        shifts=tuple(
            Shift(name=show(name), before=before[name], after=after[name])
            for name in order[:SHIFTS]
            if abs(moves[name]) > 1e-9
        ),
    )


def _size(before: Sequence[Example], after: Sequence[Example], tokens: Count | None) -> Size:
    counted: dict[str, int | None] = {}
    if tokens is not None:
        for example in (*before, *after):
            key = example.digest
            if key not in counted:
                counted[key] = tokens(example)
    if tokens is None or None in counted.values():
        return Size(
            unit="characters", before=sum(map(_characters, before)), after=sum(map(_characters, after))
        )
    was, has = (sum(counted[example.digest] or 0 for example in side) for side in (before, after))
    return Size(unit="tokens", before=was, after=has)


def _characters(example: Example) -> int:
    return sum(len(message.content or "") for message in example.messages)


def _spread(found: Sequence[_T]) -> list[_T]:
    """Up to five, evenly spread: the first five are often of one kind."""
    if len(found) <= SAMPLES:
        return list(found)
    return [found[round(i * (len(found) - 1) / (SAMPLES - 1))] for i in range(SAMPLES)]


def _sample(example: Example, before: Example | None, show: Show) -> Sample:
    return Sample(
        place=f"{example.place.path}:{example.place.line}",
        prompt=show(example.user_text),
        reply=show(_reply(example)),
        before=show(_reply(before)) if before else None,
    )
