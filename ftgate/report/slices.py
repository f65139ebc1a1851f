"""Results per slice: what collapsed or drives open, the rest folded."""

from collections.abc import Sequence

from ftgate.report.markdown import Section, details, paragraphs, table
from ftgate.report.quote import code, prose
from ftgate.report.wording import count, share
from ftgate.values.run import Run
from ftgate.values.slices import Slice

_SHOWN = 8
_FOLDED = 30
_NAMED = 10
_SIGNS = {"collapsed": "❌", "suspect": "🟡"}


def slices_section(run: Run) -> Section | None:
    """A line per slice with both pass rates, and what broke where a slice collapsed, may have, or drives."""
    if not run.slices:
        return None
    telling = [of for of in run.slices if of.state != "held" or of.drives]
    quiet = [of for of in run.slices if of not in telling]
    reference = run.comparison.reference.value if run.comparison else "reference"
    small = f"Slices of at least {count(run.plan.policy.min_slice, 'prompt')}; p is the sign test after Holm."
    rest = paragraphs(_table(quiet[:_FOLDED], reference), _more(len(quiet) - _FOLDED), small) if quiet else ""
    if not telling:
        return Section("slices", 2, details(f"Slices: {count(len(quiet), 'slice')}, none collapsed", rest))
    shown = telling[:_SHOWN]
    brief = paragraphs("### Slices", _table(shown, reference), _more(len(telling) - _SHOWN))
    full = paragraphs(
        brief,
        "\n".join(_broken(of) for of in shown if of.broken),
        details(count(len(quiet), "other slice"), rest) if rest else small,
    )
    return Section("slices", 8, full, brief)


def _table(told: Sequence[Slice], reference: str) -> str:
    body = [
        [
            f"{_SIGNS.get(of.state, '')} {of.kind} {code(of.name, 60)}".strip(),
            share(of.reference_passed, of.graded),
            share(of.candidate_passed, of.graded) + _open(of),
            f"{len(of.broken):,} broken, {of.fixed:,} fixed",
            "< 0.0001" if of.p_adjusted < 0.0001 else f"{of.p_adjusted:.2g}",
        ]
        for of in told
    ]
    return table(["slice", reference, "candidate", "flips", "p"], body)


def _open(of: Slice) -> str:
    left = of.prompts - of.graded
    return f" ({left:,} ungraded)" if left else ""


def _broken(of: Slice) -> str:
    ids = ", ".join(code(id, 60) for id in of.broken[:_NAMED])
    more = f" and {len(of.broken) - _NAMED:,} more" if len(of.broken) > _NAMED else ""
    words = f"; they share {', '.join(code(word, 30) for word in of.words)}" if of.words else ""
    same = f" (the same prompts: {prose(', '.join(of.same_as), 120)})" if of.same_as else ""
    return f"- {of.kind} {code(of.name, 60)}{same} broke {ids}{more}{words}"


def _more(number: int) -> str:
    return f"… and {count(number, 'more slice')} in `run.json`" if number > 0 else ""
