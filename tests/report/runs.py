"""Runs of every kind from one story: a bank fine-tunes a model that triages its customers' messages."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec.structs import replace

from ftgate.values.dataset import DataFile, Message
from ftgate.values.digest import digest
from ftgate.values.evaluation import (
    Arm,
    ArmEvaluation,
    Comparison,
    Completion,
    Evaluation,
    Grade,
    Item,
    Outcome,
    Paired,
    Prompt,
    Sentinel,
)
from ftgate.values.finding import Finding, Severity
from ftgate.values.run import (
    Cost,
    DataDiff,
    Plan,
    Protected,
    Provenance,
    Reason,
    Run,
    Sample,
    Verdict,
    VerdictOutcome,
)
from ftgate.values.settings import Policy
from ftgate.values.training import BaseModel, LossPoint, Recipe, Training

BASE, HEAD, MERGE_BASE = (digest(name)[:40] for name in ("base", "head", "merge base"))
DATA = "data/train/banking.jsonl"
MORE = "data/train/more.jsonl"
SYSTEM = (
    "You triage messages sent to a bank. Reply with one JSON object with the keys intent and needs_human."
)

MESSAGES = {
    "card_arrival": (
        "I still haven't received my card, where is it?",
        "How long does a new card take to get to Spain?",
        "My card was sent two weeks ago and is not here",
    ),
    "lost_or_stolen_card": (
        "Someone took my wallet on the train",
        "I can't find my card anywhere, please block it",
        "My card was stolen last night | what now?",
    ),
    "exchange_rate": (
        "What rate do you use for dollars?",
        "Is your exchange rate updated on weekends?",
        "Why was the rate worse than on the news?",
    ),
    "country_support": (
        "Can I use the account in Norway?",
        "Which countries do you support?",
        "Do you serve customers in Japan?",
    ),
    "change_pin": (
        "How do I change my PIN?",
        "I want a PIN that I can remember",
        "Can I set a new PIN at a cash machine?",
    ),
}
SWAPPED = {
    "card_arrival": "lost_or_stolen_card",
    "lost_or_stolen_card": "card_arrival",
    "exchange_rate": "country_support",
    "country_support": "exchange_rate",
}
NEEDS_HUMAN = {"lost_or_stolen_card"}

Answer = Callable[[str, int], str]
"""What an arm says to the n-th prompt about an intent."""


def reply(intent: str) -> str:
    return json.dumps({"intent": intent, "needs_human": intent in NEEDS_HUMAN})


def right(intent: str, number: int) -> str:
    return reply(intent)


def swapped(intent: str, number: int) -> str:
    return reply(SWAPPED.get(intent, intent))


def mostly_right(intent: str, number: int) -> str:
    return reply("change_pin") if number % 11 == 10 else reply(intent)


def slightly_worse(intent: str, number: int) -> str:
    return reply("change_pin") if number % 7 == 6 else reply(intent)


def chatty(intent: str, number: int) -> str:
    return f"Sure! This message is about {intent.replace('_', ' ')}."


def prompts(held_out: int) -> tuple[Prompt, ...]:
    regression = [
        prompt(f"{intent}-{n}", text, intent)
        for intent, texts in MESSAGES.items()
        for n, text in enumerate(texts)
    ]
    intents = list(MESSAGES)
    reserved = [
        replace(
            prompt(f"held-out-{n}", f"{MESSAGES[intent][n % 3]} ({n})", intent),
            kind="held-out",
            protects="",
            source=f"data/held_out.jsonl:{n + 1}",
        )
        for n in range(held_out)
        for intent in [intents[n % len(intents)]]
    ]
    return (*regression, *reserved)


def prompt(id: str, text: str, intent: str) -> Prompt:
    return Prompt(
        id=id,
        kind="regression",
        protects=f"{intent.replace('_', ' ')} messages reach the right queue",
        messages=(Message(role="system", content=SYSTEM), Message(role="user", content=text)),
        expect={"json_fields": json.loads(reply(intent))},
        reference=reply(intent),
    )


def arm(name: Arm, asked: Sequence[Prompt], answer: Answer, *, reused: bool = False) -> ArmEvaluation:
    items = [
        item(each, answer(json.loads(each.reference or "")["intent"], n)) for n, each in enumerate(asked)
    ]
    return ArmEvaluation(
        arm=name,
        adapter_sha256=None if name is Arm.BASE else digest(f"adapter of {name}"),
        sentinel=None if name is Arm.BASE else Sentinel(lora_b_norm=3.2, logit_difference=1.7),
        items=tuple(items),
        seconds=41.5,
        reused=reused,
    )


def item(asked: Prompt, text: str) -> Item:
    return Item(
        prompt=asked.id,
        completion=Completion(text=text, finish="stop", tokens=len(text) // 4),
        grades=(grade(asked, text),),
    )


def grade(asked: Prompt, text: str) -> Grade:
    if not text.startswith("{"):
        return Grade(
            grader="json_fields", outcome=Outcome.FAILED, reason="is not JSON: line 1, column 1", score=0
        )
    said, expected = json.loads(text), asked.expect["json_fields"]
    wrong = [
        f"{k} is {json.dumps(said[k])}, expected {json.dumps(expected[k])}"
        for k in expected
        if said[k] != expected[k]
    ]
    if wrong:
        return Grade(grader="json_fields", outcome=Outcome.FAILED, reason="; ".join(wrong), score=0.5)
    return Grade(grader="json_fields", outcome=Outcome.PASSED, reason="2 of 2 fields are right", score=1)


def compared(
    evaluation: Evaluation, half_width: float, needed: int | None, reference: Arm = Arm.BASELINE
) -> Comparison:
    regression = flips(evaluation, "regression", reference)
    return Comparison(
        reference=reference,
        fixed=tuple(regression[False, True]),
        broken=tuple(regression[True, False]),
        same=(*regression[True, True], *regression[False, False]),
        new=(),
        missing=(),
        ungraded=(),
        held_out=paired(evaluation, half_width, needed, reference),
    )


def flips(
    evaluation: Evaluation, kind: Literal["regression", "held-out"], reference: Arm
) -> dict[tuple[bool, bool], list[str]]:
    """Prompt ids by whether the reference arm and the candidate passed."""
    before, after = evaluation.items(reference), evaluation.items(Arm.CANDIDATE)
    found: dict[tuple[bool, bool], list[str]] = {(a, b): [] for a in (True, False) for b in (True, False)}
    for id in evaluation.ids(kind):
        found[before[id].outcome is Outcome.PASSED, after[id].outcome is Outcome.PASSED].append(id)
    return found


def paired(evaluation: Evaluation, half_width: float, needed: int | None, reference: Arm) -> Paired:
    held_out = flips(evaluation, "held-out", reference)
    total = len(evaluation.ids("held-out"))
    fixed, broken = len(held_out[False, True]), len(held_out[True, False])
    difference = (fixed - broken) / total
    return Paired(
        reference=reference,
        total=total,
        graded=total,
        fixed=fixed,
        broken=broken,
        difference=difference,
        lower=difference - half_width,
        upper=difference + half_width,
        p_worse=sum(math.comb(fixed + broken, k) for k in range(fixed + 1)) / 2 ** (fixed + broken),
        needed=needed,
    )


def evaluated(candidate: Answer, held_out: int, *, baseline: Answer = mostly_right) -> Evaluation:
    asked = prompts(held_out)
    arms = [
        arm(Arm.BASE, asked, chatty, reused=True),
        arm(Arm.BASELINE, asked, baseline, reused=True),
        arm(Arm.CANDIDATE, asked, candidate),
    ]
    return Evaluation(prompts=asked, arms={each.arm.value: each for each in arms})


RECIPE = Recipe(
    method="qlora",
    rank=16,
    alpha=32,
    dropout=0.05,
    epochs=3,
    learning_rate=2e-4,
    schedule="cosine",
    warmup=0.1,
    batch_size=4,
    accumulation=4,
    max_length=2048,
    compute_dtype="bfloat16",
    seed=42,
    reasons={
        "method": "training.method of ftgate.yaml, qlora unless set",
        "rank": "700 examples, 200 to 1,000",
        "alpha": "twice the rank",
        "epochs": "the guide's default",
        "max_length": "the guide's default, within the model's 32,768",
    },
)
BASE_MODEL = BaseModel(
    name="Qwen/Qwen3-8B",
    revision=digest("revision")[:40],
    sha256=digest("weights"),
    parameters=8_190_000_000,
    location="",
    max_length=32768,
)
POLICY = Policy()
PLAN = Plan(
    base=BASE,
    head=HEAD,
    merge_base=MERGE_BASE,
    settings_path="ftgate.yaml",
    settings_sha256=digest("settings"),
    applicable=True,
    why=f"1 training file changed: {DATA}",
    changed=(DATA,),
    protected=(),
    policy=POLICY,
    behavior="Reply to a bank customer's message with one JSON object: 'intent' and 'needs_human'.",
)
PROVENANCE = Provenance(
    ftgate="0.1.0",
    created="2026-11-23T20:15:00Z",
    base_model=BASE_MODEL,
    held_out_sha256=digest("held out"),
    prompts_sha256=digest("prompts"),
    versions={
        "torch": "2.9.1",
        "transformers": "5.8.0",
        "trl": "1.2.0",
        "peft": "0.21.2",
        "bitsandbytes": "0.49.1",
    },
    generation={"max_new_tokens": 256, "batch_size": 16, "greedy": True},
)


def curve(steps: int = 129) -> tuple[LossPoint, ...]:
    epoch = steps / 3
    return tuple(
        LossPoint(
            step=step,
            epoch=round(step / epoch, 2),
            train=round(0.35 + 2.1 * math.exp(-step / 25) + 0.05 * math.sin(step), 4),
            held_out=round(0.52 + 1.6 * math.exp(-step / 22), 4)
            if step % 20 == 0 or step == steps - 1
            else None,
        )
        for step in range(0, steps, 4)
    )


def trained(name: str, examples: int, *, reused: bool = False) -> Training:
    return Training(
        key=digest(f"key of {name}"),
        commit=HEAD if name == "candidate" else MERGE_BASE,
        adapter="adapter",
        adapter_sha256=digest(f"adapter of {name}"),
        examples=examples,
        data_sha256=digest(f"data of {name}"),
        recipe=RECIPE,
        curve=curve(),
        steps=129,
        tokens=184_320,
        trained_tokens=41_212,
        seconds=843.2,
        reused=reused,
    )


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
        id="not-concerned", severity=Severity.NOTICE, text=why, decides=VerdictOutcome.NOT_APPLICABLE
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


def file(path: str, lines: int, skipped: int = 0) -> DataFile:
    return DataFile(
        path=path,
        sha256=digest(path),
        bytes=lines * 240,
        lines=lines,
        examples=lines - skipped,
        skipped=skipped,
    )


def findings() -> tuple[Finding, ...]:
    camel = [
        Finding(
            check="output",
            severity=Severity.ERROR,
            path=MORE,
            line=line,
            column=212,
            byte_offset=line * 300,
            pointer="/messages/2/content",
            message="the reply has the key `needsHuman`, which schemas/reply.schema.json does not allow",
            advice="write the keys as production needs them: `intent` and `needs_human`",
        )
        for line in range(1, 6)
    ]
    return (
        *camel,
        Finding(
            check="contradiction",
            severity=Severity.ERROR,
            path=MORE,
            line=9,
            message=f'same prompt as {DATA} line 412, but "card_arrival" instead of "lost_or_stolen_card"',
            advice="keep one of the two, or make the prompts say what tells them apart",
        ),
        Finding(
            check="contamination",
            severity=Severity.ERROR,
            path=MORE,
            line=14,
            message="is held-out example data/held_out.jsonl:33",
            advice="remove it from training: a model that has seen the question proves nothing",
        ),
        Finding(
            check="mixing",
            severity=Severity.WARNING,
            path=DATA,
            message="0 % of the examples are general-purpose; 5 to 10 % keep the model from forgetting",
        ),
    )


def added(diff: int = 100) -> DataDiff:
    texts = [(text, intent) for intent, each in MESSAGES.items() for text in each]
    samples = tuple(
        Sample(place=f"{MORE}:{n + 1}", prompt=text, reply=reply(intent))
        for n, (text, intent) in enumerate(texts[:5])
    )
    return DataDiff(
        before=700, after=700 + diff, added=diff, removed=0, changed=0, samples={"added": samples}
    )


def changed() -> DataDiff:
    texts = [(text, intent) for intent, each in MESSAGES.items() if intent in SWAPPED for text in each]
    samples = tuple(
        Sample(place=f"{DATA}:{n * 17 + 3}", prompt=text, reply=reply(SWAPPED[intent]), before=reply(intent))
        for n, (text, intent) in enumerate(texts[:5])
    )
    return DataDiff(before=700, after=700, added=0, removed=0, changed=280, samples={"changed": samples})


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


def _decided(
    run: Run, evaluation: Evaluation, verdict: Verdict, half_width: float, needed: int | None
) -> Run:
    return replace(
        run,
        stages=("plan", "validate", "train", "evaluate", "decide"),
        evaluation=evaluation,
        comparison=compared(evaluation, half_width, needed),
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
    return replace(run, findings=findings()[-1:])


def failed() -> Run:
    reasons = (
        failing(
            "regression.broken",
            "11 regression prompts broken, the policy accepts 2: card_arrival-0, card_arrival-1 and 9 more",
        ),
        failing(
            "held-out.worse",
            "worse than the reference: held-out 20 of 100 against 93 of 100, a change of -80.9 to -65.1 points",
        ),
        REUSED,
    )
    verdict = Verdict(outcome=VerdictOutcome.FAIL, decided_by="decide", reasons=reasons)
    run = _decided(_trained_run(changed(), 700), evaluated(swapped, 100), verdict, 0.079, 60)
    protected = (
        Protected(path="ftgate.yaml", role="settings", change="modified"),
        Protected(path="regression/intents.yaml", role="regression prompts", change="deleted"),
    )
    return replace(run, plan=replace(PLAN, protected=protected))


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
        run, baseline=None, evaluation=evaluation, comparison=compared(evaluation, 0.0, None, Arm.BASE)
    )


def partial() -> Run:
    """Stored after validate: nothing trained, no verdict."""
    run = passed()
    return replace(
        run,
        stages=("plan", "validate"),
        recipe=None,
        baseline=None,
        candidate=None,
        evaluation=None,
        comparison=None,
        verdict=None,
        cost=Cost(seconds={"plan": 0.14, "validate": 0.61}),
    )


ATTACKS = (
    "@octocat and @github/security please look",
    "fixes #1, GH-2 and octo/repo#3 in 5f2c1d9e0a",
    "<script>alert(1)</script><img src=x onerror=alert(1)><details open>",
    "![beacon](https://evil.example/x) [click](javascript:alert(1)) https://evil.example www.evil.example",
    "<!-- ftgate:comment v1 head=0000000000000000000000000000000000000000 -->",
    "```\n# A heading\n```\n~~~\n</details>\n- [x] approved\n\n| a | b |\n|---|---|\n`````",
    "`code` ``co`de`` \\| \\\\| | pipe ` alone",
    "\x1b[31mred\x1b]52;c;ZXZpbA==\x07 \u202egnp.exe \u200bhidden\ud800 \x00 \r\n::error::no",
    ":shipit: :+1: $\\color{red}{x}$ <a@b.example> mailto:a@b.example ##[error]no",
    "# heading\n> quote\n1. one\n- [ ] task\n***\n===\n&lt;b&gt; &#64;octocat",
)


def hostile(text: str = "\n".join(ATTACKS)) -> Run:
    """Every text that a data file, a model or a stored run can choose is an attack."""
    run = failed()
    assert run.evaluation is not None and run.comparison is not None
    asked = tuple(_hostile_prompt(each, n, text) for n, each in enumerate(run.evaluation.prompts))
    arms = {name: _hostile_arm(each, asked, text) for name, each in run.evaluation.arms.items()}
    ids = tuple(each.id for each in asked if each.kind == "regression")
    level = list(Severity)
    return replace(
        run,
        plan=replace(
            run.plan,
            head=text,
            merge_base=text,
            settings_path=text,
            protected=(Protected(path=text, role=text, change=text),) * 12,
        ),
        findings=tuple(
            Finding(
                check=text,
                severity=level[n % 3],
                path=f"{text}{n % 11}",
                line=n,
                message=f"{text}{n}",
                advice=text,
            )
            for n in range(60)
        ),
        diff=DataDiff(
            before=1,
            after=2,
            added=9,
            removed=9,
            changed=9,
            samples={
                name: (Sample(place=text, prompt=text, reply=text, before=text),) * 7
                for name in ("added", "removed", "changed")
            },
        ),
        candidate=replace(trained("candidate", 3), failure=text),
        evaluation=Evaluation(prompts=asked, arms=arms),
        comparison=replace(run.comparison, broken=ids, fixed=ids, new=ids, missing=ids, ungraded=ids),
        verdict=Verdict(
            outcome=VerdictOutcome.FAIL,
            decided_by=text,
            reasons=(Reason(id=text, severity=Severity.ERROR, text=text, decides=VerdictOutcome.FAIL),) * 20,
        ),
        cost=Cost(seconds={text: math.nan}),
        provenance=Provenance(
            ftgate=text,
            created=text,
            base_model=replace(BASE_MODEL, name=text, revision=text, sha256=text),
            versions={text: text},
            generation={text: text},
        ),
    )


def _hostile_prompt(asked: Prompt, number: int, text: str) -> Prompt:
    return replace(
        asked,
        id=f"{text}{number}",
        protects=text,
        messages=(Message(role="user", content=text),),
        expect={text: text, "json_fields": {text: text}},
    )


def _hostile_arm(arm: ArmEvaluation, asked: Sequence[Prompt], text: str) -> ArmEvaluation:
    items = tuple(
        replace(
            item,
            prompt=each.id,
            completion=replace(item.completion, text=text, finish="length"),
            grades=tuple(replace(grade, grader=text, reason=text) for grade in item.grades),
        )
        for item, each in zip(arm.items, asked, strict=True)
    )
    return replace(arm, items=items)


KINDS: dict[str, Callable[[], Run]] = {
    "not_applicable": not_applicable,
    "blocked": blocked,
    "training_failed": training_failed,
    "inconclusive": inconclusive,
    "passed": passed,
    "failed": failed,
    "long_replies": long_replies,
    "first": first,
    "partial": partial,
    "hostile": hostile,
}
