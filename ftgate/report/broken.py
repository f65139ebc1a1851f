"""What broke: prompts that passed for the reference arm and fail for the candidate, with what both said."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from ftgate.report.markdown import Section, details, paragraphs, table
from ftgate.report.measures import remembered
from ftgate.report.quote import block, code, prose
from ftgate.report.wording import count
from ftgate.values.evaluation import Arm, Evaluation, Item, Outcome, Prompt
from ftgate.values.run import Run

_OPEN = 3
_FOLDED = 12
_NAMED = 40
_HELD_OUT = 5
_IN_A_TABLE = 160


class Broken(NamedTuple):
    """One broken prompt with everything that is known about it; an arm that did not answer has no item."""

    id: str
    prompt: Prompt | None
    reference: Arm
    before: Item | None
    after: Item | None
    past: str = ""


def broken_section(run: Run) -> Section | None:
    """Every broken regression prompt: the first few open, more folded, the rest by name."""
    if run.evaluation is None or run.comparison is None or not run.comparison.broken:
        return None
    evaluation, comparison = run.evaluation, run.comparison
    known = {past.prompt: remembered(past.outcomes) for past in comparison.past}
    shown = [
        each._replace(past=known.get(each.id, ""))
        for each in _broken(evaluation, comparison.reference, comparison.broken[: _OPEN + _FOLDED])
    ]
    first, more = shown[:_OPEN], shown[_OPEN:]
    rest = comparison.broken[len(shown) :]
    title = "### What broke"
    folded = details(f"{len(more)} more broken", paragraphs(*map(_card, more))) if more else ""
    return Section(
        "what broke",
        9,
        paragraphs(title, *map(_card, first), folded, _named(rest)),
        paragraphs(title, *(_brief(each, 100) for each in first), _named(comparison.broken[len(first) :])),
    )


def held_out_section(run: Run) -> Section | None:
    """A few held-out examples that the candidate lost, folded."""
    if run.evaluation is None or run.comparison is None:
        return None
    reference = run.comparison.reference
    before, after = run.evaluation.items(reference), run.evaluation.items(Arm.CANDIDATE)
    lost = [
        id
        for id in run.evaluation.ids("held-out")
        if _outcome(before, id) is Outcome.PASSED and _outcome(after, id) is Outcome.FAILED
    ]
    if not lost:
        return None
    cards = [_brief(each, 100) for each in _broken(run.evaluation, reference, lost[:_HELD_OUT])]
    more = len(lost) - len(cards)
    note = f"… and {more:,} more in `run.json`" if more > 0 else ""
    title = (
        f"{count(len(lost), 'held-out example')} that the {reference.value} passed and the candidate fails"
    )
    return Section("held-out examples", 1, details(title, paragraphs(*cards, note)))


def _outcome(items: dict[str, Item], id: str) -> Outcome | None:
    return items[id].outcome if id in items else None


def _broken(evaluation: Evaluation, reference: Arm, ids: Sequence[str]) -> list[Broken]:
    prompts = {prompt.id: prompt for prompt in evaluation.prompts}
    before, after = evaluation.items(reference), evaluation.items(Arm.CANDIDATE)
    return [Broken(id, prompts.get(id), reference, before.get(id), after.get(id)) for id in ids]


def _named(ids: Sequence[str]) -> str:
    if not ids:
        return ""
    names = ", ".join(code(id, 60) for id in ids[:_NAMED])
    more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    return f"Also broken: {names}{more}"


def _card(broken: Broken) -> str:
    """The table, and below it whatever did not fit into it."""
    return paragraphs(_brief(broken, _IN_A_TABLE), _whole(broken))


def _brief(broken: Broken, limit: int) -> str:
    """Everything on single lines: a table of two columns."""
    return paragraphs(
        _title(broken),
        table(
            ["asked", code(_asked(broken.prompt), limit)],
            [
                ["expected", _expected(broken.prompt)],
                [f"{broken.reference.value}&nbsp;✅", code(_text(broken.before), limit)],
                ["candidate&nbsp;❌", code(_text(broken.after), limit)],
                ["why", _why(broken)],
            ],
        ),
    )


def _whole(broken: Broken) -> str:
    """The texts that were cut, as they were written, folded."""
    texts = {
        "Asked": _asked(broken.prompt),
        broken.reference.value.capitalize(): _text(broken.before),
        "Candidate": _text(broken.after),
    }
    cut = [part for name, text in texts.items() if len(text) > _IN_A_TABLE for part in (name, block(text))]
    return details("Whole texts", paragraphs(*cut)) if cut else ""


def _title(broken: Broken) -> str:
    protects = prose(broken.prompt.protects, 200) if broken.prompt and broken.prompt.protects else ""
    said = f" ({broken.past})" if broken.past else ""
    return f"**{code(broken.id, 80)}**{said}" + (f" protects: {protects}" if protects else "")


def _asked(prompt: Prompt | None) -> str:
    turns = [m.content or "" for m in prompt.messages if m.role == "user"] if prompt else []
    return turns[-1] if turns else ""


def _text(item: Item | None) -> str:
    return item.completion.text if item else ""


def _expected(prompt: Prompt | None) -> str:
    if prompt is None:
        return "*(unknown)*"
    if prompt.kind == "held-out" or not prompt.expect:
        return code(prompt.reference or "")
    return ", ".join(
        f"{prose(name, 60)} {code(_json(told))}" for name, told in list(prompt.expect.items())[:5]
    )


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _why(broken: Broken) -> str:
    if broken.after is None:
        return "the candidate has no completion"
    failed = [grade for grade in broken.after.grades if grade.outcome is Outcome.FAILED]
    several = len(broken.after.grades) > 1
    said = "; ".join(
        (f"{prose(grade.grader, 60)}: " if several else "") + prose(grade.reason, 240) for grade in failed[:3]
    )
    cut = " (the completion was cut at the token limit)" if broken.after.completion.finish == "length" else ""
    return said + cut
