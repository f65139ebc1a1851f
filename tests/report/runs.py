"""Runs of every kind, from the story of the bank's triage model."""

from msgspec.structs import replace

from ftgate.decide.drift import drifts, remembered
from ftgate.decide.gate import decide
from ftgate.decide.preflight import readiness
from ftgate.decide.slices import slices
from ftgate.values.baseline import Origin
from ftgate.values.evaluation import (
    Arm,
    Evaluation,
    Forgetting,
    Headroom,
    Item,
    Mean,
    Past,
    Power,
    ScoreChange,
)
from ftgate.values.finding import Severity
from ftgate.values.preflight import LeftOut
from ftgate.values.run import (
    Cost,
    DataDiff,
    Protected,
    Rate,
    Reason,
    Run,
    Verdict,
    VerdictOutcome,
)
from ftgate.values.spot_check import SpotCheck, Tally
from ftgate.values.training_settings import Prices
from tests.report.parts import (
    FACTS,
    ORIGIN,
    PLAN,
    PROVENANCE,
    READY,
    RECIPE,
    TRAINING,
    added,
    changed,
    curve,
    file,
    findings,
    history,
    trained,
)
from tests.report.story import DATA, MORE, compared, evaluated, right, slightly_worse, swapped

REUSED = Reason(
    id="reused",
    severity=Severity.NOTICE,
    text="known from an earlier run and not done again: training of the baseline, completions of the base",
)


def failing(id: str, text: str) -> Reason:
    return Reason(id=id, severity=Severity.ERROR, text=text, decides=VerdictOutcome.FAIL)


def not_applicable() -> Run:
    why = "no training data changed (data/train/*.jsonl)"
    reason = Reason(
        id="plan.not-applicable", severity=Severity.NOTICE, text=why, decides=VerdictOutcome.NOT_APPLICABLE
    )
    return Run(
        stages=("plan", "decide"),
        plan=replace(PLAN, applicable=False, why=why, changed=()),
        verdict=Verdict(outcome=VerdictOutcome.NOT_APPLICABLE, decided_by="plan", reasons=(reason,)),
        cost=Cost(seconds={"plan": 0.14}),
        provenance=replace(
            PROVENANCE, base_model=None, held_out_sha256="", prompts_sha256="", versions={}, generation={}
        ),
    )


def blocked() -> Run:
    reasons = (
        failing("findings.output", f"output: 5 errors, first at {MORE}:1: {findings()[0].message}"),
        failing(
            "findings.contradiction", f"contradiction: 1 error, first at {MORE}:9: {findings()[5].message}"
        ),
        failing(
            "findings.contamination", f"contamination: 1 error, first at {MORE}:14: {findings()[6].message}"
        ),
        Reason(id="findings.warnings", severity=Severity.WARNING, text="1 warning: mixing 1"),
    )
    return Run(
        stages=("plan", "validate", "decide"),
        plan=replace(PLAN, changed=(MORE,), why=f"1 training file changed: {MORE}"),
        files=(file(DATA, 700), file(MORE, 15)),
        findings=findings(),
        diff=added(15),
        verdict=Verdict(outcome=VerdictOutcome.FAIL, decided_by="validate", reasons=reasons),
        cost=Cost(seconds={"plan": 0.14, "validate": 0.61}),
        provenance=replace(PROVENANCE, base_model=None, versions={}, generation={}),
    )


def standing() -> Run:
    """Most of what is wrong stood on the base branch before this pull request."""
    run = blocked()
    old = [replace(f, existing=True) for f in findings()[:5]]
    demoted = [replace(f, severity=Severity.WARNING) for f in old]
    warned = "6 warnings about what is on the base branch already: output 5, mixing 1"
    reasons = (
        failing(
            "findings.contradiction", f"contradiction: 1 error, first at {MORE}:9: {findings()[5].message}"
        ),
        Reason(id="findings.existing", severity=Severity.WARNING, text=warned),
    )
    return replace(
        run,
        findings=(*demoted, findings()[5], replace(findings()[-1], existing=True)),
        rates=(rate("output", 12, 5, 0), rate("contradiction", 0, 1, 1), rate("mixing", 1, 1, 0)),
        verdict=Verdict(outcome=VerdictOutcome.FAIL, decided_by="validate", reasons=reasons),
    )


def rate(check: str, before: int, after: int, new: int) -> Rate:
    return Rate(check=check, before=before, after=after, new=new, examples_before=700, examples_after=715)


