"""The terminal's view of a run: lines with a style name; the command line decides about colour."""

import textwrap
from collections.abc import Iterator
from typing import Literal, NamedTuple

from ftgate.report.agreement import judge_line
from ftgate.report.curve import loss_lines
from ftgate.report.headline import headline
from ftgate.report.measures import measures, score_rows
from ftgate.report.origin import rerun_command, reused, spent_seconds
from ftgate.report.preflight import preflight_lines
from ftgate.report.quote import terminal
from ftgate.report.results import KINDS, Kind, finding_counts, per_thousand
from ftgate.report.wording import count, duration, join, points, severities, share, short
from ftgate.values.evaluation import Arm, Comparison, Evaluation, Outcome
from ftgate.values.run import Run, VerdictOutcome

Style = Literal["plain", "heading", "dim", "pass", "fail", "inconclusive", "command"]

WIDTH = 100
_REASONS = 12
_BROKEN = 5
_FILES = 8
_WRAPPED = 1_000
_STYLES: dict[VerdictOutcome, Style] = {
    VerdictOutcome.PASS: "pass",
    VerdictOutcome.FAIL: "fail",
    VerdictOutcome.INCONCLUSIVE: "inconclusive",
    VerdictOutcome.NOT_APPLICABLE: "dim",
    VerdictOutcome.WAIVED: "inconclusive",
}


class Line(NamedTuple):
    """One line, safe to print as it is, and how it is meant."""

    style: Style
    text: str


def summary(run: Run) -> list[Line]:
    """Verdict, reasons, evidence in a few lines each, and last the command to type next."""
    parts = (_verdict, _broken, _results, _findings, _preflight, _training, _cost, _next)
    lines: list[Line] = []
    for part in parts:
        shown = list(part(run))
        lines += [Line("plain", ""), *shown] if shown and lines else shown
    return [Line(style, terminal(text, WIDTH)) for style, text in lines]


def plain(lines: list[Line]) -> str:
    """The lines without styles."""
    return "".join(f"{text}\n" for _, text in lines)


def _verdict(run: Run) -> Iterator[Line]:
    said = headline(run)
    style = _STYLES[run.verdict.outcome] if run.verdict else "heading"
    yield from _wrapped(style, f"{said.outcome}: {said.sentence}", "")
    yield Line("dim", f"{short(run.plan.head)} onto {short(run.plan.merge_base)}")
    reasons = run.verdict.reasons if run.verdict else ()
    for reason in reasons[:_REASONS]:
        yield from _wrapped("plain", f"{reason.severity.value}: {reason.text} [{reason.id}]", "  ")
        if reason.remedy:
            yield from _wrapped("dim", f"→ {reason.remedy}", "    ")
    if len(reasons) > _REASONS:
        yield Line("dim", f"  and {count(len(reasons) - _REASONS, 'more reason', 'more reasons')}")


def _wrapped(style: Style, text: str, indent: str) -> Iterator[Line]:
    """At most six lines; words are never broken, the last step cuts what does not fit."""
    shown = textwrap.wrap(
        terminal(text[:_WRAPPED]),
        WIDTH - len(indent) - 2,
        break_long_words=False,
        break_on_hyphens=False,
        max_lines=6,
        placeholder=" …",
    )
    for number, each in enumerate(shown):
        yield Line(style, f"{indent}{each}" if number == 0 else f"{indent}  {each}")


def _broken(run: Run) -> Iterator[Line]:
    if run.evaluation is None or run.comparison is None or not run.comparison.broken:
        return
    broken, reference = run.comparison.broken, run.comparison.reference
    yield Line("heading", f"Broken regression prompts ({len(broken):,})")
    before, after = run.evaluation.items(reference), run.evaluation.items(Arm.CANDIDATE)
    for id in broken[:_BROKEN]:
        yield Line("plain", f"  {id}")
        for name, items in ((reference.value, before), ("candidate", after)):
            text = items[id].completion.text if id in items else "(not answered)"
            yield Line("dim", f"    {name:<9}  {text}")
    if len(broken) > _BROKEN:
        yield Line("dim", f"  and {len(broken) - _BROKEN:,} more")


def _results(run: Run) -> Iterator[Line]:
    if run.evaluation is None or not run.evaluation.prompts:
        return
    arms = [arm for arm in Arm if arm.value in run.evaluation.arms]
    yield Line("heading", _aligned("Results", [arm.value for arm in arms]))
    for kind, title in KINDS.items():
        if run.evaluation.ids(kind):
            yield Line("plain", _aligned(f"  {title}", [_share(run.evaluation, arm, kind) for arm in arms]))
    for title, *cells in score_rows(run.comparison, arms):
        yield Line("plain", _aligned(f"  {title}", [cell or "not graded" for cell in cells]))
    if run.comparison is not None:
        yield from _wrapped("dim", _compared(run.comparison), "  ")
    for line in filter(None, [judge_line(run), *measures(run)]):
        yield from _wrapped("dim", line, "  ")


