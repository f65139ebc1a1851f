"""Whether a run tested exactly what was merged, and what is kept of it then. A run is foreign data: nothing that can
be made anew from the repository is taken from it."""

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ftgate.decide.drift import tally
from ftgate.decide.keys import prompts_digest, training_key
from ftgate.decide.past import outcomes
from ftgate.decide.recipe import resolve
from ftgate.decide.sentinel import inactive
from ftgate.values.baseline import Baseline, Promotion
from ftgate.values.evaluation import Arm, ArmEvaluation, Evaluation
from ftgate.values.run import Run
from ftgate.values.settings import Settings
from ftgate.values.training import BaseModel, Recipe, Training


class Merged(Struct, frozen=True, kw_only=True):
    """What stands on the default branch: settings, and digests of training data, held-out set and all prompts."""

    commit: str
    settings: Settings
    data_sha256: str
    held_out_sha256: str
    prompts_sha256: str
    examples: int
    pull_request: int | None = None


class Promotable(Struct, frozen=True, kw_only=True):
    """A training of the merged data with what it answered."""

    training: Training
    evaluation: Evaluation


def promotable(run: Run, merged: Merged) -> Promotable | str:
    """The candidate of a run as the next baseline, or why it is not what was merged."""
    training, evaluation = run.candidate, run.evaluation
    if training is None or training.failure is not None or not training.adapter_sha256:
        return "it has no trained candidate"
    if evaluation is None or not evaluation.prompts:
        return "its candidate was not evaluated"
    if why := _other(run, training, merged):
        return why
    if prompts_digest(evaluation.prompts) != merged.prompts_sha256:
        return "it asked other prompts than those that were merged"
    found = Promotable(training=training, evaluation=evaluation)
    return _unproved(found, run.provenance.base_model) or found


def _other(run: Run, training: Training, merged: Merged) -> str:
    """What differs between the tested and the merged; empty when nothing does."""
    base, settings = run.provenance.base_model, merged.settings
    if training.data_sha256 != merged.data_sha256:
        return "it trained other data than what was merged"
    if run.provenance.held_out_sha256 != merged.held_out_sha256:
        return "its held-out set is not the one that was merged"
    if base is None or base.name != settings.base_model:
        return "it trained another base model"
    if settings.base_revision and base.revision != settings.base_revision:
        return "it trained another revision of the base model"
    basis = training.basis
    if basis is None or basis.examples != merged.examples:
        return "it does not say what its recipe was resolved from"
    recipe = resolve(settings.training, base, basis)
    if _plain(recipe) != _plain(training.recipe):
        return "it trained by another recipe"
    versions = run.provenance.versions
    if training.key != training_key(
        base, recipe, merged.data_sha256, merged.held_out_sha256, basis, versions
    ):
        return "its key is not that of what it says it trained"
    return ""


def _unproved(found: Promotable, base: BaseModel | None) -> str:
    """Why the answers of a training prove nothing; empty when they are whole and of an adapter that acts."""
    ids = [prompt.id for prompt in found.evaluation.prompts]
    arm = found.evaluation.arms.get(Arm.CANDIDATE.value)
    if arm is None or [item.prompt for item in arm.items] != ids:
        return "its candidate did not answer every prompt"
    if arm.adapter_sha256 != found.training.adapter_sha256 or not (arm.key and arm.asked):
        return "its answers are not those of the adapter that it trained"
    if inactive(arm.sentinel, found.training, base):
        return "its adapter does not act on the base model"
    return ""


def record(found: Promotable, merged: Merged, ftgate: str, created: str) -> tuple[Baseline, Promotion]:
    """The record and the ledger's line. The base's arm is kept beside the candidate's, which is the baseline now."""
    candidate = found.evaluation.arms[Arm.CANDIDATE.value]
    base = found.evaluation.arms.get(Arm.BASE.value)
    arms = [_kept(candidate, Arm.BASELINE)]
    if base is not None and base.adapter_sha256 is None and base.key and base.asked and base.items:
        arms.append(_kept(base, Arm.BASE))
    baseline = Baseline(
        key=found.training.key,
        training=replace(found.training, commit=merged.commit, reused=False),
        arms=tuple(arms),
        data_sha256=merged.data_sha256,
        commit=merged.commit,
        pull_request=merged.pull_request,
        ftgate=ftgate,
        created=created,
    )
    promotion = Promotion(
        commit=merged.commit,
        key=baseline.key,
        data_sha256=merged.data_sha256,
        examples=merged.examples,
        regression=tally(found.evaluation, Arm.CANDIDATE, "regression"),
        held_out=tally(found.evaluation, Arm.CANDIDATE, "held-out"),
        created=created,
        pull_request=merged.pull_request,
        outcomes=outcomes(found.evaluation, Arm.CANDIDATE),
    )
    return baseline, promotion


def _kept(arm: ArmEvaluation, name: Arm) -> ArmEvaluation:
    return replace(arm, arm=name, reused=False, regraded=False)


def _plain(recipe: Recipe) -> object:
    return msgspec.to_builtins(replace(recipe, reasons={}))
