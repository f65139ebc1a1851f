"""Candidate against the reference arm, prompt by prompt."""

from collections.abc import Mapping, Sequence

from ftgate.decide.statistics import interval, needed, sign_test
from ftgate.values.comparison import Comparison, Paired
from ftgate.values.evaluation import Arm, Evaluation, Item, Outcome


def reference_arm(evaluation: Evaluation) -> Arm:
    """The baseline when it was evaluated, else the base."""
    return Arm.BASELINE if Arm.BASELINE.value in evaluation.arms else Arm.BASE


def compare(evaluation: Evaluation, margin: float) -> Comparison:
    """Every planned regression prompt in one of seven lists, in order, and the held-out examples paired.

    `margin` is the policy's; it only says how many examples would decide.
    """
    reference, candidate = evaluation.items(reference_arm(evaluation)), evaluation.items(Arm.CANDIDATE)
    lists: dict[str, list[str]] = {
        name: [] for name in ("fixed", "broken", "same", "new", "missing", "ungraded", "wavering")
    }
    wavering = unconfirmed(evaluation)
    for prompt in dict.fromkeys(evaluation.ids("regression")):
        found = pair(reference.get(prompt), candidate.get(prompt))
        lists["wavering" if prompt in wavering else found].append(prompt)
    return Comparison(
        reference=reference_arm(evaluation),
        held_out=_held_out(evaluation, margin),
        fixed=tuple(lists["fixed"]),
        broken=tuple(lists["broken"]),
        same=tuple(lists["same"]),
        new=tuple(lists["new"]),
        missing=tuple(lists["missing"]),
        ungraded=tuple(lists["ungraded"]),
        wavering=tuple(lists["wavering"]),
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


def suspects(reference: Mapping[str, Item], candidate: Mapping[str, Item]) -> list[str]:
    """Prompts that passed for the reference and fail for the candidate, in the order of the reference."""
    return [id for id, item in reference.items() if pair(item, candidate.get(id)) == "broken"]


def unconfirmed(evaluation: Evaluation) -> frozenset[str]:
    """Suspects that fresh samples speak against, and that are therefore not counted as broken."""
    arm = reference_arm(evaluation)
    before, after = evaluation.samples(arm), evaluation.samples(Arm.CANDIDATE)
    found = suspects(evaluation.items(arm), evaluation.items(Arm.CANDIDATE))
    return frozenset(id for id in found if not confirmed(before.get(id, ()), after.get(id, ())))


def stable(samples: Sequence[Item]) -> bool:
    """Whether no fresh sample fails: only such a prompt can ever be told to be broken."""
    return all(item.outcome is not Outcome.FAILED for item in samples)


def confirmed(reference: Sequence[Item], candidate: Sequence[Item]) -> bool:
    """Whether a suspect is broken: the reference passes every fresh sample, the candidate fails most of its own.

    Without samples the suspicion stands, and an ungraded one counts at its worst.
    """
    failing = sum(item.outcome is not Outcome.PASSED for item in candidate)
    return stable(reference) and (not candidate or 2 * failing > len(candidate))


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
