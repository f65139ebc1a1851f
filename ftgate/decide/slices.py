"""Results per slice, and collapses that the mean hides. Pure.

A slice collapses when its pass rate falls by at least `policy.max_slice_drop` and the exact one-sided sign test on its
flips (McNemar's) stays below 5 % after Holm's correction over all slices that are large enough to be looked at (Holm
1979; it holds however much slices overlap, and their number does not depend on what the candidate does, so worse
evidence never saves it). Below 5 % without the correction only, or with ungraded prompts counted at their worst, it is
suspect: inconclusive. The size of the drop is asked for because the test takes prompts as independent, while two
trainings differ in whole groups of prompts by chance.
"""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from ftgate.decide.comparison import reference_arm
from ftgate.decide.rulings import Rulings, count, fail, names, unsure, warn
from ftgate.decide.scores import holm
from ftgate.decide.statistics import sign_test
from ftgate.decide.words import Words
from ftgate.values.digest import digest
from ftgate.values.evaluation import Arm, Evaluation, Item, Outcome, Prompt
from ftgate.values.settings import Policy
from ftgate.values.slices import Slice, SliceKind

ALPHA = 0.05
_LONGEST_LABEL = 60
_MOST_SLICES = 500
_TOLD = 5
_KINDS = ("regression", "held-out")


class _Member(Struct, frozen=True):
    """A slice that a prompt belongs to; `field` is the output field that counts there, "" for the whole item."""

    kind: SliceKind
    name: str
    field: str = ""


class _Flip(Struct, frozen=True):
    """One prompt in one slice; None is an outcome that is not known."""

    prompt: str
    before: bool | None
    after: bool | None

    @property
    def pair(self) -> tuple[bool | None, bool | None]:
        return self.before, self.after


def slices(evaluation: Evaluation, policy: Policy) -> tuple[Slice, ...]:
    """Every slice of at least `policy.min_slice` prompts, the worst first; none where the policy says off."""
    if policy.slices == "off":
        return ()
    groups, same = _distinct(_grouped(evaluation, policy.min_slice))
    raw = [_p(flips, worst=False) for flips in groups.values()]
    adjusted = holm(raw)
    broken, asked = _broken(evaluation), len(_prompts(evaluation))
    words = Words(_prompts(evaluation))
    made = []
    for (member, flips), p, p_adjusted in zip(groups.items(), raw, adjusted, strict=True):
        lost = [flip.prompt for flip in flips if flip.pair == (True, False)]
        known = [flip for flip in flips if None not in flip.pair]
        made.append(
            Slice(
                kind=member.kind,
                name=member.name,
                prompts=len(flips),
                graded=len(known),
                reference_passed=sum(flip.before is True for flip in known),
                candidate_passed=sum(flip.after is True for flip in known),
                broken=tuple(lost),
                fixed=sum(flip.pair == (False, True) for flip in flips),
                p_worse=p,
                p_adjusted=p_adjusted,
                state=_state(flips, p_adjusted, policy),
                drives=member.kind != "field" and _drives(flips, broken, asked, len(groups)),
                words=words.shared(lost),
                same_as=tuple(same[member]),
            )
        )
    return tuple(
        sorted(made, key=lambda s: (-_RANK[s.state], not s.drives, s.p_worse, -len(s.broken), s.name))
    )


_RANK = {"held": 0, "suspect": 1, "collapsed": 2}


def rulings(evaluation: Evaluation, policy: Policy) -> Rulings:
    """What the slices say: a collapse fails, a suspicion is inconclusive, a slice that drives is named."""
    found = slices(evaluation, policy)
    for state, ruling in (("collapsed", fail), ("suspect", unsure)):
        told = [s for s in found if s.state == state]
        say = warn if policy.slices == "warn" else ruling
        for each in told[:_TOLD]:
            yield say("decide", f"slice.{state}.{slug(each)}", _text(each, len(found)))
        if more := told[_TOLD:]:
            text = f"{count(len(more), 'more slice')} {state}: {names([title(s) for s in more])}"
            yield say("decide", f"slice.{state}", text)
    driving = [s for s in found if s.drives and s.broken]
    if driving:
        total = len(_broken(evaluation))
        lost = [f"{title(s)} ({len(s.broken)} of {s.prompts}{_worded(s)})" for s in driving[:_TOLD]]
        yield warn(
            "decide", "slice.driving", f"the {count(total, 'broken prompt')} gather in {'; '.join(lost)}"
        )


def enrichment(broken_here: int, here: int, broken: int, total: int) -> float:
    """Probability that at least so many of the broken prompts fall into a slice by chance (hypergeometric)."""
    ways = sum(
        math.comb(here, k) * math.comb(total - here, broken - k)
        for k in range(broken_here, min(here, broken) + 1)
    )
    return ways / math.comb(total, broken)


def title(of: Slice) -> str:
    """The slice in words: "label topic = late"."""
    return f"{of.kind} {of.name}"


def slug(of: Slice) -> str:
    """The slice in an id that stays the same: letters and digits, and a digest where that loses something."""
    plain = re.sub(r"[^a-z0-9]+", "-", title(of).lower()).strip("-")
    if re.fullmatch(r"[a-z0-9_= -]{1,50}", title(of)):
        return plain
    return f"{plain[:40].strip('-')}-{digest([of.kind, of.name])[:6]}"


def _text(of: Slice, slices: int) -> str:
    before, after = f"{of.reference_passed} of {of.graded}", f"{of.candidate_passed}"
    text = f"{title(of)}: {before} passed before, {after} now; broken: {names(of.broken)}{_worded(of)}"
    if of.graded < of.prompts:
        text += f"; {of.prompts - of.graded} not graded"
    if of.state == "collapsed":
        return f"{text} (p = {of.p_adjusted:.2g} after Holm)"
    needed = _needed(of, slices)
    advice = f"; about {needed} prompts of it would decide" if needed > of.prompts else ""
    return f"{text} (p = {of.p_worse:.2g}, {of.p_adjusted:.2g} after Holm){advice}"


