"""Where the baseline comes from, and how the promoted models did over time."""

from datetime import datetime

from ftgate.report.curve import sparkline
from ftgate.report.markdown import Section, paragraphs, table
from ftgate.report.quote import code, prose
from ftgate.report.wording import count, points, share, short
from ftgate.values.baseline import Drift, History, Origin, Promotion, Tally
from ftgate.values.run import Run

_LINES = 6
_BARS = 24
_NAMES = {"regression": "Regression prompts", "held-out": "Held-out set"}
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def history_section(run: Run) -> Section | None:
    """The baseline's identity and age, and the candidate against the best promotion, with the last few of them."""
    said = origin_line(run)
    history = run.history or History()
    drift = "<br>".join(_drift(each) for each in run.drift)
    lines = _promotions(history, run)
    if not said and not lines:
        return None
    short = paragraphs("### Over time", said, drift)
    return Section("history", 2, paragraphs(short, lines), short)


def origin_line(run: Run) -> str:
    """One sentence about the baseline: from where it is, who brought it, and how old it is."""
    origin = run.origin
    if origin is None:
        return ""
    if origin.source == "none":
        return "There is no baseline: the base branch has no training data."
    key = f" {code(short(run.baseline.key))}" if run.baseline else ""
    if origin.commit and origin.source != "trained":
        return (
            f"The baseline{key} was promoted {_from(origin)}{_age(origin.created, run.provenance.created)}."
        )
    where = "taken from the store" if origin.source == "store" else "trained in this run"
    return f"The baseline{key} was {where}; {_unused(origin)}."


def _unused(origin: Origin) -> str:
    if origin.problem:
        return "its record on the data branch cannot be used"
    if origin.commit:
        return "its record on the data branch does not answer these prompts"
    return "no promotion has put it on record"


def _from(origin: Origin) -> str:
    return f"at {code(short(origin.commit))}{_number(origin.pull_request)}"


def _number(pull_request: int | None) -> str:
    """As code: a link would leave a note on the old pull request with every comment."""
    return f" {code(f'#{pull_request}')}" if pull_request else ""


def _age(created: str, now: str) -> str:
    try:
        seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(created)).total_seconds()
    except (ValueError, TypeError):
        return ""
    if seconds < 0:
        return f" on {prose(created[:10], 10)}"
    for size, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= size:
            return f" {count(int(seconds // size), name)} ago"
    return " just now"


def _drift(drift: Drift) -> str:
    name = _NAMES[drift.set]
    if drift.best is None:
        why = "other prompts, expectations or another judge" if drift.incomparable else "no rate is known"
        return f"{name}: no promotion to compare with ({why})."
    if drift.drop is None:
        return f"{name}: not all are graded here, so not compared with the best promotion."
    best = drift.best.tally(drift.set)
    sign = "⚠️ " if drift.beyond else ""
    return (
        f"{sign}{name}: {_share(drift.now)} here, {_share(best)} at the best promotion "
        f"({code(short(drift.best.commit))}, {prose(drift.best.created[:10], 10)}), "
        f"a change of {points(-drift.drop)} points."
    )


def _promotions(history: History, run: Run) -> str:
    if not history.promotions:
        return ""
    shown = history.promotions[-_LINES:]
    more = len(history.promotions) - len(shown)
    body = [_line(promotion, run) for promotion in reversed(shown)]
    header = ["promoted", "when", "examples", "regression prompts", "held-out set"]
    other = any(p.tally(d.set).measure != d.now.measure for p in shown for d in run.drift)
    notes = [f"… and {count(more, 'earlier promotion')}."] if more else []
    notes += (
        ["In brackets: measured with other prompts, other expectations or another judge."] if other else []
    )
    return paragraphs(_bars(history, run), table(header, body), " ".join(notes))


def _line(promotion: Promotion, run: Run) -> list[str]:
    return [
        f"{code(short(promotion.commit))}{_number(promotion.pull_request)}",
        prose(promotion.created[:10], 10),
        f"{promotion.examples:,}",
        *(_cell(promotion, drift) for drift in run.drift),
        *("" for _ in range(2 - len(run.drift))),
    ]


def _cell(promotion: Promotion, drift: Drift) -> str:
    """Rates that cannot be compared with this run's stand in brackets."""
    tally = promotion.tally(drift.set)
    text = _share(tally)
    return text if tally.measure == drift.now.measure else f"({text})"


def _share(tally: Tally) -> str:
    open_ = tally.total - tally.graded
    return share(tally.passed, tally.total) + (f" ({open_:,} ungraded)" if open_ else "")


def _bars(history: History, run: Run) -> str:
    """Rates of the same measure, oldest first, this run last; of fewer than three there is nothing to see."""
    drawn = []
    for drift in run.drift:
        alike = [p.tally(drift.set) for p in history.promotions]
        known = [t.rate for t in (*alike, drift.now) if t.measure == drift.now.measure and t.rate is not None]
        if len(known) > 2 and len(set(known)) > 1:
            drawn.append(f"{_NAMES[drift.set]} `{sparkline(known[-_BARS:], _BARS)}`")
    return "<br>".join(drawn) + (", this pull request last" if drawn else "")
