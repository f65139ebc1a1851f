"""Lines about what is measured beside pass rates: a judge's scores, headroom, forgetting, the blinded reading, power.
Plain text: the caller quotes it."""

import math
from collections.abc import Iterator, Sequence

from ftgate.report.wording import count, join
from ftgate.values.comparison import Comparison, Forgetting, Headroom, Power, ScoreChange
from ftgate.values.evaluation import Arm
from ftgate.values.run import Run
from ftgate.values.spot_check import SpotCheck

_ABILITIES = 6


def score_rows(comparison: Comparison | None, arms: Sequence[Arm]) -> list[list[str]]:
    """A row per criterion: the mean of each arm with its interval, and the change with its own."""
    changes = comparison.scores if comparison else ()
    return [[f"Mean {c.criterion}", *(_mean(c, arm) for arm in arms), _change(c)] for c in changes]


def _mean(change: ScoreChange, arm: Arm) -> str:
    found = change.arms.get(arm.value)
    if found is None:
        return ""
    open_ = f", {change.total - found.graded:,} ungraded" if found.graded < change.total else ""
    return f"{_down(found.mean)} ({_down(found.lower)}–{_up(found.upper)}{open_})"


def _change(change: ScoreChange) -> str:
    if change.difference is None or change.lower is None or change.upper is None:
        return "not graded"
    return f"{_down(change.difference, '+')} ({_down(change.lower, '+')} to {_up(change.upper, '+')})"


def measures(run: Run) -> Iterator[str]:
    """One sentence each, where there is something to tell."""
    found = run.comparison
    if found is None:
        return
    if found.headroom:
        yield _headroom(found.headroom)
    if found.forgetting:
        yield _forgetting(run, found.forgetting)
    if run.spot_check:
        yield _read(run.spot_check)
    if found.removed:
        gone = f"{join(found.removed[:3])}{' and more' if len(found.removed) > 3 else ''}"
        number = count(len(found.removed), "regression prompt")
        yield f"Missing: {number} of the last promotion, removed on the base branch since ({gone})"
    if found.power:
        yield _power(found.power)


def _headroom(found: Headroom) -> str:
    low, high = math.floor(100 * found.lower), math.ceil(100 * found.upper)
    sampled = count(found.graded, "sampled training example")
    return f"Base leakage: the base is already right on {found.right:,} of {sampled} ({low} to {high} %)"


def _forgetting(run: Run, found: Forgetting) -> str:
    abilities = {prompt.id: prompt.protects for prompt in run.evaluation.prompts} if run.evaluation else {}
    lost = list(dict.fromkeys(abilities.get(id) or id for id in found.lost))[:_ABILITIES]
    what = f" ({join(lost)})" if lost else ""
    open_ = f", {found.ungraded:,} ungraded" if found.ungraded else ""
    asked = count(found.asked, "probe")
    return (
        f"General abilities: {len(found.lost):,} of {asked} lost{what}, {len(found.gained):,} gained{open_}"
    )


def _read(found: SpotCheck) -> str:
    mine, base = found.candidate, found.base
    return (
        f"Blinded reading by {found.by or 'a reader'}: would not ship {mine.no} of {mine.shown} completions "
        f"of the candidate and {base.no} of {base.shown} of the base"
    )


def _power(found: Power) -> str:
    rate = "no drop at all" if found.rate is None else f"a drop of {100 * found.rate:.0f} points"
    score = (
        f" and one of {_up(found.score)} in mean correctness ({count(found.scored, 'judged prompt')})"
        if found.score is not None
        else ""
    )
    return f"Power: {count(found.held_out, 'held-out example')} can show {rate}{score}, four times in five"


def remembered(outcomes: str) -> str:
    """How a prompt did in the last promotions, the newest first: "passed in the last 5 promoted runs"."""
    if set(outcomes) <= {"P"}:
        runs = f"{len(outcomes)} promoted runs" if len(outcomes) > 1 else "promoted run"
        return f"passed in the last {runs}"
    return f"passed in {outcomes.count('P')} of the last {count(len(outcomes), 'promoted run')}"


def _down(value: float, sign: str = "") -> str:
    return format(math.floor(round(100 * value, 6)) / 100 + 0.0, f"{sign}.2f").replace("-", "−")


def _up(value: float, sign: str = "") -> str:
    return format(math.ceil(round(100 * value, 6)) / 100 + 0.0, f"{sign}.2f").replace("-", "−")
