"""Rule 6 of the gate where a judge grades the held-out set: scores from 1 to 5, candidate minus reference.

Correctness is what decides: not worse than the reference by more than `policy.score_margin`, by one-sided 95 % bounds
of the mean difference, and a mean of at least `policy.min_correctness`. The bootstrap (BCa) has to agree with t, or
nothing is decided; it can only take a decision back. Form and completeness are tripwires: each fails the run when its
drop is proved to be larger than the margin (Holm over both, so that together they raise one false alarm in twenty),
and never leaves a run undecided for want of prompts: three measures that must each be proved would pass hardly any
honest pull request. Regression prompts are not here: they have passed or failed.

A score that is missing counts at its worst: 1 for the candidate where it might pass, 5 where it might fail, and the
reverse for the reference. So a lost grade never makes a pass, and a lower score never a better outcome.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from ftgate.decide.comparison import reference_arm
from ftgate.decide.questions import asks_judge
from ftgate.decide.scores import Bounds, bootstrap_bounds, detectable, items_needed
from ftgate.decide.steady import independent, steady_bounds
from ftgate.values.comparison import Criterion, Mean, ScoreChange
from ftgate.values.evaluation import Arm, Evaluation, Item, Prompt
from ftgate.values.settings import Policy

TOLERANCE = 1e-9
FEW = 5
"""Fewer pieces of evidence decide nothing: five of five is the least that the exact sign test calls worse."""
SECONDARY: tuple[Criterion, ...] = ("format", "completeness")
_LOW, _HIGH = 1, 5
_ALPHA = 0.05

Missing = Literal["left out", "worst", "best"]


class Scores(Struct, frozen=True, kw_only=True):
    """One criterion by prompt: the reference's and the candidate's score, None where there is none."""

    criterion: Criterion
    groups: tuple[str, ...]
    reference: tuple[int | None, ...]
    candidate: tuple[int | None, ...]

    @property
    def graded(self) -> int:
        """Prompts with a score on both sides."""
        return sum(None not in pair for pair in zip(self.reference, self.candidate, strict=True))

    def differences(self, missing: Missing) -> tuple[list[float], list[str]]:
        """Candidate minus reference with its groups; what is missing as it would be worst or best for the candidate."""
        before, after = {"worst": (_HIGH, _LOW), "best": (_LOW, _HIGH), "left out": (None, None)}[missing]
        known = [
            (new - old, group)
            for one, other, group in zip(self.reference, self.candidate, self.groups, strict=True)
            for old, new in [(before if one is None else one, after if other is None else other)]
            if old is not None and new is not None
        ]
        return [float(value) for value, _ in known], [group for _, group in known]


def judged(evaluation: Evaluation) -> list[Prompt]:
    """The held-out prompts that ask a judge, each once."""
    found = {p.id: p for p in evaluation.prompts if p.kind == "held-out" and asks_judge(p)}
    return list(found.values())


def scores(evaluation: Evaluation, criterion: Criterion) -> Scores:
    """A criterion as the arms to be compared have it."""
    prompts = judged(evaluation)
    reference, candidate = evaluation.items(reference_arm(evaluation)), evaluation.items(Arm.CANDIDATE)
    return Scores(
        criterion=criterion,
        groups=_groups(prompts),
        reference=tuple(_score(reference.get(p.id), criterion) for p in prompts),
        candidate=tuple(_score(candidate.get(p.id), criterion) for p in prompts),
    )


def score_changes(evaluation: Evaluation, policy: Policy) -> tuple[ScoreChange, ...]:
    """Correctness, then what is secondary; empty where no held-out prompt asks a judge."""
    if not judged(evaluation):
        return ()
    first = scores(evaluation, "correctness")
    others = [scores(evaluation, criterion) for criterion in SECONDARY]
    worse = {of.criterion: state for of, state in zip(others, _tripped(others, policy), strict=True)}
    changes = [_change(evaluation, first, policy, _state(first, policy))]
    changes += [_change(evaluation, of, policy, worse[of.criterion]) for of in others]
    return tuple(changes)


State = Literal["held", "worse", "undecided"]


def _state(of: Scores, policy: Policy) -> State:
    worst, best = bounds(of, "worst"), bounds(of, "best")
    if worst is None or best is None or worst.clusters < FEW:
        return "undecided"
    if within(worst.lower, policy):
        drawn = boot(of, "worst")
        return "held" if drawn is None or within(drawn[0], policy) else "undecided"
    if best.upper < -TOLERANCE and not within(best.lower, policy):
        drawn = boot(of, "best")
        return "worse" if drawn is None or drawn[1] < -TOLERANCE else "undecided"
    return "undecided"


def within(lower: float, policy: Policy) -> bool:
    """Whether a lower bound proves that no more than the margin was lost."""
    return lower >= -policy.score_margin - TOLERANCE


def bounds(of: Scores, missing: Missing) -> Bounds | None:
    """Bounds of the mean difference."""
    return steady_bounds(*of.differences(missing))


def boot(of: Scores, missing: Missing) -> tuple[float, float] | None:
    """The same by bootstrap, over the pieces of evidence."""
    return bootstrap_bounds(independent(*of.differences(missing)))


def _tripped(others: Sequence[Scores], policy: Policy) -> list[State]:
    """Worse where more than the margin is lost whatever is missing, undecided where that hangs on what is missing."""
    surely = beyond(others, "best", policy.score_margin)
    maybe = beyond(others, "worst", policy.score_margin)
    return ["worse" if a else "undecided" if b else "held" for a, b in zip(surely, maybe, strict=True)]


def beyond(others: Sequence[Scores], missing: Missing, margin: float) -> list[bool]:
    """Which drops are proved to be larger than a margin, together at 5 %: Holm (1979), by bounds and not by p-values.

    While any bound at 1 - 5 % / k proves its drop, k being those not proved yet, what it proves is taken out.
    """
    proved: set[int] = set()
    while open_ := [i for i in range(len(others)) if i not in proved]:
        level = 1 - _ALPHA / len(open_)
        found = {i for i in open_ if _below(steady_bounds(*others[i].differences(missing), level), margin)}
        if not found:
            break
        proved |= found
    return [i in proved for i in range(len(others))]


def _below(found: Bounds | None, margin: float) -> bool:
    return found is not None and found.clusters >= FEW and found.upper < -margin - TOLERANCE


def _change(evaluation: Evaluation, of: Scores, policy: Policy, state: State) -> ScoreChange:
    known = bounds(of, "left out")
    first = of.criterion == "correctness"
    drawn = boot(of, "left out") if first else None
    total = len(of.groups)
    return ScoreChange(
        criterion=of.criterion,
        total=total,
        graded=of.graded,
        clusters=known.clusters if known else 0,
        arms={arm: mean for arm in evaluation.arms if (mean := _mean(evaluation, Arm(arm), of.criterion))},
        difference=known.mean if known else None,
        lower=known.lower if known else None,
        upper=known.upper if known else None,
        boot_lower=drawn[0] if drawn else None,
        boot_upper=drawn[1] if drawn else None,
        state=state,
        needed=items_needed(known.deviation, policy.score_margin) if known and first else None,
        detectable=detectable(known.deviation, total) if known and first else None,
    )


def _mean(evaluation: Evaluation, arm: Arm, criterion: Criterion) -> Mean | None:
    items, prompts = evaluation.items(arm), judged(evaluation)
    given = [_score(items.get(p.id), criterion) for p in prompts]
    known = [
        (float(score), group)
        for score, group in zip(given, _groups(prompts), strict=True)
        if score is not None
    ]
    found = steady_bounds([score for score, _ in known], [group for _, group in known])
    if found is None:
        return None
    return Mean(
        graded=len(known), mean=found.mean, lower=max(found.lower, _LOW), upper=min(found.upper, _HIGH)
    )


def reached(evaluation: Evaluation, missing: Missing) -> Bounds | None:
    """Bounds of the candidate's mean correctness, with what is missing at 1 or 5."""
    of = scores(evaluation, "correctness")
    filled = {"worst": _LOW, "best": _HIGH, "left out": None}[missing]
    known = [
        (float(value), group)
        for score, group in zip(of.candidate, of.groups, strict=True)
        if (value := filled if score is None else score) is not None
    ]
    return steady_bounds([value for value, _ in known], [group for _, group in known])


def _groups(prompts: Iterable[Prompt]) -> tuple[str, ...]:
    """Whatever has no group is a piece of evidence of its own; an id cannot be taken for a group."""
    return tuple(f"group {p.group}" if p.group else f"prompt {p.id}" for p in prompts)


def _score(item: Item | None, criterion: str) -> int | None:
    """The score that the judge gave, None where there is none or it is no score."""
    judgements = [grade.judgement for grade in item.grades if grade.judgement] if item else []
    given = [j.scores[criterion] for j in judgements if criterion in j.scores]
    return given[0] if given and _LOW <= given[0] <= _HIGH else None
