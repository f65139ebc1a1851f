"""train: baseline from the merge base's data, candidate from the head's; a known key is reused."""

from collections.abc import Sequence

from msgspec.structs import replace

from ftgate.decide import recipe as recipes
from ftgate.decide.keys import training_key
from ftgate.ports import Ports, TrainingJob
from ftgate.stages.inputs import planned_settings, reserved, training_data
from ftgate.values.dataset import Example, dataset_digest
from ftgate.values.evaluation import Arm
from ftgate.values.run import Run
from ftgate.values.settings import Settings
from ftgate.values.training import BaseModel, Training


def train(run: Run, ports: Ports) -> Run:
    """The run with recipe, baseline (None when the merge base has no examples) and candidate."""
    settings = planned_settings(ports, run.plan)
    held_out = reserved(ports, run.plan.merge_base, settings).held_out
    base_model = ports.models.resolve(settings.base_model, settings.base_revision)
    trainer = _ArmTrainer(ports, settings, base_model, held_out)
    trainings: dict[Arm, Training | None] = {}
    for arm, commit in ((Arm.BASELINE, run.plan.merge_base), (Arm.CANDIDATE, run.plan.head)):
        examples = training_data(
            ports, commit, settings, run.plan.settings_path, run.plan.merge_base
        ).examples
        trainings[arm] = trainer.train(arm, commit, examples)
    candidate = trainings[Arm.CANDIDATE]
    done = [training for training in trainings.values() if training is not None]
    return replace(
        run,
        cost=replace(
            run.cost,
            trained_tokens=sum(training.trained_tokens for training in done if not training.reused),
            saved_seconds=sum(training.seconds for training in done if training.reused),
        ),
        recipe=candidate.recipe if candidate else None,
        baseline=trainings[Arm.BASELINE],
        candidate=candidate,
        provenance=replace(
            run.provenance,
            base_model=replace(base_model, location=""),
            held_out_sha256=dataset_digest(held_out),
            versions=ports.trainer.versions(),
        ),
    )


class _ArmTrainer:
    """Everything that both arms share; only commit and examples differ."""

    def __init__(
        self, ports: Ports, settings: Settings, base_model: BaseModel, held_out: Sequence[Example]
    ) -> None:
        self._ports = ports
        self._settings = settings
        self._base_model = base_model
        self._held_out = tuple(held_out)

    def train(self, arm: Arm, commit: str, examples: Sequence[Example]) -> Training | None:
        if not examples:
            return None
        recipe = recipes.resolve(self._settings.training, self._base_model, len(examples))
        data_sha256 = dataset_digest(examples)
        key = training_key(
            self._base_model,
            recipe,
            data_sha256,
            dataset_digest(self._held_out),
            self._ports.trainer.versions(),
        )
        with self._ports.store.claim(key) as workspace:
            known = self._ports.store.find_training(key)
            if known is not None:
                self._ports.progress.say(f"{arm.value}: known ({key[:12]}), not trained again")
                return replace(known, reused=True, commit=commit)
            job = TrainingJob(
                label=f"training {arm.value}",
                key=key,
                commit=commit,
                base_model=self._base_model,
                recipe=recipe,
                examples=tuple(examples),
                held_out=self._held_out,
                workspace=workspace,
            )
            self._ports.progress.say(
                f"{arm.value}: loading {self._base_model.name} to train on {len(examples)} examples"
            )
            trained = self._ports.trainer.train(job, self._ports.progress)
            training = replace(trained, data_sha256=data_sha256, versions=self._ports.trainer.versions())
            return training if training.failure else self._ports.store.keep_training(training)