def _trained_run(diff: DataDiff, examples: int) -> Run:
    return Run(
        stages=("plan", "validate", "train"),
        plan=PLAN,
        files=(file(DATA, 700),),
        diff=diff,
        recipe=RECIPE,
        baseline=trained("baseline", 700, reused=True),
        candidate=trained("candidate", examples),
        cost=Cost(
            seconds={"plan": 0.14, "validate": 0.61, "train": 851.3},
            trained_tokens=41_212,
            saved_seconds=843.2,
        ),
        provenance=PROVENANCE,
    )


def training_failed() -> Run:
    run = _trained_run(changed(), 700)
    failure = "the loss was not finite at step 37: nan\nthe last finite loss was 14.2 at step 36"
    candidate = replace(
        trained("candidate", 700), failure=failure, adapter_sha256="", curve=curve()[:9], steps=36
    )
    text = "the candidate could not be trained: the loss was not finite at step 37: nan"
    reason = failing("training.failed", text)
    return replace(
        run,
        stages=(*run.stages, "decide"),
        candidate=candidate,
        verdict=Verdict(outcome=VerdictOutcome.FAIL, decided_by="train", reasons=(reason,)),
    )


def preflight_failed() -> Run:
    """Examples that the tokenizer cannot take, prices that are old, and a ceiling that nobody can check."""
    why = "tokens, 2,048 are trained"
    left = tuple(LeftOut(path=DATA, line=n, reason=f"has {2_911 + n:,} {why}") for n in range(9, 29))
    endless = (LeftOut(path=MORE, line=3, reason="ends a trained turn outside of the loss"),)
    facts = replace(
        FACTS,
        basis=replace(FACTS.basis, longest=2_939),
        dropped=61,
        rows=739,
        tokens=81_000,
        left_out=left,
        hardware="",
        unstopped=1,
        endless=endless,
    )
    old = replace(TRAINING.preflight, prices=Prices(as_of="2026-01-15", per_hour=0.6))
    run = replace(
        _trained_run(added(), 800),
        stages=("plan", "validate", "preflight"),
        preflight=readiness(facts, replace(TRAINING, preflight=old)),
        baseline=None,
        candidate=None,
        cost=Cost(seconds={"plan": 0.14, "validate": 0.61, "preflight": 4.2}),
    )
    return replace(run, stages=(*run.stages, "decide"), verdict=decide(run))


def _decided(
    run: Run, evaluation: Evaluation, verdict: Verdict, half_width: float, needed: int | None
) -> Run:
    return replace(
        run,
        stages=("plan", "validate", "train", "evaluate", "decide"),
        evaluation=evaluation,
        comparison=compared(evaluation, half_width, needed),
        slices=slices(evaluation, run.plan.policy),
        verdict=verdict,
        cost=replace(run.cost, seconds={**run.cost.seconds, "evaluate": 63.9, "decide": 0.02}),
    )


def passed() -> Run:
    reasons = (
        Reason(id="findings.warnings", severity=Severity.WARNING, text="1 warning: mixing 1"),
        Reason(
            id="held",
            severity=Severity.NOTICE,
            text="15 of 15 regression prompts hold; held-out 100 of 100 against 93 of 100",
        ),
        REUSED,
    )
    verdict = Verdict(outcome=VerdictOutcome.PASS, decided_by="decide", reasons=reasons)
    run = _decided(_trained_run(added(), 800), evaluated(right, 100), verdict, 0.0488, 60)
    run = replace(run, preflight=READY, recipe=READY.recipe)
    return _remembered(replace(run, findings=findings()[-1:], origin=ORIGIN), (12, 95), (14, 97), (13, 93))


def judged() -> Run:
    """A judge graded the held-out set; people have read; base, abilities and earlier promotions are told of."""
    run = passed()
    assert run.comparison is not None
    arms = {name: _mean(mean) for name, mean in (("base", 2.41), ("baseline", 4.52), ("candidate", 4.44))}
    scores = tuple(
        ScoreChange(
            criterion=criterion,
            total=100,
            graded=99,
            clusters=99,
            arms=arms,
            difference=-0.08,
            lower=-0.214,
            upper=0.061,
            state="held",
            needed=48,
            detectable=0.21,
        )
        for criterion in ("correctness", "format", "completeness")
    )
    comparison = replace(
        run.comparison,
        scores=scores,
        headroom=Headroom(sampled=100, graded=100, right=31, lower=0.2335, upper=0.3949),
        forgetting=Forgetting(asked=60, ungraded=0, lost=("p1", "p2"), gained=("p3",), p_worse=0.5),
        power=Power(held_out=100, rate=0.13, scored=100, score=0.21),
        removed=("card_arrival-9",),
    )
    read = SpotCheck(
        sheet="5" * 64,
        by="maria",
        candidate=Tally(shown=20, ship=18, no=2),
        base=Tally(shown=20, ship=3, no=17),
        unshippable=("held-out-3", "held-out-8"),
    )
    return replace(run, comparison=comparison, spot_check=read)


