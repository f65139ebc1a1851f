"""The pull-request comment: marker, verdict, reasons, then sections until the space is used."""

from collections.abc import Callable, Sequence

from ftgate.report.broken import broken_section, held_out_section
from ftgate.report.headline import headline
from ftgate.report.history import history_section
from ftgate.report.markdown import Section, details, paragraphs
from ftgate.report.origin import (
    cost_section,
    protected_section,
    provenance_section,
    training_section,
)
from ftgate.report.preflight import preflight_section
from ftgate.report.preview import preview_section
from ftgate.report.quote import code, prose
from ftgate.report.results import findings_section, icon, measures_section, results_section
from ftgate.report.slices import slices_section
from ftgate.report.stamp import MARKER, Stamp, line
from ftgate.report.training_data import diff_section
from ftgate.report.waivable import waivable_section
from ftgate.report.wording import count, join, short
from ftgate.values.finding import Severity
from ftgate.values.run import Reason, Run, VerdictOutcome

LEAST = 4_000
"""No comment fits into fewer bytes with its verdict and a reason."""

__all__ = ["LEAST", "MARKER", "comment", "marker"]

_SECTIONS: tuple[Callable[[Run], Section | None], ...] = (
    broken_section,
    results_section,
    measures_section,
    slices_section,
    held_out_section,
    findings_section,
    protected_section,
    preview_section,
    diff_section,
    preflight_section,
    training_section,
    history_section,
    cost_section,
    waivable_section,
    provenance_section,
)
_SIGNS = {VerdictOutcome.INCONCLUSIVE: "🟡", VerdictOutcome.WAIVED: "🔓"}
# How many reasons are shown and how long each may be, from comfortable to what always fits.
_REASONS = ((12, 400), (8, 200), (4, 100), (1, 40))


def comment(run: Run, *, limit: int = 60_000) -> str:
    """Markdown of at most `limit` UTF-8 bytes, at least 4,000. Marker, verdict and reasons always stay."""
    if limit < LEAST:
        raise ValueError(f"a comment needs at least {LEAST} bytes")
    sections = [section for make in _SECTIONS if (section := make(run)) is not None]
    head = _head(run, limit)
    return _assembled(head, _fitted(head, sections, limit), sections)


def marker(run: Run) -> str:
    """The hidden first line: the comment is found by it, and its head tells a stale run from a fresh one."""
    return line(Stamp(head=run.plan.head))


def _head(run: Run, limit: int) -> str:
    versions = (_opening(run, number, length) for number, length in _REASONS)
    return next(text for text in versions if _size(text) <= limit - 300)


def _opening(run: Run, number: int, length: int) -> str:
    said = headline(run)
    reasons = run.verdict.reasons if run.verdict else ()
    telling = [reason for reason in reasons if reason.severity is not Severity.NOTICE]
    notes = [reason for reason in reasons if reason.severity is Severity.NOTICE]
    folded = _listed(notes, number, length)
    return paragraphs(
        f"{marker(run)}\n## {said.icon} {said.outcome}: {prose(said.sentence, length)}",
        _subline(run),
        _listed(telling, number, length),
        details(count(len(notes), "note"), folded) if telling and notes else folded,
    )


def _listed(reasons: Sequence[Reason], number: int, length: int) -> str:
    more = len(reasons) - number
    lines = [_reason(reason, length) for reason in reasons[:number]]
    return "\n".join([*lines, *([f"- … and {more:,} more in `run.json`"] if more > 0 else [])])


def _subline(run: Run) -> str:
    plan = run.plan
    stage = run.verdict.decided_by if run.verdict else "decide"
    decided = "" if stage == "decide" else f" · decided by {prose(stage, 30)}"
    return f"{code(short(plan.head))} onto {code(short(plan.merge_base))}{decided}"


def _reason(reason: Reason, length: int) -> str:
    sign = _SIGNS.get(reason.decides, icon(reason.severity))
    advice = f"<br>→ {prose(reason.remedy, length)}" if reason.remedy else ""
    return f"- {sign} {prose(reason.text, length)} {code(reason.id, 60)}{advice}"


def _fitted(head: str, sections: Sequence[Section], limit: int) -> list[str]:
    """From the least important section up, each is shortened, then each is dropped, until all fit."""
    texts = [section.full for section in sections]
    by_importance = sorted(range(len(sections)), key=lambda i: sections[i].importance)
    for shortened in (True, False):
        for i in by_importance:
            if _size(_assembled(head, texts, sections)) <= limit:
                return texts
            texts[i] = sections[i].short if shortened else ""
    return texts


def _assembled(head: str, texts: Sequence[str], sections: Sequence[Section]) -> str:
    return paragraphs(head, *texts, _left_out(texts, sections)) + "\n"


def _left_out(texts: Sequence[str], sections: Sequence[Section]) -> str:
    gone = [section.name for text, section in zip(texts, sections, strict=True) if not text]
    cut = [s.name for text, s in zip(texts, sections, strict=True) if text and text != s.full]
    said = [f"left out: {join(gone)}"] if gone else []
    said += [f"shortened: {join(cut)}"] if cut else []
    return f"*For length, {'; '.join(said)}. `run.json` has everything.*" if said else ""


def _size(text: str) -> int:
    return len(text.encode("utf-8"))
