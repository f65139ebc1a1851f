"""Held-out and regression results of the three arms, and the data findings by file."""

from collections.abc import Sequence
from itertools import groupby
from typing import Literal

from ftgate.report.agreement import judge_line
from ftgate.report.markdown import Section, details, paragraphs, table
from ftgate.report.measures import measures, score_rows
from ftgate.report.quote import code, prose
from ftgate.report.wording import count, points, ranges, severities, share
from ftgate.values.comparison import Comparison, Paired
from ftgate.values.evaluation import Arm, Evaluation, Outcome
from ftgate.values.finding import Finding, Severity
from ftgate.values.run import Rate, Run

_ICONS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTICE: "ℹ️"}
_FILES = 8
_PER_FILE = 8
_ADVICE = 6
_NAMED = 10
_RATES = 12

_ODD = {"cut": "cut at the token limit:", "empty": "empty:", "identical": "the same as the base's:"}

Kind = Literal["regression", "held-out"]
KINDS: dict[Kind, str] = {"regression": "Regression prompts", "held-out": "Held-out set"}


def icon(severity: Severity) -> str:
    """GitHub's three levels as signs that are told apart without colour."""
    return _ICONS[severity]


def results_section(run: Run) -> Section | None:
    """One line per set, one column per arm, and the change with its interval."""
    if run.evaluation is None or not run.evaluation.prompts:
        return None
    arms = [arm for arm in Arm if arm.value in run.evaluation.arms]
    reference = run.comparison.reference.value if run.comparison else "baseline"
    body = [
        [title, *(_share(run.evaluation, arm, kind) for arm in arms), _change(run.comparison, kind)]
        for kind, title in KINDS.items()
        if run.evaluation.ids(kind)
    ]
    body += score_rows(run.comparison, arms)
    header = ["", *(arm.value for arm in arms), f"change from {reference}"]
    notes = (_flips(run, run.comparison), _names(run.comparison)) if run.comparison else ()
    return Section(
        "results",
        8,
        paragraphs(
            "### Results",
            table(header, body),
            *notes,
            prose(judge_line(run), 300),
            _completions(run.evaluation, arms),
        ),
    )


def measures_section(run: Run) -> Section | None:
    """What else was measured, a line each: none of it is needed to understand the verdict."""
    said = [f"- {prose(line, 300)}" for line in measures(run)]
    return Section("other measures", 3, paragraphs("**Also measured**", "\n".join(said))) if said else None


def _completions(evaluation: Evaluation, arms: Sequence[Arm]) -> str:
    """Cut, empty and the base's own, in percent of each arm's completions; nothing where there is nothing to tell."""
    shares = {arm: found for arm in arms if (found := evaluation.shares(arm))}
    told = [
        (name, {arm: ids for arm, each in shares.items() if (ids := getattr(each, field)) is not None})
        for field, name in _ODD.items()
    ]
    said = [
        f"{name} {', '.join(f'{arm} {100 * len(ids) / shares[arm].answered:.0f} %' for arm, ids in of.items())}"
        for name, of in told
        if any(of.values())
    ]
    return f"Completions {'; '.join(said)}." if said else ""


def _share(evaluation: Evaluation, arm: Arm, kind: Kind) -> str:
    ids, items = evaluation.ids(kind), evaluation.items(arm)
    outcomes = [items[id].outcome for id in ids if id in items]
    open_ = len(ids) - outcomes.count(Outcome.PASSED) - outcomes.count(Outcome.FAILED)
    return share(outcomes.count(Outcome.PASSED), len(ids)) + (f" ({open_:,} ungraded)" if open_ else "")


def _change(comparison: Comparison | None, kind: Kind) -> str:
    if comparison is None:
        return ""
    if kind == "regression":
        return f"{len(comparison.fixed):,} fixed, {len(comparison.broken):,} broken"
    held_out = comparison.held_out
    if held_out.difference is None:
        return "not graded"
    return f"{points(held_out.difference)} points ({points(held_out.lower)} to {points(held_out.upper)})"


def _flips(run: Run, comparison: Comparison) -> str:
    held_out = comparison.held_out
    if held_out.difference is None:
        return ""
    said = f"Held-out, pair by pair: {held_out.fixed:,} fixed, {held_out.broken:,} broken"
    if (p := held_out.p_worse) is not None:
        said += " (sign test p < 0.0001)" if p < 0.0001 else f" (sign test p = {p:.2g})"
    said += f". Bounds are one-sided 95 %; the policy accepts {points(-run.plan.policy.margin)} points."
    return said + (_power(held_out) if _undecided(held_out, run.plan.policy.margin) else "")


def _undecided(held_out: Paired, margin: float) -> bool:
    lower, upper = held_out.lower, held_out.upper
    return lower is not None and upper is not None and lower <= -margin and upper >= 0


def _power(held_out: Paired) -> str:
    if held_out.needed is None or held_out.needed <= held_out.graded:
        return ""
    return f" {held_out.graded:,} pairs were graded; about {held_out.needed:,} would decide."


def _names(comparison: Comparison) -> str:
    """The prompts that are neither the same nor broken, by name; broken ones have their own section."""
    groups = {name: getattr(comparison, name) for name in ("wavering", "fixed", "new", "missing", "ungraded")}
    return "<br>".join(f"{name.capitalize()}: {_ids(ids)}" for name, ids in groups.items() if ids)


