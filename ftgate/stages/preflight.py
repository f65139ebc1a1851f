"""preflight: what the training would be, from tokens alone. No weights are loaded, and no GPU is needed."""

from msgspec.structs import replace

from ftgate.decide.preflight import counted, readiness
from ftgate.decide.preflight_rulings import outcome
from ftgate.ports import Ports
from ftgate.report.preflight import in_short
from ftgate.stages.inputs import planned_settings, reserved, training_data
from ftgate.stages.train import ArmTrainer
from ftgate.values.dataset import Example, dataset_digest
from ftgate.values.preflight import Facts
from ftgate.values.run import Run, VerdictOutcome
from ftgate.values.settings import Settings
from ftgate.values.training import BaseModel, Training

_BUNDLED = "bundled:"
_HOSTED = "hosted:"


def preflight(run: Run, ports: Ports) -> Run:
    """The run with its preflight; without one where the head has no examples, which train says then.

    Raises SettingsError where the settings contradict data or model, OutsideError where the tokenizer cannot be loaded.
    """
    settings, plan = planned_settings(ports, run.plan), run.plan
    kept = reserved(ports, plan.base, settings)
    after, before = (
        training_data(ports, commit, settings, plan.settings_path, plan.base).examples
        for commit in (plan.head, plan.merge_base)
    )
    if not after:
        return run
    base_model = ports.models.resolve(settings.base_model, settings.base_revision)
    trainer = ArmTrainer(ports, settings, base_model, kept.held_out)
    facts = _facts(run, ports, settings, base_model, trainer, after)
    last = _last(ports, trainer, before)
    facts = replace(facts, held_out=len(kept.held_out), **_measured(facts, last))
    survey, recipe = trainer.survey(after), trainer.recipe(after)
    ready = readiness(counted(facts, survey, after, recipe.max_length), settings.training)
    done = replace(run, preflight=ready, recipe=ready.recipe)
    ports.progress.say(f"preflight: {in_short(ready)}")
    if (said := outcome(done)) is not VerdictOutcome.PASS:
        ports.progress.say(f"preflight: {said.value}, so nothing is trained")
    elif ports.store.find_training(trainer.key(after)) is not None:
        ports.progress.say("preflight: this training is known, and is not done again")
    elif before and last is None:
        ports.progress.say("preflight: the baseline is not known yet, and takes about as long again")
    return done


def _facts(
    run: Run,
    ports: Ports,
    settings: Settings,
    base_model: BaseModel,
    trainer: ArmTrainer,
    examples: tuple[Example, ...],
) -> Facts:
    """All but what is counted and measured."""
    hosted = settings.base_model.startswith(_HOSTED)
    template, promoted = promoted_template(ports)
    return Facts(
        commit=run.plan.head,
        data_sha256=dataset_digest(examples),
        base_model=replace(base_model, location=""),
        basis=trainer.basis(examples),
        tokens=0,
        trained=0,
        template_before=template,
        template_of=promoted,
        pinned=pinned(settings),
        hosted=hosted,
        hardware="" if hosted else ports.hardware(),
        versions=trainer.trainer.versions(),
        day=ports.clock.now()[:10],
    )


def pinned(settings: Settings) -> bool:
    """Whether somebody chose the revision: the settings, this ftgate for a bundled model, or a service."""
    return settings.base_revision is not None or settings.base_model.startswith((_BUNDLED, _HOSTED))


def promoted_template(ports: Ports) -> tuple[str, str]:
    """Digest of the template that the baseline promoted last was trained with, and which it was."""
    for promotion in reversed(ports.baselines.ledger().promotions[-1:]):
        record = ports.baselines.find(promotion.key).record
        if record is not None and record.training.basis is not None and record.training.basis.template:
            return record.training.basis.template, f"promoted from {promotion.commit[:12]}"
    return "", ""


def _last(ports: Ports, trainer: ArmTrainer, before: tuple[Example, ...]) -> Training | None:
    """The training of the baseline, where it is known: the best measure of what the candidate's takes."""
    if not before:
        return None
    key = trainer.key(before)
    record = ports.baselines.find(key).record
    return ports.store.find_training(key) or (record.training if record else None)


def _measured(facts: Facts, last: Training | None) -> dict[str, object]:
    """Tokens a second of an earlier training, where it ran on the same hardware."""
    if facts.hosted or last is None or last.failure or last.seconds <= 0 or last.tokens <= 0:
        return {}
    if last.hardware and facts.hardware and last.hardware != facts.hardware:
        return {}
    return {"measured": last.tokens / last.seconds, "measured_by": "the training of the baseline"}
