"""A ruling: a reason for the verdict, and the stage whose evidence it rests on."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ftgate.decide.remedies import remedy
from ftgate.values.finding import Severity
from ftgate.values.run import Reason, VerdictOutcome

_NAMED = 10


class Ruling(NamedTuple):
    """One reason and the stage that it is evidence of."""

    stage: str
    reason: Reason


Rulings = Iterator[Ruling]


def fail(stage: str, id: str, text: str) -> Ruling:
    """The evidence is in and speaks against the candidate."""
    return _ruling(stage, id, Severity.ERROR, text, VerdictOutcome.FAIL)


def unsure(stage: str, id: str, text: str) -> Ruling:
    """The evidence does not suffice. That blocks too, so it is an error and not a warning."""
    return _ruling(stage, id, Severity.ERROR, text, VerdictOutcome.INCONCLUSIVE)


def warn(stage: str, id: str, text: str) -> Ruling:
    """Decides nothing, and a reviewer should read it."""
    return _ruling(stage, id, Severity.WARNING, text, VerdictOutcome.PASS)


def note(stage: str, id: str, text: str) -> Ruling:
    """Decides nothing, and is good to know."""
    return _ruling(stage, id, Severity.NOTICE, text, VerdictOutcome.PASS)


def unconcerned(stage: str, id: str, text: str) -> Ruling:
    """There is nothing to decide."""
    return _ruling(stage, id, Severity.NOTICE, text, VerdictOutcome.NOT_APPLICABLE)


def worst_first(rulings: Iterable[Ruling]) -> list[Ruling]:
    """Fails, inconclusives, warnings, notices; within each in the order of the pipeline."""
    return sorted(rulings, key=lambda ruling: (-rank(ruling.reason.decides), ruling.reason.severity.rank))


def rank(outcome: VerdictOutcome) -> int:
    """How bad an outcome is: 0 for pass and not-applicable, 1 for inconclusive, 2 for fail."""
    return {VerdictOutcome.INCONCLUSIVE: 1, VerdictOutcome.FAIL: 2}.get(outcome, 0)


def names(ids: Sequence[str]) -> str:
    """Ids for a sentence: the first ten and how many more."""
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + more


def count(number: int, thing: str, things: str = "") -> str:
    """A number with its noun: "1 prompt", "2 prompts"; `things` is a plural that takes more than an s."""
    return f"{number} {thing}" if number == 1 else f"{number} {things or f'{thing}s'}"


def _ruling(stage: str, id: str, severity: Severity, text: str, decides: VerdictOutcome) -> Ruling:
    advice = remedy(id) if rank(decides) else ""
    return Ruling(stage, Reason(id=id, severity=severity, text=text, decides=decides, remedy=advice))