def _ids(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    return ", ".join(code(id, 60) for id in ids[:_NAMED]) + more


def findings_section(run: Run) -> Section | None:
    """What the checks said, file by file: what this pull request brings, then, folded, what was there before."""
    rated = rates_table(run.rates)
    if not run.findings and not rated:
        return None
    new = [finding for finding in run.findings if not finding.existing]
    old = [finding for finding in run.findings if finding.existing]
    content = paragraphs(
        _files(new, "new here" if old else ""),
        details(f"On the base branch already: {_counted(old)}", _files(old)) if old else "",
        rated,
        _advice(new or old),
    )
    short = "\n".join(f"- {_file_title(path, found)}" for path, found in _by_file(run.findings)[:_FILES])
    if any(finding.severity is Severity.ERROR for finding in run.findings):
        content = paragraphs("### Findings", content)
    else:
        content = details(_counted(run.findings), content)
    return Section("findings", 7, content, paragraphs("### Findings", short) if short else "")


def _counted(findings: Sequence[Finding]) -> str:
    levels = severities([finding.severity for finding in findings])
    return f"{levels} in {count(len(_by_file(findings)), 'file')}" if findings else "no findings"


def file_tables(findings: Sequence[Finding]) -> str:
    """Findings by file, one table each."""
    return _files(findings)


def _files(findings: Sequence[Finding], word: str = "") -> str:
    by_file = _by_file(findings)
    rest = len(by_file) - _FILES
    return paragraphs(
        *(_file(path, found, word) for path, found in by_file[:_FILES]),
        f"… and {count(rest, 'more file')}; `ftgate validate` names all." if rest > 0 else "",
    )


def rates_table(rates: Sequence[Rate]) -> str:
    """Findings per 1,000 examples on the base branch and here; only where something was found before."""
    told = [rate for rate in rates if rate.before or rate.after][:_RATES]
    if not any(rate.before for rate in told):
        return ""
    body = [[code(r.check, 40), *per_thousand(r), f"{r.new:,}"] for r in told]
    header = ["findings per 1,000 examples", "base branch", "here", "new here"]
    return table(header, body)


def per_thousand(rate: Rate) -> tuple[str, str]:
    """The rate before and after; with no examples there is no rate."""
    return _per_thousand(rate.before, rate.examples_before), _per_thousand(rate.after, rate.examples_after)


def _per_thousand(number: int, examples: int) -> str:
    return f"{number * 1000 / examples:,.1f}" if examples else "no examples"


def _by_file(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    """Files with the worst and the most findings first."""
    ordered = sorted(findings, key=lambda finding: finding.path)
    files = [(path, list(found)) for path, found in groupby(ordered, key=lambda finding: finding.path)]
    return sorted(files, key=lambda file: (min(f.severity.rank for f in file[1]), -len(file[1])))


def _file_title(path: str, found: Sequence[Finding]) -> str:
    return f"{code(path, 120)} · {severities([finding.severity for finding in found])}"


def _file(path: str, found: Sequence[Finding], word: str) -> str:
    alike = _alike(found)
    shown = alike[:_PER_FILE]
    left = len(found) - sum(map(len, shown))
    return paragraphs(
        f"**{_file_title(path, found)}{f', {word}' if word else ''}**",
        table(["line", "check", "what is wrong"], [_said(same) for same in shown]),
        f"… and {left:,} more in this file" if left else "",
    )


def _alike(found: Sequence[Finding]) -> list[list[Finding]]:
    """Findings of one check that say the same, as one; worst first, then by line."""
    groups: dict[tuple[Severity, str, str], list[Finding]] = {}
    for finding in sorted(found, key=lambda finding: finding.line):
        groups.setdefault((finding.severity, finding.check, finding.message), []).append(finding)
    return sorted(groups.values(), key=lambda same: (same[0].severity.rank, same[0].line))


def _said(same: Sequence[Finding]) -> list[str]:
    first = same[0]
    return [f"{icon(first.severity)}&nbsp;{_places(same)}", code(first.check, 40), prose(first.message, 240)]


def _places(same: Sequence[Finding]) -> str:
    lines = [finding.line for finding in same if finding.line]
    if not lines:
        return "file"
    if len(same) == 1 and same[0].column:
        return f"{lines[0]}:{same[0].column}"
    spans = ranges(lines)
    return spans if len(spans) <= 24 else f"{min(lines)}–{max(lines)} ({count(len(set(lines)), 'line')})"


def _advice(findings: Sequence[Finding]) -> str:
    """What to do, once per check, for the worst checks first."""
    said: dict[str, str] = {}
    for finding in sorted(findings, key=lambda finding: finding.severity.rank):
        if finding.advice:
            said.setdefault(finding.check, finding.advice)
    chosen = list(said.items())[:_ADVICE]
    if not chosen:
        return ""
    return "\n".join(["**What to do**", "", *(f"- {code(c, 40)}: {prose(text, 300)}" for c, text in chosen)])


def finding_counts(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Each file with its counts by level, the worst first."""
    return [(path, severities([finding.severity for finding in found])) for path, found in _by_file(findings)]