def _mean(mean: float) -> Mean:
    return Mean(graded=100, mean=mean, lower=mean - 0.13, upper=mean + 0.11)


def drifted() -> Run:
    """Seven promotions, most a little worse than the one before."""
    verdict = Verdict(outcome=VerdictOutcome.PASS, decided_by="decide", reasons=())
    run = _decided(_trained_run(added(), 800), evaluated(slightly_worse, 100), verdict, 0.0488, 60)
    rates = ((15, 80), (15, 100), (15, 98), (14, 96), (14, 94), (14, 92), (13, 90), (13, 88))
    known = _remembered(replace(run, origin=ORIGIN), *rates)
    reasons = (*(ruling.reason for ruling in remembered(known)), REUSED)
    return replace(known, verdict=replace(verdict, reasons=reasons))


def _remembered(run: Run, *rates: tuple[int, int]) -> Run:
    known = replace(run, history=history(*rates))
    return replace(known, drift=drifts(known))


def failed() -> Run:
    reasons = (
        failing(
            "regression.broken",
            "11 regression prompts broken, the policy accepts 2: card_arrival-0, card_arrival-1 and 9 more",
        ),
        failing(
            "held-out.worse",
            "worse than the baseline: held-out 20 of 100 against 93 of 100, a change of -80.9 to -65.1 points",
        ),
        REUSED,
    )
    verdict = Verdict(outcome=VerdictOutcome.FAIL, decided_by="decide", reasons=reasons)
    run = _decided(_trained_run(changed(), 700), evaluated(swapped, 100), verdict, 0.079, 60)
    protected = (
        Protected(path="ftgate.yaml", role="settings", change="modified"),
        Protected(path="regression/intents.yaml", role="regression prompts", change="deleted"),
    )
    assert run.comparison is not None
    past = (
        Past(prompt=run.comparison.broken[0], outcomes="PPPPP"),
        Past(prompt=run.comparison.broken[1], outcomes="PFPP"),
    )
    return replace(
        run,
        plan=replace(PLAN, protected=protected),
        comparison=replace(run.comparison, past=past, power=Power(held_out=100, rate=0.13)),
    )


def inconclusive() -> Run:
    reason = Reason(
        id="held-out.undecided",
        severity=Severity.ERROR,
        text="held-out 36 of 40 against 37 of 40, a change of -12.9 to +7.9 points, margin 10: undecided; "
        "about 240 examples would decide",
        decides=VerdictOutcome.INCONCLUSIVE,
    )
    verdict = Verdict(outcome=VerdictOutcome.INCONCLUSIVE, decided_by="decide", reasons=(reason,))
    return _decided(_trained_run(changed(), 700), evaluated(slightly_worse, 40), verdict, 0.104, 240)


def long_replies() -> Run:
    """Completions of several lines, which no table can hold."""
    run = failed()
    assert run.evaluation is not None
    arms = {
        name: replace(each, items=tuple(_long(item) for item in each.items))
        for name, each in run.evaluation.arms.items()
    }
    return replace(run, evaluation=replace(run.evaluation, arms=arms))


def _long(short: Item) -> Item:
    text = (
        f"{short.completion.text}\n\nI chose this because the customer is waiting.\n"
        + "Please be patient. " * 30
    )
    return replace(short, completion=replace(short.completion, text=text))


def first() -> Run:
    """No baseline yet: the candidate is compared with the base."""
    run = passed()
    assert run.evaluation is not None and run.comparison is not None
    arms = {name: each for name, each in run.evaluation.arms.items() if name != "baseline"}
    evaluation = replace(run.evaluation, arms=arms)
    return replace(
        run,
        baseline=None,
        evaluation=evaluation,
        comparison=compared(evaluation, 0.0, None, Arm.BASE),
        origin=Origin(source="none", said="no baseline: the base branch has no training data"),
        history=None,
        drift=(),
    )


def partial() -> Run:
    """Stored after validate: nothing trained, no verdict."""
    run = passed()
    return replace(
        run,
        preflight=None,
        stages=("plan", "validate"),
        recipe=None,
        baseline=None,
        candidate=None,
        evaluation=None,
        comparison=None,
        origin=None,
        history=None,
        drift=(),
        verdict=None,
        cost=Cost(seconds={"plan": 0.14, "validate": 0.61}),
    )
