"""Whether a baseline record may be used, and what two records of one key hold together."""

from msgspec.structs import replace

from ftgate.values.baseline import BASELINE_FORMAT, Baseline
from ftgate.values.evaluation import Arm, ArmEvaluation, Completion
from ftgate.values.run import Run

MOST_ARMS = 8
"""Arms that a record keeps: base and baseline of the last four ways of asking and grading."""


def problem(record: Baseline, key: str) -> str:
    """Why a record must not be compared with; empty when nothing speaks against it.

    Its arms are those of the base and of its own adapter: a record can never answer for a candidate.
    """
    training = record.training
    own = (None, training.adapter_sha256)
    for wrong, why in (
        (
            record.format != BASELINE_FORMAT,
            f"its format is {record.format!r}, this ftgate reads {BASELINE_FORMAT!r}",
        ),
        (record.key != key or training.key != key, f"it belongs to the key {record.key[:12]}"),
        (training.failure is not None or not training.adapter_sha256, "its training has no adapter"),
        (record.data_sha256 != training.data_sha256, "its data is not what was trained"),
        (any(arm.adapter_sha256 not in own for arm in record.arms), "an arm is of another adapter"),
        (any(not (arm.key and arm.asked) for arm in record.arms), "an arm does not say what it answers"),
        (any(not arm.items for arm in record.arms), "an arm has no completions"),
    ):
        if wrong:
            return why
    return ""


def unrecorded(run: Run, record: Baseline | None) -> str:
    """Why a run from another machine has not taken its baseline from the data branch, although it says so; empty when
    it has, or does not say so. `record` is what the data branch holds here of the key of the run's baseline."""
    if run.origin is None or run.origin.source != "data branch" or run.baseline is None:
        return ""
    if record is None or record.training.adapter_sha256 != run.baseline.adapter_sha256:
        return "it says that its baseline is on record, and the record here is none or another one"
    arm = run.evaluation.arms.get(Arm.BASELINE.value) if run.evaluation else None
    if arm is None or not arm.reused:
        return ""
    if not any(kept.asked == arm.asked and _said(kept) == _said(arm) for kept in record.arms):
        return "what it says that the baseline answered is not what is on record"
    return ""


def _said(arm: ArmEvaluation) -> list[Completion]:
    return [item.completion for item in arm.items]


def merged(old: Baseline | None, new: Baseline) -> Baseline:
    """The new record, with the arms of the old one that answer for the same adapter and are not in the new."""
    if old is None or old.training.adapter_sha256 != new.training.adapter_sha256:
        return new
    known = {arm.key for arm in new.arms}
    more = [arm for arm in old.arms if arm.key not in known]
    return replace(new, arms=(*new.arms, *more)[:MOST_ARMS])
