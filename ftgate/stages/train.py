"""train: baseline from the merge base's data, candidate from the head's; a known key is reused."""

from collections.abc import Sequence

from msgspec.structs import replace

from ftgate.decide import recipe as recipes
from ftgate.decide.keys import training_key
from ftgate.ports import FoundBaseline, Ports, TrainingJob
from ftgate.report.run_card import cards, run_card
from ftgate.stages.asking import Asking, questions
from ftgate.stages.inputs import planned_settings, reserved, training_data
from ftgate.values.baseline import Baseline, Origin, Source
from ftgate.values.dataset import Example, dataset_digest
from ftgate.values.evaluation import Arm
from ftgate.values.preflight import Facts
from ftgate.values.run import Run
from ftgate.values.settings import Settings
from ftgate.values.tokens import TokenSurvey
from ftgate.values.training import BaseModel, Basis, Recipe, Training


def train(run: Run, ports: Ports) -> Run:
    """The run with recipe, baseline (None when the merge base has no examples) and candidate."""
    settings = planned_settings(ports, run.plan)
    kept = reserved(ports, run.plan.base, settings)
    base_model = ports.models.resolve(settings.base_model, settings.base_revision)
    trainer = ArmTrainer(ports, settings, base_model, kept.held_out)
    trainer.remember(run.preflight.facts if run.preflight else None)
    commits = {Arm.BASELINE: run.plan.merge_base, Arm.CANDIDATE: run.plan.head}
    home, trusted = run.plan.settings_path, run.plan.base
    data = {arm: training_data(ports, at, settings, home, trusted).examples for arm, at in commits.items()}
    asking = Asking(ports, settings, base_model, questions(ports, kept, settings))
    baseline, origin = trainer.baseline(run.plan.merge_base, data[Arm.BASELINE], asking)
    ports.progress.say(origin.said)
    if origin.problem:
        ports.progress.say(origin.problem)
    # The same data on both sides is the same training: what is known of the one is known of the other.
    known = baseline and baseline.failure is None and baseline.key == trainer.key(data[Arm.CANDIDATE])
    candidate = (
        replace(baseline, commit=run.plan.head, reused=True)
        if baseline and known
        else trainer.train(Arm.CANDIDATE, run.plan.head, data[Arm.CANDIDATE])
    )
    done = [training for training in (baseline, candidate) if training is not None]
    return replace(
        run,
        cost=replace(
            run.cost,
            trained_tokens=sum(training.trained_tokens for training in done if not training.reused),
            saved_seconds=sum(training.seconds for training in done if training.reused),
        ),
        recipe=candidate.recipe if candidate else None,
        baseline=baseline,
        candidate=candidate,
        origin=origin,
        provenance=replace(
            run.provenance,
            base_model=replace(base_model, location=""),
            held_out_sha256=dataset_digest(kept.held_out),
            versions=trainer.trainer.versions(),
        ),
    )


class ArmTrainer:
    """Everything that both arms share; only commit and examples differ."""

    def __init__(
        self, ports: Ports, settings: Settings, base_model: BaseModel, held_out: Sequence[Example]
    ) -> None:
        self._ports = ports
        self._settings = settings
        self._base_model = base_model
        self._held_out = tuple(held_out)
        self.trainer = ports.hosted(settings) or ports.trainer
        self._bases: dict[str, Basis] = {}
        self._surveys: dict[str, TokenSurvey] = {}

    def key(self, examples: Sequence[Example]) -> str:
        """Names the training of these examples."""
        return training_key(
            self._base_model,
            self.recipe(examples),
            dataset_digest(examples),
            dataset_digest(self._held_out),
            self.basis(examples),
            self.trainer.versions(),
        )

    def baseline(
        self, commit: str, examples: Sequence[Example], asking: Asking
    ) -> tuple[Training | None, Origin]:
        """The baseline and where it comes from: the store, else the data branch when its record holds all answers
        that this run asks for, else trained here."""
        if not examples:
            return None, Origin(source="none", said="no baseline: the base branch has no training data")
        key = self.key(examples)
        found = self._ports.baselines.find(key)
        known = self._ports.store.find_training(key)
        if known is not None:
            said = f"baseline: known ({key[:12]}), not trained again"
            return replace(known, reused=True, commit=commit), _origin("store", said, found)
        record = found.record
        if record is not None and asking.answered(record):
            said = f"baseline: promoted before ({key[:12]}), not trained again; its completions are on record"
            return replace(record.training, reused=True, commit=commit), _origin("data branch", said, found)
        said = f"{_why(found)}: trained one from the base branch ({len(examples)} examples)"
        return self.train(Arm.BASELINE, commit, examples), _origin("trained", said, found)

    def train(self, arm: Arm, commit: str, examples: Sequence[Example]) -> Training | None:
        """The training of these examples, from the store where it is known; None of nothing."""
        if not examples:
            return None
        key = self.key(examples)
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
                recipe=self.recipe(examples),
                examples=tuple(examples),
                held_out=self._held_out,
                workspace=workspace,
                launch=self._settings.training.launch,
                report_to=self._settings.training.report_to,
                tracker_options=self._settings.training.tracker_options,
            )
            self._ports.progress.say(
                f"{arm.value}: loading {self._base_model.name} to train on {len(examples)} examples"
            )
            trained = self.trainer.train(job, self._ports.progress)
            training = replace(
                trained,
                basis=self.basis(examples),
                data_sha256=dataset_digest(examples),
                versions=self.trainer.versions(),
            )
            if training.failure:
                return training
            return self._ports.store.keep_training(
                training, lambda kept: cards(run_card(kept, self._base_model))
            )

    def basis(self, examples: Sequence[Example]) -> Basis:
        """What the recipe is resolved from: every example is tokenised once."""
        named = dataset_digest(examples)
        if named not in self._bases:
            self._bases[named] = recipes.basis_of(self.survey(examples), self._memory())
        return self._bases[named]

    def survey(self, examples: Sequence[Example]) -> TokenSurvey:
        """What the examples are for the trainer; each dataset is tokenised once."""
        named = dataset_digest(examples)
        if named not in self._surveys:
            self._surveys[named] = self._ports.tokenizer.survey(self._base_model, examples)
        return self._surveys[named]

    def remember(self, facts: Facts | None) -> None:
        """Spares tokenising again what a preflight of this run saw with the same model, libraries and memory."""
        if (
            facts is not None
            and facts.base_model == replace(self._base_model, location="")
            and facts.basis.memory == self._memory()
            and facts.versions == self.trainer.versions()
        ):
            self._bases[facts.data_sha256] = facts.basis

    def _memory(self) -> int | None:
        declared = self._settings.training.memory_gib
        return self.trainer.memory() if declared is None else int(declared * 2**30)

    def recipe(self, examples: Sequence[Example]) -> Recipe:
        """How these examples are trained."""
        return recipes.resolve(self._settings.training, self._base_model, self.basis(examples))


def _why(found: FoundBaseline) -> str:
    if found.record is not None:
        return "the baseline on record answered other prompts or another engine, and its adapter is not here"
    return "the baseline on record cannot be used" if found.problem else "no baseline yet"


def _origin(source: Source, said: str, found: FoundBaseline) -> Origin:
    origin = Origin(source=source, said=said, problem=found.problem)
    record: Baseline | None = found.record
    if record is None:
        return origin
    return replace(
        origin,
        commit=record.commit,
        pull_request=record.pull_request,
        created=record.created,
        ftgate=record.ftgate,
    )