def _aligned(title: str, cells: list[str]) -> str:
    return (f"{title:<22}" + "".join(f"{cell:<18}" for cell in cells)).rstrip()


def _share(evaluation: Evaluation, arm: Arm, kind: Kind) -> str:
    ids, items = evaluation.ids(kind), evaluation.items(arm)
    return share(sum(id in items and items[id].outcome is Outcome.PASSED for id in ids), len(ids))


def _compared(comparison: Comparison) -> str:
    names = ("broken", "wavering", "fixed", "same", "new", "missing", "ungraded")
    counts = [f"{len(getattr(comparison, name)):,} {name}" for name in names if getattr(comparison, name)]
    said = f"against the {comparison.reference.value}: prompts {', '.join(counts) or 'none'}"
    held_out = comparison.held_out
    if held_out.difference is None:
        return said
    interval = f"{points(held_out.lower)} to {points(held_out.upper)}"
    return f"{said}; held-out {points(held_out.difference)} points ({interval})"


def _findings(run: Run) -> Iterator[Line]:
    if not run.findings:
        return
    new = [finding for finding in run.findings if not finding.existing]
    old = [finding for finding in run.findings if finding.existing]
    yield Line("heading", f"Findings: {severities([finding.severity for finding in run.findings])}")
    if old:
        said = severities([finding.severity for finding in new]) if new else "nothing"
        before = severities([finding.severity for finding in old])
        yield from _wrapped("plain", f"new here: {said}; on the base branch already: {before}", "  ")
    by_file = finding_counts(run.findings)
    for path, levels in by_file[:_FILES]:
        yield Line("plain", f"  {levels:<20} {path}")
    if len(by_file) > _FILES:
        yield Line("dim", f"  and {count(len(by_file) - _FILES, 'more file')}")
    moved = [rate for rate in run.rates if rate.before and per_thousand(rate)[0] != per_thousand(rate)[1]]
    if moved:
        said = ", ".join(f"{rate.check} {' → '.join(per_thousand(rate))}" for rate in moved)
        yield from _wrapped("dim", f"per 1,000 examples, base branch → here: {said}", "  ")


def _preflight(run: Run) -> Iterator[Line]:
    if run.preflight is None:
        return
    yield Line("heading", "Preflight")
    for text in preflight_lines(run.preflight):
        yield from _wrapped("plain", text, "  ")


def _training(run: Run) -> Iterator[Line]:
    if run.candidate is None:
        return
    if run.candidate.failure is not None:
        yield Line("heading", "Training gave no usable adapter")
        yield from _wrapped("plain", run.candidate.failure, "  ")
        return
    for text in loss_lines(run.candidate.curve):
        yield Line("plain", text)


def _cost(run: Run) -> Iterator[Line]:
    parts = [f"{stage} {spent}" for stage, spent in spent_seconds(run)]
    if parts:
        yield Line("dim", " · ".join(parts))
    if names := reused(run):
        yield Line("dim", f"reused: {join(names)}, which saved {duration(run.cost.saved_seconds)}")


def _next(run: Run) -> Iterator[Line]:
    advice, command = next_step(run)
    yield Line("dim", f"Next: {advice}")
    if command:
        yield Line("command", f"  {command}")


def next_step(run: Run) -> tuple[str, str]:
    """What the reader does next, by outcome: a sentence, and the command to type where there is one."""
    again = rerun_command(short(run.plan.base), "HEAD" if run.verdict else short(run.plan.head))
    outcome = run.verdict.outcome if run.verdict else None
    if outcome is VerdictOutcome.PASS:
        return "merge; the next pull request is compared with what this data teaches.", ""
    if outcome is VerdictOutcome.NOT_APPLICABLE:
        return "nothing; there is nothing here for the gate to judge.", ""
    if outcome is VerdictOutcome.WAIVED:
        return "merge, if the waivers are meant; whoever gave them answers for it.", ""
    if run.verdict is not None and run.verdict.decided_by == "preflight":
        return "see to what the preflight says, commit, then judge again.", again
    if outcome is VerdictOutcome.FAIL and run.candidate is None:
        return "correct the lines above; this checks the work tree.", "ftgate validate"
    if run.candidate is not None and run.candidate.failure is not None:
        return "correct the training section of the settings on the base branch, then judge again.", again
    if outcome is VerdictOutcome.FAIL:
        return "correct the examples behind what broke, commit, then judge again.", again
    return "see to the first reason, then judge again.", again
