"""The gate judged: pairs of trainings that differ in nothing but the seed, and pairs that differ in their data.

Every pair goes through the same `decide` as a pull request. Where both sides were trained on the same data, a block is
a false alarm; where the candidate's data is known to be worse, a pass is a miss.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ftgate.decide.gate import decide
from ftgate.values.evaluation import Arm, ArmEvaluation, Evaluation, Prompt
from ftgate.values.noise import Level
from ftgate.values.run import Run, VerdictOutcome
from ftgate.values.training import Training


class Trained(Struct, frozen=True, kw_only=True):
    """A training with what its adapter said. Fresh samples of every regression prompt are in the arm."""

    training: Training
    arm: ArmEvaluation


def level(
    name: str,
    frame: Run,
    prompts: Sequence[Prompt],
    base: ArmEvaluation,
    pairs: Iterable[tuple[Trained, Trained]],
) -> Level:
    """Verdicts of pairs (baseline, candidate). `frame` is a run with plan and policy, and nothing evaluated yet."""
    outcomes: Counter[VerdictOutcome] = Counter()
    reasons: Counter[str] = Counter()
    candidates = set()
    for baseline, candidate in pairs:
        candidates.add(candidate.training.key)
        verdict = decide(_run(frame, prompts, base, baseline, candidate))
        outcomes[verdict.outcome] += 1
        reasons.update({_rule(r.id) for r in verdict.reasons if r.decides is not VerdictOutcome.PASS})
    total, passed = outcomes.total(), outcomes[VerdictOutcome.PASS]
    return Level(
        name=name,
        candidates=len(candidates),
        pairs=total,
        failed=outcomes[VerdictOutcome.FAIL],
        blocked=total - passed,
        by_reason=dict(sorted(reasons.items(), key=lambda each: (-each[1], each[0]))),
    )


def _rule(reason: str) -> str:
    """The rule behind a reason: slices and arms that a rule names are counted together."""
    return ".".join(reason.split(".")[:2])


def _run(
    frame: Run, prompts: Sequence[Prompt], base: ArmEvaluation, baseline: Trained, candidate: Trained
) -> Run:
    arms = {
        Arm.BASE.value: base,
        Arm.BASELINE.value: replace(baseline.arm, arm=Arm.BASELINE),
        Arm.CANDIDATE.value: replace(candidate.arm, arm=Arm.CANDIDATE),
    }
    return replace(
        frame,
        stages=("plan", "validate", "train", "evaluate"),
        baseline=baseline.training,
        candidate=candidate.training,
        evaluation=Evaluation(prompts=tuple(prompts), arms=arms),
    )
