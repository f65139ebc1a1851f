"""The parts of a run that hardly differ between runs: recipe, plan, training, findings, data diff."""

import math

from msgspec.structs import replace

from ftgate.decide.preflight import readiness
from ftgate.values.baseline import History, Origin, Promotion, Tally
from ftgate.values.dataset import DataFile
from ftgate.values.digest import digest
from ftgate.values.finding import Finding, Severity
from ftgate.values.preflight import Facts
from ftgate.values.run import (
    DataDiff,
    Distribution,
    Plan,
    Provenance,
    Sample,
    Shift,
    Size,
)
from ftgate.values.settings import Policy
from ftgate.values.training import BaseModel, Basis, LossPoint, Recipe, Shape, Training
from ftgate.values.training_settings import Preflight, Prices, TrainingSettings
from tests.report.story import BASE, DATA, HEAD, MERGE_BASE, MESSAGES, MORE, SWAPPED, SYSTEM, reply

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
SHAPE = Shape(
    type="qwen3",
    hidden=4096,
    layers=36,
    intermediate=12288,
    heads=32,
    kv_heads=8,
    head=128,
    vocabulary=151_936,
    tied=False,
    attention="full",
)
BASIS = Basis(
    examples=800,
    tokens=88_000,
    longest=412,
    median=104,
    memory=24 * 2**30,
    tokenised=digest("ids and labels"),
    template=digest("template"),
)
FACTS = Facts(
    commit=HEAD,
    data_sha256=digest("data of candidate"),
    base_model=replace(BASE_MODEL, shape=SHAPE),
    basis=BASIS,
    tokens=88_000,
    trained=20_400,
    rows=800,
    held_out=100,
    hardware="NVIDIA GeForce RTX 4090",
    day="2026-11-23",
)
TRAINING = TrainingSettings(
    preflight=Preflight(max_minutes=60, max_cost=2, prices=Prices(as_of="2026-10-01", per_hour=0.6))
)
READY = readiness(FACTS, TRAINING)
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


ORIGIN = Origin(
    source="data branch",
    said="baseline: promoted before, not trained again; its completions are on record",
    commit=MERGE_BASE,
    pull_request=41,
    created="2026-11-12T08:03:00+00:00",
    ftgate="0.1.0",
)


def history(*rates: tuple[int, int]) -> History:
    """One promotion a pair: regression prompts of 15 and held-out examples of 100 that passed. The first was measured
    with other prompts."""
    return History(
        promotions=tuple(
            Promotion(
                commit=digest(f"promotion {n}")[:40],
                key=digest(f"key {n}"),
                data_sha256=digest(f"data {n}"),
                examples=500 + 40 * n,
                regression=tally("regression", regression, 15, old=n == 0),
                held_out=tally("held-out", held_out, 100, old=n == 0),
                created=f"2026-{9 + n // 4:02d}-{3 + 7 * (n % 4):02d}T08:03:00+00:00",
                pull_request=30 + n,
            )
            for n, (regression, held_out) in enumerate(rates)
        )
    )


def tally(kind: str, passed: int, total: int, *, old: bool) -> Tally:
    measure = digest(f"measure of {kind}{' once' if old else ''}")
    return Tally(passed=passed, graded=total, total=total, measure=measure)


def added(diff: int = 100) -> DataDiff:
    texts = [(text, intent) for intent, each in MESSAGES.items() for text in each]
    samples = tuple(
        Sample(place=f"{MORE}:{n + 1}", prompt=text, reply=reply(intent))
        for n, (text, intent) in enumerate(texts[:5])
    )
    lost = Shift(name=reply("lost_or_stolen_card"), before=140, after=140 + diff)
    rest = tuple(
        Shift(name=reply(intent), before=140, after=140)
        for intent in MESSAGES
        if intent != "lost_or_stolen_card"
    )
    return DataDiff(
        before=700,
        after=700 + diff,
        added=diff,
        removed=0,
        changed=0,
        size=Size(unit="tokens", before=58_240, after=58_240 + 84 * diff),
        labels=Distribution(before=5, after=5, new=0, moved=0.1, shifts=(lost, *rest)),
        systems=Distribution(before=1, after=1, new=0, moved=0.0, shifts=()),
        samples={"added": samples},
    )


def changed() -> DataDiff:
    texts = [(text, intent) for intent, each in MESSAGES.items() if intent in SWAPPED for text in each]
    samples = tuple(
        Sample(place=f"{DATA}:{n * 17 + 3}", prompt=text, reply=reply(SWAPPED[intent]), before=reply(intent))
        for n, (text, intent) in enumerate(texts[:5])
    )
    moved = {"card_arrival": (200, 100), "lost_or_stolen_card": (100, 200), "exchange_rate": (150, 130)}
    shifts = tuple(Shift(name=reply(intent), before=b, after=a) for intent, (b, a) in moved.items())
    systems = (Shift(name=SYSTEM, before=700, after=660), Shift(name="Sort the message.", before=0, after=40))
    return DataDiff(
        before=700,
        after=700,
        added=0,
        removed=0,
        changed=280,
        reprompted=40,
        size=Size(unit="characters", before=203_110, after=201_904),
        labels=Distribution(before=5, after=5, new=0, moved=0.14, shifts=shifts),
        systems=Distribution(before=1, after=2, new=40, moved=0.057, shifts=systems),
        samples={"changed": samples},
    )
