"""evaluate: base, baseline and candidate answer the same prompts; graders read every completion."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ftgate import __version__
from ftgate.decide.keys import ArmInputs, evaluation_key, prompts_digest
from ftgate.graders import grade
from ftgate.ports import CompletionJob, Judge, Ports
from ftgate.stages.inputs import Reserved, planned_settings, reserved
from ftgate.values.dataset import Example
from ftgate.values.evaluation import Arm, ArmEvaluation, Completion, Evaluation, Grade, Item, Outcome, Prompt
from ftgate.values.run import Run
from ftgate.values.settings import Settings
from ftgate.values.training import BaseModel, Training


def evaluate(run: Run, ports: Ports) -> Run:
    """The run with its evaluation: one arm for the base and one per training that succeeded."""
    settings = planned_settings(ports, run.plan)
    kept = reserved(ports, run.plan.merge_base, settings)
    prompts = questions(kept)
    base_model = ports.models.resolve(settings.base_model, settings.base_revision)
    evaluator = _Evaluator(ports, settings, base_model, prompts)
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
        evaluation=Evaluation(prompts=prompts, arms=arms),
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


class _Evaluator:
    """What all arms share: prompts, base, settings, judge."""

    def __init__(
        self, ports: Ports, settings: Settings, base_model: BaseModel, prompts: Sequence[Prompt]
    ) -> None:
        self._ports = ports
        self._settings = settings
        self._base_model = base_model
        self._prompts = tuple(prompts)
        self._judge: Judge | None = ports.judge(settings)

    def evaluate(self, arm: Arm, training: Training | None) -> ArmEvaluation:
        """A known key answers from the store: same weights, same prompts, same graders, same engine."""
        sha256 = training.adapter_sha256 if training else None
        key = self._key(sha256)
        known = self._ports.store.find_arm(key)
        if known is not None:
            self._ports.progress.say(f"{arm.value}: completions known ({key[:12]}), not generated again")
            return replace(known, arm=arm, reused=True)
        started = self._ports.clock.seconds()
        job = self._job(arm, self._ports.store.adapter(training) if training else None)
        completions = self._ports.completer.complete(job, self._ports.progress)
        evaluated = ArmEvaluation(
            arm=arm,
            adapter_sha256=sha256,
            items=tuple(
                Item(prompt=p.id, completion=c, grades=self._grade(p, c))
                for p, c in zip(self._prompts, completions, strict=True)
            ),
            sentinel=self._ports.completer.sentinel(job) if training else None,
            seconds=round(self._ports.clock.seconds() - started, 1),
        )
        if not any(g.outcome is Outcome.UNGRADED for item in evaluated.items for g in item.grades):
            self._ports.store.keep_arm(key, evaluated)
        return evaluated

    def _grade(self, prompt: Prompt, completion: Completion) -> tuple[Grade, ...]:
        if self._judge is None or self._settings.judge is None:
            return grade(prompt, completion)
        pass_score = self._settings.judge.pass_score
        return grade(prompt, completion, self._judge.ask, salt=self._ports.salt, pass_score=pass_score)

    def _key(self, sha256: str | None) -> str:
        return evaluation_key(
            ArmInputs(
                base_model=self._base_model,
                method=self._settings.training.method,
                adapter_sha256=sha256,
                prompts=self._prompts,
                generation=self._settings.evaluation,
                versions={"ftgate": __version__, **self._ports.completer.versions()},
                judge=self._settings.judge,
                judge_identity=self._judge.identity if self._judge else "",
            )
        )

    def _job(self, arm: Arm, adapter: Path | None) -> CompletionJob:
        return CompletionJob(
            label=f"asking {arm.value}",
            base_model=self._base_model,
            method=self._settings.training.method,
            adapter=adapter,
            prompts=self._prompts,
            max_new_tokens=self._settings.evaluation.max_new_tokens,
            batch_size=self._settings.evaluation.batch_size,
        )
