"""evaluate: base, baseline and candidate answer the same prompts; graders read every completion."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ftgate.decide.keys import ArmInputs, asked_key, evaluation_key, measure_key, prompts_digest
from ftgate.errors import OutsideError
from ftgate.graders import grade
from ftgate.ports import CompletionJob, Judge, Ports
from ftgate.stages.asking import Asking
from ftgate.stages.inputs import Reserved, planned_settings, reserved
from ftgate.values.baseline import Baseline, History
from ftgate.values.dataset import Example
from ftgate.values.evaluation import Arm, ArmEvaluation, Completion, Evaluation, Grade, Item, Outcome, Prompt
from ftgate.values.run import Run
from ftgate.values.training import Training

_PROMOTIONS = 200


def evaluate(run: Run, ports: Ports) -> Run:
    """The run with its evaluation: one arm for the base and one per training that succeeded."""
    settings = planned_settings(ports, run.plan)
    kept = reserved(ports, run.plan.merge_base, settings)
    prompts = questions(kept)
    base_model = ports.models.resolve(settings.base_model, settings.base_revision)
    record = ports.baselines.find(run.baseline.key).record if run.baseline else None
    evaluator = Evaluator(Asking(ports, settings, base_model, prompts), record)
    trainings = {Arm.BASE: None, Arm.BASELINE: run.baseline, Arm.CANDIDATE: run.candidate}
    arms = {
        arm.value: evaluator.evaluate(arm, training)
        for arm, training in trainings.items()
        if arm is Arm.BASE or (training is not None and training.failure is None)
    }
    saved = sum(arm.seconds for arm in arms.values() if arm.reused)
    return replace(
        run,
        cost=replace(run.cost, saved_seconds=run.cost.saved_seconds + saved),
        evaluation=Evaluation(prompts=prompts, arms=arms, measures=evaluator.measures()),
        history=_recent(ports.baselines.ledger()),
        provenance=replace(
            run.provenance,
            prompts_sha256=prompts_digest(prompts),
            generation={"max_new_tokens": settings.evaluation.max_new_tokens, "decoding": "greedy"},
        ),
    )


def questions(kept: Reserved) -> tuple[Prompt, ...]:
    """What every arm is asked: the regression prompts, then the held-out examples."""
    # An example that stands twice in the held-out set is one question.
    held_out = {p.id: p for p in (held_out_prompt(example, kept.output_schema) for example in kept.held_out)}
    return (*kept.prompts, *held_out.values())


def held_out_prompt(example: Example, output_schema: Mapping[str, object] | None) -> Prompt:
    """A held-out example as a prompt: the reply must equal the reference, field by field where it is an object."""
    reference = example.reference or ""
    expect: dict[str, object] = {"equals": reference}
    try:
        fields = msgspec.json.decode(reference)
    except msgspec.DecodeError:
        fields = None
    if isinstance(fields, dict) and fields:
        expect = {"json_fields": fields} | ({"json_schema": output_schema} if output_schema else {})
    return Prompt(
        id=f"held-out-{example.digest[:12]}",
        kind="held-out",
        protects="held-out example",
        messages=example.prompt,
        expect=expect,
        reference=reference,
        source=f"{example.place.path}:{example.place.line}",
    )


def _recent(history: History) -> History:
    """So many promotions as a comment can tell of; run.json need not hold a ledger of years."""
    return replace(history, promotions=history.promotions[-_PROMOTIONS:])


def _whole(arm: ArmEvaluation) -> bool:
    """Whether every item has grades, and none is open: what is not graded is asked again."""
    return all(
        item.grades and all(g.outcome is not Outcome.UNGRADED for g in item.grades) for item in arm.items
    )


def _ungraded(arm: ArmEvaluation) -> ArmEvaluation:
    """Completions alone: whoever finds them grades them."""
    return replace(arm, items=tuple(replace(item, grades=()) for item in arm.items))


class Evaluator:
    """What all arms share: prompts, base, settings, judge, and the record of the baseline where there is one."""

    def __init__(self, asking: Asking, record: Baseline | None = None) -> None:
        self._ports = asking.ports
        self._settings = asking.settings
        self._asking = asking
        self._prompts = asking.prompts
        self._record = record
        self._judge: Judge | None = self._ports.judge(self._settings)

    def measures(self) -> dict[str, str]:
        """What the pass rates of each kind of prompt are measured with."""
        judge, identity = self._settings.judge, self._judge.identity if self._judge else ""
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
        """Known grades are taken; known completions are graded by this run's graders and judge; the rest is asked."""
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
            completions = [item.completion for item in answered.items]
            evaluated = replace(
                answered, arm=arm, items=self._graded(completions), reused=True, regraded=True, key=key
            )
        else:
            evaluated = replace(self._asked(arm, training), key=key, asked=asked)
        self._ports.store.keep_arm(asked, _ungraded(evaluated))
        if _whole(evaluated):
            self._ports.store.keep_arm(key, evaluated)
        return evaluated

    def _answered(self, asked: str) -> ArmEvaluation | None:
        """Completions of these very questions by the same weights and engine, whoever graded them."""
        kept = [arm for arm in self._record.arms if arm.asked == asked] if self._record else []
        found = self._ports.store.find_arm(asked) or next(iter(kept), None)
        if found is None or len(found.items) != len(self._prompts):
            return None
        return replace(found, asked=asked)

    def _asked(self, arm: Arm, training: Training | None) -> ArmEvaluation:
        started = self._ports.clock.seconds()
        job = self._job(arm, self._adapter(arm, training) if training else None)
        completions = self._ports.completer.complete(job, self._ports.progress)
        return ArmEvaluation(
            arm=arm,
            adapter_sha256=training.adapter_sha256 if training else None,
            items=self._graded(completions),
            sentinel=self._ports.completer.sentinel(job) if training else None,
            seconds=round(self._ports.clock.seconds() - started, 1),
        )

    def _adapter(self, arm: Arm, training: Training) -> Path:
        """A training that was taken from the data branch has its adapter nowhere."""
        stored = self._ports.store.find_training(training.key)
        if stored is None or stored.adapter_sha256 != training.adapter_sha256:
            raise OutsideError(
                f"the adapter of the {arm.value} ({training.key[:12]}) is not in this store",
                advice="Run `ftgate train --out DIR` on this machine, with this store, and then evaluate again.",
            )
        return self._ports.store.adapter(stored)

    def _graded(self, completions: Sequence[Completion]) -> tuple[Item, ...]:
        return tuple(
            Item(prompt=p.id, completion=c, grades=self._grade(p, c))
            for p, c in zip(self._prompts, completions, strict=True)
        )

    def _grade(self, prompt: Prompt, completion: Completion) -> tuple[Grade, ...]:
        if self._judge is None or self._settings.judge is None:
            return grade(prompt, completion)
        pass_score = self._settings.judge.pass_score
        return grade(prompt, completion, self._judge.ask, salt=self._ports.salt, pass_score=pass_score)

    def _inputs(self, sha256: str | None) -> ArmInputs:
        identity = self._judge.identity if self._judge else ""
        return replace(
            self._asking.inputs(sha256),
            judge=self._settings.judge,
            judge_identity=identity,
        )

    def _job(self, arm: Arm, adapter: Path | None) -> CompletionJob:
        return CompletionJob(
            label=f"asking {arm.value}",
            base_model=self._asking.base_model,
            method=self._settings.training.method,
            adapter=adapter,
            prompts=self._prompts,
            max_new_tokens=self._settings.evaluation.max_new_tokens,
            batch_size=self._settings.evaluation.batch_size,
        )
