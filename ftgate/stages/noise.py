"""noise: the gate put to the test. The same data trained with many seeds, and data that is known to be worse.

Trainings and answers are kept in the store like any other: a measurement that was interrupted goes on, and one more
seed costs one more training.
"""

from collections.abc import Sequence
from itertools import permutations, product

from msgspec import Struct
from msgspec.structs import replace

from ftgate import __version__
from ftgate.decide.noise import Trained, level
from ftgate.errors import InputError, SettingsError
from ftgate.ports import Ports
from ftgate.stages.asking import Asking, questions
from ftgate.stages.evaluate import Evaluator
from ftgate.stages.inputs import Reserved, reserved, settings_at, training_data
from ftgate.stages.judging import Bench
from ftgate.stages.train import ArmTrainer
from ftgate.values.evaluation import Arm, ArmEvaluation
from ftgate.values.noise import Noise
from ftgate.values.run import Plan, Provenance, Run
from ftgate.values.settings import Settings
from ftgate.values.training import BaseModel


class Measurement(Struct, frozen=True, kw_only=True):
    """What to measure: `base` against itself with every pair of `seeds`, and `against` with the first few of them."""

    base: str
    against: tuple[str, ...] = ()
    seeds: tuple[int, ...] = tuple(range(1, 21))
    against_seeds: tuple[int, ...] = tuple(range(1, 6))
    settings_path: str = "ftgate.yaml"


def noise(asked: Measurement, ports: Ports) -> Noise:
    """False alarms between seeds of the base revision, detections of the others. Settings are the base revision's.

    Raises SettingsError without settings, InputError when there are fewer than two seeds or a training fails.
    """
    if len(set(asked.seeds)) < 2:
        raise InputError("noise between seeds needs at least two of them", advice="Ask for --seeds 20.")
    base = ports.repository.commit(asked.base)
    found = settings_at(ports, base, asked.settings_path)
    if found is None:
        raise SettingsError(f"no {asked.settings_path} at {base[:12]}", advice="Name it with --settings.")
    desk = _Desk(ports, found[0], asked.settings_path, base)
    frame = Run(
        plan=desk.plan(found[1]), provenance=Provenance(ftgate=__version__, created=ports.clock.now())
    )
    same = desk.trained(asked.base, asked.seeds)
    untuned = desk.untuned()

    return Noise(
        base=asked.base,
        seeds=asked.seeds,
        same=level(asked.base, frame, desk.asking.prompts, untuned, permutations(same, 2)),
        others=tuple(
            level(
                revision,
                frame,
                desk.asking.prompts,
                untuned,
                product(same, desk.trained(revision, asked.against_seeds)),
            )
            for revision in asked.against
        ),
    )


class _Desk:
    """Everything that all trainings of a measurement share; only revision and seed differ."""

    def __init__(self, ports: Ports, settings: Settings, settings_path: str, base: str) -> None:
        self._ports = ports
        self._settings = settings
        self._home = settings_path
        self._base = base
        self._kept: Reserved = reserved(ports, base, settings)
        self._model: BaseModel = ports.models.resolve(settings.base_model, settings.base_revision)
        self.asking = Asking(ports, settings, self._model, questions(ports, self._kept, settings))
        bench = Bench(ports.judge(settings), settings.judge, ports.salt, ports.progress)
        self._evaluator = Evaluator(self.asking, bench)

    def plan(self, sha256: str) -> Plan:
        """A plan that concerns the gate, of the base revision against itself."""
        return Plan(
            base=self._base,
            head=self._base,
            merge_base=self._base,
            settings_path=self._home,
            settings_sha256=sha256,
            applicable=True,
            why="measuring noise",
            changed=(),
            protected=(),
            policy=self._settings.policy,
            behavior=self._settings.behavior,
        )

    def untuned(self) -> ArmEvaluation:
        """What the base says."""
        arms, _ = self._evaluator.judged({"base": self._evaluator.evaluate(Arm.BASE, None)})
        return arms["base"]

    def trained(self, revision: str, seeds: Sequence[int]) -> list[Trained]:
        """The data of a revision, trained with every seed and asked."""
        commit = self._ports.repository.commit(revision)
        examples = training_data(self._ports, commit, self._settings, self._home, self._base).examples
        done = []
        for seed in seeds:
            seeded = replace(self._settings, training=replace(self._settings.training, seed=seed))
            trainer = ArmTrainer(self._ports, seeded, self._model, self._kept.held_out)
            self._ports.progress.say(f"{revision}, seed {seed}")
            training = trainer.train(Arm.CANDIDATE, commit, examples)
            if training is None or training.failure is not None:
                why = training.failure if training else "it has no training data"
                raise InputError(f"{revision} with seed {seed} could not be trained: {why}")
            arms, _ = self._evaluator.judged({"arm": self._evaluator.evaluate(Arm.CANDIDATE, training)})
            done.append(Trained(training=training, arm=arms["arm"]))
        return done
