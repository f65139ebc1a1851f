"""evaluate: base, baseline and candidate answer the same prompts; graders read every completion."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from ftgate.decide.comparison import reference_arm, suspects
from ftgate.decide.keys import ArmInputs, asked_key, evaluation_key, measure_key, prompts_digest
from ftgate.decide.past import LOOKED_BACK
from ftgate.decide.questions import asks_judge, training_sample
from ftgate.decide.serving import base_method, merged_form
from ftgate.errors import OutsideError
from ftgate.ports import CompletionJob, ExportJob, Ports, Sampling, Written
from ftgate.stages.asking import Asking, questions
from ftgate.stages.inputs import planned_settings, reserved, training_data
from ftgate.stages.judging import Bench
from ftgate.values.baseline import Baseline, History
from ftgate.values.evaluation import (
    Arm,
    ArmEvaluation,
    Completion,
    Evaluation,
    Item,
    KnownAlready,
    Outcome,
    Prompt,
)
from ftgate.values.judging import Judging
from ftgate.values.run import Run
from ftgate.values.settings import JudgeSettings, Settings
from ftgate.values.training import Training

_PROMOTIONS = 200
_ENGINE = ("engine", "host", "setup", "device", "dtype")
_KNOWN_ALREADY = "training"  # the base's answers to training examples, judged together with the arms


def evaluate(run: Run, ports: Ports) -> Run:
    """The run with its evaluation: one arm for the base and one per training that succeeded."""
    settings, plan = planned_settings(ports, run.plan), run.plan
    kept = reserved(ports, plan.base, settings)
    base_model = ports.models.resolve(settings.base_model, settings.base_revision)
    asking = Asking(ports, settings, base_model, questions(ports, kept, settings))
    bench = Bench(ports.judge(settings), settings.judge, ports.salt, ports.progress)
    record = ports.baselines.find(run.baseline.key).record if run.baseline else None
    evaluator = Evaluator(asking, bench, record)
    trainings = {Arm.BASE: None, Arm.BASELINE: run.baseline, Arm.CANDIDATE: run.candidate}
    arms = {
        arm.value: evaluator.evaluate(arm, training)
        for arm, training in trainings.items()
        if arm is Arm.BASE or (training is not None and training.failure is None)
    }
    examples = training_data(ports, plan.head, settings, plan.settings_path, plan.base).examples
    sample = training_sample(examples, kept.output_schema, settings)
    if sample:
        known_already = Evaluator(Asking(ports, settings, base_model, sample), bench)
        arms[_KNOWN_ALREADY] = known_already.evaluate(Arm.BASE, None)
    arms, judging = evaluator.judged(arms, sample)
    saved = sum(arm.seconds for arm in arms.values() if arm.reused)
    cost = replace(
        run.cost,
        saved_seconds=run.cost.saved_seconds + saved,
        judge_calls=judging.usage.calls if judging else 0,
    )
    return replace(
        run,
        cost=cost,
        baseline=_served(run.baseline, settings),
        candidate=_served(run.candidate, settings),
        evaluation=evaluator.confirmed(
            Evaluation(
                prompts=asking.prompts,
                arms={name: arm for name, arm in arms.items() if name != _KNOWN_ALREADY},
                measures=evaluator.measures(),
                judging=judging,
                known_already=_known_already(sample, arms, settings.judge),
            )
        ),
        history=recent(ports.baselines.ledger()),
        provenance=replace(
            run.provenance,
            prompts_sha256=prompts_digest(asking.prompts),
            judges=judging.judges if judging else (),
            generation={
                "max_new_tokens": settings.evaluation.max_new_tokens,
                "decoding": "greedy",
                **{name: asking.engine[name] for name in _ENGINE if name in asking.engine},
            },
        ),
    )


class Evaluator:
    """What all arms share: prompts, base, settings, judge, and the record of the baseline where there is one."""

    def __init__(self, asking: Asking, bench: Bench, record: Baseline | None = None) -> None:
        self._ports = asking.ports
        self._settings = asking.settings
        self._asking = asking
        self._prompts = asking.prompts
        self._record = record
        self._bench = bench

    def measures(self) -> dict[str, str]:
        """What the pass rates of each kind of prompt are measured with."""
        judge, identity = self._settings.judge, self._bench.identity(self._prompts)
        kinds = dict.fromkeys(prompt.kind for prompt in self._prompts)
        return {
            kind: measure_key([p for p in self._prompts if p.kind == kind], judge, identity) for kind in kinds
        }

    def known(self, arm: Arm, sha256: str | None) -> ArmEvaluation | None:
        """What is known of an arm: same weights, prompts, engine, graders and judge."""
        key = evaluation_key(self._inputs(sha256))
        kept = [arm for arm in self._record.arms if arm.key == key and _whole(arm)] if self._record else []
        known = self._ports.store.find_arm(key) or next(iter(kept), None)
        if known is None or [item.prompt for item in known.items] != [p.id for p in self._prompts]:
            return None
        asked = asked_key(self._inputs(sha256))
        return replace(known, arm=arm, reused=True, regraded=False, key=key, asked=asked)

    def evaluate(self, arm: Arm, training: Training | None) -> ArmEvaluation:
        """Known grades are taken; known completions are graded by this run's graders; the rest is asked.

        What a judge has to grade waits for `judged`.
        """
        sha256 = training.adapter_sha256 if training else None
        inputs = self._inputs(sha256)
        key, asked = evaluation_key(inputs), asked_key(inputs)
        known = self.known(arm, sha256)
        if known is not None:
            self._ports.progress.say(f"{arm.value}: completions known ({key[:12]}), not generated again")
            return known
        answered = self._answered(asked)
        if answered is not None:
            self._ports.progress.say(f"{arm.value}: completions known ({asked[:12]}), graded again")
            said = replace(answered, arm=arm, reused=True, regraded=True)
        else:
            said = self._asked(arm, training)
            self._ports.store.keep_arm(asked, said)
        return replace(
            said, items=self._graded(said.items), samples=self._graded(said.samples), key=key, asked=asked
        )

    def judged(
        self, arms: Mapping[str, ArmEvaluation], more: Sequence[Prompt] = ()
    ) -> tuple[dict[str, ArmEvaluation], Judging | None]:
        """The arms with the judge's grades, all asked at once. What is graded whole is kept, under that judge.

        `more` are prompts that not every arm was asked.
        """
        graded, judging = self._bench.settle(arms, (*self._prompts, *more))
        changed = judging is not None and judging.changed
        for name, arm in graded.items():
            if changed and name == _KNOWN_ALREADY:
                continue
            key = evaluation_key(self._inputs(arm.adapter_sha256)) if changed else arm.key
            graded[name] = replace(arm, key=key)
            if _whole(arm) and (changed or arm.regraded or not arm.reused):
                self._ports.store.keep_arm(key, replace(arm, key=key, reused=False, regraded=False))
        return graded, judging

    def confirmed(self, evaluation: Evaluation) -> Evaluation:
        """The evaluation with fresh votes on the suspects that a judge has a say in, as samples of both arms."""
        arms, reference = dict(evaluation.arms), reference_arm(evaluation)
        if Arm.CANDIDATE.value not in arms or not self._settings.evaluation.samples:
            return evaluation
        sides = {arm: evaluation.items(arm) for arm in (reference, Arm.CANDIDATE)}
        judged = {p.id: p for p in self._prompts if p.kind == "regression" and asks_judge(p)}
        open_ = [id for id in suspects(sides[reference], sides[Arm.CANDIDATE]) if id in judged]
        if not open_:
            return evaluation
        asked = [(arm, side[id]) for arm, side in sides.items() for id in open_]
        votes = self._bench.confirm_all([(judged[item.prompt], item.completion) for _, item in asked])
        for (arm, item), grades in zip(asked, votes, strict=True):
            samples = (*arms[arm.value].samples, replace(item, grades=grades))
            arms[arm.value] = replace(arms[arm.value], samples=samples)
        return replace(evaluation, arms=arms)

    def _answered(self, asked: str) -> ArmEvaluation | None:
        """Completions of these very questions by the same weights and engine, whoever graded them."""
        kept = [arm for arm in self._record.arms if arm.asked == asked] if self._record else []
        found = self._ports.store.find_arm(asked) or next(iter(kept), None)
        whole = found is not None and [i.prompt for i in found.items] == [p.id for p in self._prompts]
        return found if whole else None

    def _asked(self, arm: Arm, training: Training | None) -> ArmEvaluation:
        started = self._ports.clock.seconds()
        adapter = self._adapter(arm, training) if training else None
        exported = self._exported(arm, training, adapter) if training and adapter else None
        job = self._job(f"asking {arm.value}", adapter, exported, self._prompts)
        items = _items(self._prompts, self._asking.completer.complete(job, self._ports.progress))
        evaluation = ArmEvaluation(
            arm=arm,
            adapter_sha256=training.adapter_sha256 if training else None,
            items=items,
            samples=self._samples(arm, adapter, exported),
            sentinel=self._asking.completer.sentinel(job) if training else None,
            seconds=round(self._ports.clock.seconds() - started, 1),
            exported=exported.exported if exported else None,
        )
        if exported:
            # A whole model for each arm would fill any disk; what was asked of it is kept.
            self._ports.exporter.discard(exported)
        return evaluation

    def _exported(self, arm: Arm, training: Training, adapter: Path) -> Written | None:
        """The merged form, where the settings serve one: what is asked is what will be served."""
        form = merged_form(self._settings)
        if form is None:
            return None
        self._ports.progress.say(f"{arm.value}: exporting {form}, to ask what will be served")
        job = ExportJob(
            base_model=self._asking.base_model,
            training=training,
            artefact=adapter,
            form=form,
            prompts=self._prompts,
            minimum=self._settings.training.export.min_agreement,
            keep_all=True,
        )
        return self._ports.exporter.export(job, self._ports.progress)

    def _samples(self, arm: Arm, adapter: Path | None, exported: Written | None) -> tuple[Item, ...]:
        """Fresh answers of a trained arm to the regression prompts: which are stable is a property of the arm."""
        prompts = self._asking.sampled if adapter else ()
        if not prompts:
            return ()
        drawing = Sampling(
            temperature=self._settings.evaluation.temperature, seed=self._settings.training.seed
        )
        job = replace(self._job(f"asking {arm.value} again", adapter, exported, prompts), sampling=drawing)
        return _items(prompts, self._asking.completer.complete(job, self._ports.progress))

    def _adapter(self, arm: Arm, training: Training) -> Path:
        """A training that was taken from the data branch has its adapter nowhere."""
        stored = self._ports.store.find_training(training.key)
        if stored is None or stored.adapter_sha256 != training.adapter_sha256:
            raise OutsideError(
                f"the adapter of the {arm.value} ({training.key[:12]}) is not in this store",
                advice="Run `ftgate train --out DIR` on this machine, with this store, and then evaluate again.",
            )
        return self._ports.store.adapter(stored)

    def _graded(self, items: Sequence[Item]) -> tuple[Item, ...]:
        prompts = {prompt.id: prompt for prompt in self._prompts}
        return tuple(
            replace(item, grades=self._bench.grade(prompts[item.prompt], item.completion)) for item in items
        )

    def _inputs(self, sha256: str | None) -> ArmInputs:
        return replace(
            self._asking.inputs(sha256),
            judge=self._settings.judge,
            judge_identity=self._bench.identity(self._prompts),
        )

    def _job(
        self, label: str, adapter: Path | None, exported: Written | None, prompts: tuple[Prompt, ...]
    ) -> CompletionJob:
        return CompletionJob(
            label=label,
            base_model=self._asking.base_model,
            method=base_method(self._settings),
            adapter=adapter,
            merged=exported.folder if exported else None,
            prompts=prompts,
            max_new_tokens=self._settings.evaluation.max_new_tokens,
            batch_size=self._settings.evaluation.batch_size,
        )


def _items(prompts: Sequence[Prompt], completions: Sequence[Completion]) -> tuple[Item, ...]:
    """Completions alone: whoever finds them grades them."""
    return tuple(
        Item(prompt=p.id, completion=c, grades=()) for p, c in zip(prompts, completions, strict=True)
    )


def _served(training: Training | None, settings: Settings) -> Training | None:
    """The training with the form that is served, and was asked."""
    form = merged_form(settings)
    return replace(training, form=form) if training and form else training


def _known_already(
    sample: Sequence[Prompt], arms: Mapping[str, ArmEvaluation], judge: JudgeSettings | None
) -> KnownAlready | None:
    if not sample:
        return None
    # A grader that is no judge is right by definition: its errors are those of the expectation.
    errors = judge.errors if judge and all(map(asks_judge, sample)) else None
    rates = (errors.true_pass, errors.false_pass) if errors else None
    return KnownAlready(prompts=tuple(sample), items=arms[_KNOWN_ALREADY].items, errors=rates)


def recent(history: History) -> History:
    """So many promotions as a comment can tell of; run.json need not hold a ledger of years, nor of every prompt."""
    kept, told = history.promotions[-_PROMOTIONS:], history.promotions[-LOOKED_BACK:]
    older = [replace(promotion, outcomes={}) for promotion in kept[: len(kept) - len(told)]]
    return replace(history, promotions=(*older, *told))


def _whole(arm: ArmEvaluation) -> bool:
    """Whether every item has grades, and none is open: what is not graded is asked again."""
    return all(
        item.grades and all(g.outcome is not Outcome.UNGRADED for g in item.grades) for item in arm.items
    )