def _needed(of: Slice, slices: int) -> int:
    """Prompts of a slice with this drop whose flips are all losses that stay below 5 % among so many slices."""
    flips = math.ceil(math.log2(slices / ALPHA))
    lost = len(of.broken) - of.fixed
    return math.ceil(flips * of.prompts / lost) if lost > 0 else 0


def _worded(of: Slice) -> str:
    return f"; they share {', '.join(of.words)}" if of.words else ""


def _grouped(evaluation: Evaluation, least: int) -> dict[_Member, list[_Flip]]:
    """The slices that are large enough, with their prompts.

    A label or tag that all prompts have is no slice, and neither is the one field that they all have.
    """
    before = evaluation.items(reference_arm(evaluation))
    after = evaluation.items(Arm.CANDIDATE)
    prompts = _prompts(evaluation)
    groups: dict[_Member, list[_Flip]] = {}
    for prompt in prompts:
        for member in dict.fromkeys(_members(prompt)):
            flip = _Flip(
                prompt.id,
                _passes(before.get(prompt.id), member.field),
                _passes(after.get(prompt.id), member.field),
            )
            groups.setdefault(member, []).append(flip)
    several = sum(member.kind == "field" for member in groups) > 1
    large = {
        member: flips
        for member, flips in groups.items()
        if len(flips) >= least and (len(flips) < len(prompts) or (member.kind == "field" and several))
    }
    largest = set(sorted(large, key=lambda member: -len(large[member]))[:_MOST_SLICES])
    return {member: flips for member, flips in large.items() if member in largest}


def _distinct(
    groups: dict[_Member, list[_Flip]],
) -> tuple[dict[_Member, list[_Flip]], dict[_Member, list[str]]]:
    """Slices of the same prompts once, under the first name. What the arms said there does not matter."""
    first: dict[tuple[str, tuple[str, ...]], _Member] = {}
    same: dict[_Member, list[str]] = {}
    for member, flips in groups.items():
        kept = first.setdefault((member.field, tuple(flip.prompt for flip in flips)), member)
        same.setdefault(kept, [])
        if kept is not member:
            same[kept].append(f"{member.kind} {member.name}")
    return {member: groups[member] for member in same}, same


def _members(prompt: Prompt) -> Iterator[_Member]:
    expect = prompt.expect
    fields = expect.get("json_fields")
    if isinstance(fields, dict):
        for field, value in fields.items():
            if isinstance(value, (str, bool, int)) or value is None:
                shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
                if len(shown) <= _LONGEST_LABEL:
                    yield _Member("label", f"{field} = {' '.join(shown.split())}", field)
        yield from (_Member("field", field, field) for field in fields)
    elif (label := _label(expect, prompt.reference)) and len(label) <= _LONGEST_LABEL:
        yield _Member("label", label)
    yield from (_Member("tag", tag) for tag in prompt.tags)


def _label(expect: Any, reference: str | None) -> str:
    """The expected output where it may be a label."""
    told = expect.get("label")
    text = told.get("is") if isinstance(told, dict) else expect.get("equals", reference)
    if isinstance(text, dict):
        text = text.get("text")
    return " ".join(text.split()) if isinstance(text, str) else ""


def _passes(item: Item | None, field: str) -> bool | None:
    if item is None:
        return None
    if field:
        for grade in item.grades:
            if field in grade.fields:
                return grade.fields[field] >= 1
    return None if item.outcome is Outcome.UNGRADED else item.outcome is Outcome.PASSED


def _p(flips: Sequence[_Flip], *, worst: bool) -> float:
    """The sign test; what is not known is counted against a collapse, or, at worst, for it."""
    return sign_test(*_counts(flips, worst=worst))


def _counts(flips: Sequence[_Flip], *, worst: bool) -> tuple[int, int]:
    """Broken and fixed: known ones, or possible ones."""
    if worst:
        broken = sum(flip.before is not False and flip.after is not True for flip in flips)
        return broken, sum(flip.pair == (False, True) for flip in flips)
    fixed = sum(flip.before is not True and flip.after is not False for flip in flips)
    return sum(flip.pair == (True, False) for flip in flips), fixed


def _state(flips: Sequence[_Flip], p_adjusted: float, policy: Policy) -> Any:
    least = policy.max_slice_drop * len(flips) - 1e-9
    broken, fixed = _counts(flips, worst=False)
    if p_adjusted <= ALPHA and broken - fixed >= least:
        return "collapsed"
    broken, fixed = _counts(flips, worst=True)
    if sign_test(broken, fixed) <= ALPHA and broken - fixed >= least:
        return "suspect"
    return "held"


def _drives(flips: Sequence[_Flip], broken: set[str], asked: int, slices: int) -> bool:
    """Whether more of the broken prompts are here than chance puts here, among so many slices."""
    mine = len(broken & {flip.prompt for flip in flips})
    return mine >= 2 and enrichment(mine, len(flips), len(broken), asked) <= ALPHA / slices


def _broken(evaluation: Evaluation) -> set[str]:
    before, after = evaluation.items(reference_arm(evaluation)), evaluation.items(Arm.CANDIDATE)
    return {
        p.id
        for p in _prompts(evaluation)
        if _passes(before.get(p.id), "") and _passes(after.get(p.id), "") is False
    }


def _prompts(evaluation: Evaluation) -> list[Prompt]:
    return list({p.id: p for p in evaluation.prompts if p.kind in _KINDS}.values())
