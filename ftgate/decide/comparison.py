"""Candidate against the reference arm, prompt by prompt."""

from ftgate.decide.statistics import interval, needed, sign_test
from ftgate.values.evaluation import Arm, Comparison, Evaluation, Item, Outcome, Paired


def reference_arm(evaluation: Evaluation) -> Arm:
    """The baseline when it was evaluated, else the base."""
    return Arm.BASELINE if Arm.BASELINE.value in evaluation.arms else Arm.BASE


def compare(evaluation: Evaluation, margin: float) -> Comparison:
    """Every planned regression prompt in one of six lists, in order, and the held-out examples paired.

    `margin` is the policy's; it only says how many examples would decide.
    """
    reference, candidate = evaluation.items(reference_arm(evaluation)), evaluation.items(Arm.CANDIDATE)
    lists: dict[str, list[str]] = {
        name: [] for name in ("fixed", "broken", "same", "new", "missing", "ungraded")
    }
    for prompt in dict.fromkeys(evaluation.ids("regression")):
        lists[pair(reference.get(prompt), candidate.get(prompt))].append(prompt)
    return Comparison(
        reference=reference_arm(evaluation),
        held_out=_held_out(evaluation, margin),
        **{name: tuple(prompts) for name, prompts in lists.items()},
    )


def pair(reference: Item | None, candidate: Item | None) -> str:
    """How one prompt compares: fixed, broken, same, new, missing or ungraded."""
    if candidate is None:
        return "missing"
    if reference is None:
        return "new"
    before, after = reference.outcome, candidate.outcome
    if Outcome.UNGRADED in (before, after):
        return "ungraded"
    if before is after:
        return "same"
    return "broken" if before is Outcome.PASSED else "fixed"


def _held_out(evaluation: Evaluation, margin: float) -> Paired:
    reference, candidate = evaluation.items(reference_arm(evaluation)), evaluation.items(Arm.CANDIDATE)
    prompts = list(dict.fromkeys(evaluation.ids("held-out")))
    pairs = [pair(reference.get(prompt), candidate.get(prompt)) for prompt in prompts]
    fixed, broken = pairs.count("fixed"), pairs.count("broken")
    graded = fixed + broken + pairs.count("same")
    bounds = interval(broken, fixed, graded)
    return Paired(
        reference=reference_arm(evaluation),
        total=len(prompts),
        graded=graded,
        fixed=fixed,
        broken=broken,
        difference=bounds.difference if bounds else None,
        lower=bounds.lower if bounds else None,
        upper=bounds.upper if bounds else None,
        p_worse=sign_test(broken, fixed) if bounds else None,
        needed=needed(broken, fixed, graded, margin),
    )
