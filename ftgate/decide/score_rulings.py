"""What the scores of a judge say, in reasons: see judged, which has the rule."""

import math
from collections.abc import Sequence

from ftgate.decide.judged import (
    FEW,
    SECONDARY,
    TOLERANCE,
    beyond,
    boot,
    bounds,
    judged,
    reached,
    score_changes,
    scores,
    within,
)
from ftgate.decide.rulings import Ruling, Rulings, count, fail, note, unsure, warn
from ftgate.decide.scores import Bounds
from ftgate.decide.statistics import Z_95
from ftgate.values.comparison import ScoreChange
from ftgate.values.evaluation import Evaluation
from ftgate.values.settings import Policy


def told(evaluation: Evaluation, policy: Policy) -> Rulings:
    """Every score of the held-out set that a reviewer should know of; nothing where no prompt asks a judge."""
    changes = score_changes(evaluation, policy)
    if not changes:
        return
    first = changes[0]
    if not first.graded:
        text = f"none of {count(first.total, 'held-out prompt')} has a judge's score on both sides"
        yield unsure("evaluate", "scores.missing", text)
        return
    if left := first.total - first.graded:
        text = (
            f"{count(left, 'held-out prompt')} without a judge's score on both sides, counted at their worst"
        )
        yield warn("decide", "scores.ungraded", text)
    yield _first(evaluation, policy, first)
    yield from _others(evaluation, policy, changes[1:])
    yield _level(evaluation, policy)


def _first(evaluation: Evaluation, policy: Policy, change: ScoreChange) -> Ruling:
    of = scores(evaluation, "correctness")
    worst, best = bounds(of, "worst"), bounds(of, "best")
    if worst is None or best is None:
        return unsure("evaluate", "scores.missing", "the judge's scores are no numbers")
    text = f"mean correctness changed by {_down(worst.lower)} to {_up(best.upper)}"
    margin = f"margin {policy.score_margin:g}"
    if change.state == "worse":
        return fail("decide", "scores.worse", f"worse than the reference: {text}, {margin}")
    if change.state == "held":
        if best.upper < -TOLERANCE:
            return warn("decide", "scores.small-drop", f"a real drop within the margin: {text}, {margin}")
        return note("decide", "scores.held", f"{text}, {margin}")
    why = _why(evaluation, policy, worst, best) or _advice(change)
    return unsure("decide", "scores.undecided", f"{text}, {margin}: undecided; {why}")


def _why(evaluation: Evaluation, policy: Policy, worst: Bounds, best: Bounds) -> str:
    """Why nothing is decided although t alone would; empty where t would not."""
    of = scores(evaluation, "correctness")
    if worst.clusters < FEW:
        return f"{count(worst.clusters, 'independent prompt')} can decide nothing, {FEW} are the least"
    for missing, found in (("worst", worst), ("best", best)):
        inside = within(found.lower, policy)
        decides = inside if missing == "worst" else found.upper < -TOLERANCE and not inside
        drawn = boot(of, "worst" if missing == "worst" else "best")
        if decides and drawn is not None:
            said = f"t says {_down(found.lower)} to {_up(found.upper)}"
            return f"{said}, the bootstrap (BCa) {_down(drawn[0])} to {_up(drawn[1])}"
    return ""


def _advice(change: ScoreChange) -> str:
    left = change.total - change.graded
    if change.needed is None:
        return "a margin of 0 can never be proved"
    if change.needed > change.total:
        shown = (
            f", {change.total} show a drop of {change.detectable:.2f}"
            if change.detectable is not None
            else ""
        )
        return f"about {change.needed} prompts would decide{shown}"
    return f"the {left} without a score may decide" if left else "the change is near the margin"


def _others(evaluation: Evaluation, policy: Policy, changes: Sequence[ScoreChange]) -> Rulings:
    real = beyond([scores(evaluation, criterion) for criterion in SECONDARY], "best", 0.0)
    for change, dropped in zip(changes, real, strict=True):
        name = f"scores.{change.criterion}"
        known = ", not graded" if change.lower is None or change.upper is None else ""
        text = f"mean {change.criterion} changed by {_down(change.lower or 0)} to {_up(change.upper or 0)}{known}"
        if change.state == "worse":
            yield fail("decide", name, f"{text}: more than the margin of {policy.score_margin:g} is lost")
        elif change.state == "undecided":
            yield unsure("decide", name, f"{text}: what has no score may hide a loss beyond the margin")
        elif dropped:
            yield warn("decide", name, f"{text}: a real drop, not proved to be beyond the margin")


def _level(evaluation: Evaluation, policy: Policy) -> Ruling:
    """Whether the candidate's mean correctness reaches what the policy asks for."""
    worst, best = reached(evaluation, "worst"), reached(evaluation, "best")
    least, asked = policy.min_correctness, len(judged(evaluation))
    if worst is None or best is None or worst.clusters < FEW:
        return unsure("decide", "correctness.undecided", f"{count(asked, 'prompt')} cannot tell a mean")
    known = reached(evaluation, "left out") or worst
    text = f"mean correctness is {known.mean:.2f} ({_plain(worst.lower)} to {_plain(best.upper, up=True)})"
    text += f" over {count(asked, 'held-out prompt')}, the policy asks for {least:g}"
    if worst.lower >= least - TOLERANCE:
        return note("decide", "correctness.reached", text)
    if best.upper < least - TOLERANCE:
        return fail("decide", "correctness.low", text)
    return unsure("decide", "correctness.undecided", f"{text}: undecided; {_enough(known, least, asked)}")


def _enough(known: Bounds, least: float, asked: int) -> str:
    """What would prove the level: the mean that so many prompts need, and how many prompts this mean needs."""
    mean = least + known.mean - known.lower
    said = (
        f"{asked} prompts prove it from a mean of {_plain(mean, up=True)} on"
        if mean <= 5
        else "so few never prove it"
    )
    if known.mean <= least:
        return said
    more = math.ceil((Z_95 * known.deviation / (known.mean - least)) ** 2)
    return f"{said}, or about {more} prompts with this mean" if more > asked else said


def _down(value: float) -> str:
    """Two digits with a sign, rounded down: what is printed stands on the same side of the margin as the bound."""
    return f"{math.floor(100 * value + 100 * TOLERANCE) / 100:+.2f}"


def _up(value: float) -> str:
    return f"{math.ceil(100 * value - 100 * TOLERANCE) / 100:+.2f}"


def _plain(value: float, *, up: bool = False) -> str:
    bounded = min(5.0, max(1.0, value))
    return (_up(bounded) if up else _down(bounded)).lstrip("+")
