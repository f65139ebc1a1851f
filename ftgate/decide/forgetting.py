"""Catastrophic forgetting: general abilities that the base has and the candidate lost.

The seed: mix five to ten percent general examples in. A narrow task narrows a model on purpose, so by default this
warns; a team whose model must stay a general one makes it an error.
"""

from collections import Counter
from collections.abc import Iterator

from ftgate.decide.comparison import pair
from ftgate.decide.rulings import Ruling, fail, note, unsure, warn
from ftgate.decide.statistics import sign_test
from ftgate.values.comparison import Forgetting
from ftgate.values.evaluation import Arm, Evaluation
from ftgate.values.settings import Policy

LEVEL = 0.05


def forgetting(evaluation: Evaluation) -> Forgetting | None:
    """Probes that the base passes and the candidate fails, and the reverse; None when none were asked of both."""
    base, candidate = evaluation.items(Arm.BASE), evaluation.items(Arm.CANDIDATE)
    ids = [id for id in dict.fromkeys(evaluation.ids("probe")) if id in base and id in candidate]
    if not ids:
        return None
    ways = {id: pair(base[id], candidate[id]) for id in ids}
    lost, gained = ([id for id in ids if ways[id] == way] for way in ("broken", "fixed"))
    return Forgetting(
        asked=len(ids),
        ungraded=sum(way == "ungraded" for way in ways.values()),
        lost=tuple(lost),
        gained=tuple(gained),
        p_worse=sign_test(len(lost), len(gained)),
    )


def told(evaluation: Evaluation, found: Forgetting | None, policy: Policy) -> Iterator[Ruling]:
    """A loss that chance does not explain (exact sign test) is told as the policy says; any other is a note."""
    if policy.forgetting == "off":
        return
    if found is None or found.ungraded:
        if policy.forgetting == "error":
            what = "were not asked" if found is None else f"are ungraded: {found.ungraded} of {found.asked}"
            yield unsure("evaluate", "forgetting.unknown", f"the probes of general abilities {what}")
        return
    if not found.lost:
        return
    abilities = {prompt.id: prompt.protects for prompt in evaluation.prompts}
    counted = Counter(abilities.get(id, "?") for id in found.lost)
    text = (
        f"the candidate lost {len(found.lost)} of {found.asked} probes of general ability and gained "
        f"{len(found.gained)}: {', '.join(f'{name} {number}' for name, number in counted.most_common())}"
    )
    if found.p_worse >= LEVEL:
        yield note("decide", "forgetting.some", text)
    elif policy.forgetting == "error":
        yield fail("decide", "forgetting", text)
    else:
        yield warn("decide", "forgetting", f"{text}; mix five to ten percent general examples in")
