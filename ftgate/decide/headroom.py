"""Base leakage: how many training examples the base model answers rightly before anything is trained.

The seed: an example that the base gets right teaches nothing. Above a fifth of them, replace them with harder cases;
above four fifths, fine-tuning may not be needed at all.
"""

from collections.abc import Iterator

from ftgate.decide.agreement import corrected
from ftgate.decide.rulings import Ruling, count, note, warn
from ftgate.decide.statistics import exact_bounds
from ftgate.values.comparison import Headroom
from ftgate.values.evaluation import Evaluation, Outcome

LEAKAGE = 0.2
NEEDLESS = 0.8


def headroom(evaluation: Evaluation) -> Headroom | None:
    """The share of sampled training examples that the base passes; None when none was asked and graded.

    Ungraded ones are left out: they are no evidence either way, and this measure blocks nothing.
    """
    known = evaluation.known_already
    outcomes = [item.outcome for item in known.items] if known else []
    graded = [outcome for outcome in outcomes if outcome is not Outcome.UNGRADED]
    if not graded:
        return None
    right = graded.count(Outcome.PASSED)
    lower, upper = exact_bounds(right, len(graded))
    true = [corrected(bound, *known.errors) for bound in (lower, upper)] if known and known.errors else []
    found = [bound for bound in true if bound is not None]
    if len(found) == 2:
        lower, upper = found
    return Headroom(
        sampled=len(outcomes),
        graded=len(graded),
        right=right,
        lower=lower,
        upper=upper,
        corrected=len(found) == 2,
    )


def told(found: Headroom | None) -> Iterator[Ruling]:
    """What a maintainer should know of it. Nothing here blocks."""
    if found is None:
        return
    by = ", corrected for the judge's errors" if found.corrected else ""
    text = (
        f"the base model already answers {found.right} of {count(found.graded, 'sampled training example')} "
        f"rightly ({100 * found.lower:.0f} to {100 * found.upper:.0f} %{by})"
    )
    if found.lower > NEEDLESS:
        yield warn("evaluate", "headroom.none", f"{text}: you may not need to fine-tune")
    elif found.lower > LEAKAGE:
        yield warn("evaluate", "headroom.small", f"{text}: replace them with harder cases")
    elif found.upper >= LEAKAGE and found.right:
        yield note("evaluate", "headroom.unresolved", f"{text}: whether that is over a fifth is not resolved")
