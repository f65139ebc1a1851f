"""What the preflight says: each limit on both sides, what stays unknown, and that it is the same for ever."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ftgate.decide.gate import decide
from ftgate.decide.preflight import counted, readiness, sane
from ftgate.decide.preflight_rulings import halts, outcome, preflighted
from ftgate.report.preflight import preflight_lines
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Place
from ftgate.values.preflight import Facts
from ftgate.values.run import Run, VerdictOutcome
from ftgate.values.tokens import TokenSurvey
from ftgate.values.training import Basis
from ftgate.values.training_settings import Launch, Preflight, Prices, TrainingSettings
from ftgate.values.trust import Permission, Waiver
from ftgate.wire import run_json, run_of
from tests.decide.builders import EIGHT, MODEL, SMALL, run, training

GIB = 2**30
BASIS = Basis(
    examples=500,
    tokens=250_000,
    longest=1800,
    median=500,
    memory=80 * GIB,
    tokenised="t" * 64,
    template="p" * 64,
)
FACTS = Facts(
    commit="b" * 40,
    data_sha256="d" * 64,
    base_model=EIGHT,
    basis=BASIS,
    tokens=250_000,
    trained=60_000,
    rows=500,
    held_out=50,
    hardware="NVIDIA H100 80GB HBM3",
    day="2026-11-24",
)
PRICES = Prices(as_of="2026-11-01", per_hour=2.0)


def of(facts: Facts = FACTS, **training: Any) -> Run:
    """A run that passes, with this preflight."""
    return run(preflight=readiness(facts, TrainingSettings(**training)), data_sha256="d" * 64)


def limits(**given: Any) -> dict[str, Any]:
    return {"preflight": Preflight(**given)}


def ids(made: Run) -> dict[str, VerdictOutcome]:
    return {r.reason.id: r.reason.decides for r in preflighted(made) if r.reason.id != "preflight.hint"}


def test_a_sound_training_has_nothing_said_of_it() -> None:
    made = of()
    assert ids(made) == {}
    assert not halts(made) and outcome(made) is VerdictOutcome.PASS
    assert decide(made).outcome is VerdictOutcome.PASS
    assert made.preflight is not None
    assert (made.preflight.steps, made.preflight.warmup_steps) == (96, 10)


@pytest.mark.parametrize(
    ("held_out", "keep", "hosted", "said"),
    [
        (0, "best", False, "there is no held-out set"),
        (1, "best", False, "1 held-out example chooses the best weights by chance"),
        (4, "best", False, "4 held-out examples choose the best weights by chance"),
        (5, "best", False, ""),
        (1, "last", False, ""),
        (1, "best", True, ""),
    ],
)
def test_a_held_out_set_that_chooses_by_noise_is_noted(
    held_out: int, keep: Any, hosted: bool, said: str
) -> None:
    made = of(replace(FACTS, held_out=held_out, hosted=hosted), keep=keep)
    notes = [r.reason.text for r in preflighted(made) if r.reason.id == "preflight.hint"]
    found = [text for text in notes if "held-out" in text]
    assert len(found) == bool(said) and all(said in text for text in found)
    assert outcome(made) is VerdictOutcome.PASS


FAIL, OPEN, OK = VerdictOutcome.FAIL, VerdictOutcome.INCONCLUSIVE, VerdictOutcome.PASS
CASES: dict[str, tuple[Callable[[], Run], str, VerdictOutcome]] = {
    "too many dropped": (lambda: of(replace(FACTS, dropped=26)), "preflight.dropped", FAIL),
    "few dropped": (lambda: of(replace(FACTS, dropped=25)), "preflight.dropped", OK),
    "a stricter limit": (
        lambda: of(replace(FACTS, dropped=1), **limits(max_dropped=0)),
        "preflight.dropped",
        FAIL,
    ),
    "nothing left": (
        lambda: of(replace(FACTS, dropped=500, tokens=0, trained=0, rows=0)),
        "preflight.empty",
        FAIL,
    ),
    "hardly any loss": (lambda: of(replace(FACTS, trained=2_499)), "preflight.untrained", FAIL),
    "no loss at all": (
        lambda: of(replace(FACTS, trained=0), **limits(min_trained=0)),
        "preflight.untrained",
        FAIL,
    ),
    "one without an end": (lambda: of(replace(FACTS, unstopped=1)), "preflight.stop-token", FAIL),
    "another template, unpinned": (
        lambda: of(replace(FACTS, template_before="o" * 64, pinned=False)),
        "preflight.template",
        FAIL,
    ),
    "another template, pinned": (
        lambda: of(replace(FACTS, template_before="o" * 64)),
        "preflight.template",
        OK,
    ),
    "too few steps": (lambda: of(**limits(min_steps=97)), "preflight.steps", FAIL),
    "warm-up over half": (lambda: of(warmup=0.6), "preflight.schedule", FAIL),
    "warm-up to the end": (lambda: of(warmup=0.999, epochs=1), "preflight.schedule", FAIL),
    "an adapter's rate on all weights": (
        lambda: of(replace(FACTS, base_model=SMALL), method="full", learning_rate=2e-4),
        "preflight.schedule",
        FAIL,
    ),
    "a rate that diverges": (lambda: of(learning_rate=0.01), "preflight.schedule", FAIL),
    "a rate that learns nothing": (lambda: of(learning_rate=1e-6), "preflight.schedule", OK),
    "uint8 under FSDP": (
        lambda: of(launch=Launch(processes=2, strategy="fsdp", quant_storage="uint8")),
        "preflight.storage",
        FAIL,
    ),
    "weights that do not fit": (
        lambda: of(replace(FACTS, basis=replace(BASIS, memory=8 * GIB)), method="lora"),
        "preflight.memory",
        FAIL,
    ),
    "memory above the ceiling": (lambda: of(**limits(max_memory_gib=10)), "preflight.memory", FAIL),
    "memory not known": (
        lambda: of(replace(FACTS, base_model=MODEL), **limits(max_memory_gib=10)),
        "preflight.unchecked",
        OPEN,
    ),
    "time above the ceiling": (lambda: of(**limits(max_minutes=0.1)), "preflight.minutes", FAIL),
    "time perhaps above the ceiling": (lambda: of(**limits(max_minutes=2)), "preflight.unchecked", OPEN),
    "time not known": (
        lambda: of(replace(FACTS, hardware=""), **limits(max_minutes=60)),
        "preflight.unchecked",
        OPEN,
    ),
    "cost above the ceiling": (
        lambda: of(**limits(max_cost=1, prices=PRICES, tokens_per_second=100)),
        "preflight.cost",
        FAIL,
    ),
    "cost without its price": (
        lambda: of(**limits(max_cost=1, prices=Prices(as_of="2026-11-01", per_million_tokens=8))),
        "preflight.unchecked",
        OPEN,
    ),
    "cost without a time": (
        lambda: of(replace(FACTS, hardware=""), **limits(max_cost=1, prices=PRICES)),
        "preflight.unchecked",
        OPEN,
    ),
    "old prices": (
        lambda: of(**limits(prices=Prices(as_of="2026-05-01", per_hour=2))),
        "preflight.prices",
        OK,
    ),
    "prices of tomorrow": (
        lambda: of(**limits(prices=Prices(as_of="2027-05-01", per_hour=2))),
        "preflight.prices",
        OK,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_limit(name: str) -> None:
    make, id, decides = CASES[name]
    made = make()
    assert ids(made)[id] is decides
    assert halts(made) is (decides is not OK)
    assert outcome(made) is decides
    if decides is not OK:
        alone = replace(made, candidate=None, baseline=None, evaluation=None)
        verdict = decide(alone)
        assert (verdict.outcome, verdict.decided_by) == (decides, "preflight")
        assert "training.missing" not in [reason.id for reason in verdict.reasons]
        assert next(r for r in verdict.reasons if r.id == id).remedy
        assert decide(made).outcome is decides, "trained in spite of it"


@pytest.mark.parametrize("given", [limits(max_minutes=60, tokens_per_second=1e9), limits(max_memory_gib=79)])
def test_a_ceiling_that_holds_says_nothing(given: dict[str, Any]) -> None:
    assert ids(of(**given)) == {}


def test_a_tiny_model_has_its_own_rates() -> None:
    tiny = replace(FACTS, base_model=replace(MODEL, parameters=4_000_000))
    assert ids(of(tiny)) == {} == ids(of(tiny, learning_rate=0.05)) == ids(of(tiny, method="full"))
    assert ids(of(tiny, learning_rate=0.051)) == {"preflight.schedule": FAIL}
    assert ids(of(tiny, learning_rate=0.005, method="full")) == {"preflight.schedule": FAIL}
    assert ids(of(tiny, learning_rate=1e-30)) == {"preflight.schedule": OK}


def test_what_is_estimated_from_bytes_warns_and_is_told_as_that() -> None:
    facts = replace(FACTS, exact=False, dropped=100, unstopped=3, trained=0, hosted=True, hardware="")
    assert set(ids(of(facts)).values()) == {OK}
    ceiling = limits(max_cost=100, prices=Prices(as_of="2026-11-01", per_million_tokens=8))
    assert halts(of(facts, **ceiling)) is False
    assert ids(of(facts, **limits(max_memory_gib=1))) == ids(of(facts)), "the memory is the service's"
    assert ids(of(facts, **limits(max_minutes=1)))["preflight.unchecked"] is OPEN


def waived_by(made: Run, reason: str) -> Run:
    given = Waiver(reason=reason, data="d" * 40, why="so", by="maria", permission=Permission.ADMIN)
    return replace(made, waivers=(given,))


def test_a_maintainer_may_accept_what_was_found_and_not_what_was_not_looked_at() -> None:
    dropped = of(replace(FACTS, dropped=100))
    accepted = waived_by(dropped, "preflight.dropped")
    assert halts(dropped) and not halts(accepted)
    assert decide(accepted).outcome is VerdictOutcome.WAIVED
    for name in ("time not known", "uint8 under FSDP", "nothing left"):
        make, id, _ = CASES[name]
        assert halts(waived_by(make(), id)), name


def test_a_trainer_that_drops_more_than_was_seen_fails() -> None:
    made = replace(of(), candidate=training("c" * 64, examples=400, dropped=100))
    assert "preflight.lost" in [r.id for r in decide(made).reasons if r.decides is FAIL]
    few = replace(of(), candidate=training("c" * 64, examples=499, dropped=1))
    assert decide(few).outcome is OK


def test_a_stored_run_decides_the_same_for_ever() -> None:
    made = of(replace(FACTS, dropped=100), **limits(prices=Prices(as_of="2020-01-01", per_hour=2)))
    again = run_of(run_json(made), "run.json")
    assert again.preflight == made.preflight
    assert decide(again) == decide(made)


def test_what_would_be_faster_is_told() -> None:
    hint = next(r.reason for r in preflighted(of()) if r.reason.id == "preflight.hint")
    assert "8.0 billion weights in 16 bit fit into your 80 GiB" in hint.text
    small = of(replace(FACTS, basis=replace(BASIS, memory=16 * GIB)))
    assert not [r for r in preflighted(small) if "16 bit" in r.reason.text]


def example(line: int) -> Example:
    return Example(
        place=Place(path="data/a.jsonl", line=line),
        format=Format.CONVERSATION,
        messages=(Message(role="user", content="a"), Message(role="assistant", content="b")),
    )


def test_every_example_is_counted_once_and_its_place_is_named() -> None:
    survey = TokenSurvey(
        sha256="s" * 64,
        tokens=(10, 0, 3000, 12, 20),
        trained=(4, 0, 30, 0, 8),
        refused=((1, "cannot be rendered"),),
        unstopped=(2, 4),
    )
    examples = [example(line) for line in range(1, 6)]
    facts = counted(FACTS, survey, examples, 2048)
    assert (facts.tokens, facts.trained, facts.rows, facts.dropped, facts.unstopped) == (30, 12, 2, 3, 1)
    assert [(each.line, each.reason) for each in facts.left_out] == [
        (2, "cannot be rendered"),
        (3, "has 3,000 tokens, 2,048 are trained"),
        (4, "has no token that is trained"),
    ]
    assert [each.line for each in facts.endless] == [5]


def test_an_example_of_several_rows_is_counted_by_them() -> None:
    survey = TokenSurvey(
        sha256="s" * 64,
        tokens=(30, 50),
        trained=(4, 9),
        longest=(20, 30),
        rows=(2, 3),
        template_sha256="p" * 64,
    )
    facts = counted(FACTS, survey, [example(1), example(2)], 25)
    assert (facts.rows, facts.dropped, facts.tokens) == (2, 1, 30)
    assert facts.left_out[0].reason == "has 30 tokens, 25 are trained"


def test_a_service_that_chooses_its_steps_has_none_to_count() -> None:
    made = of(replace(FACTS, hosted=True))
    assert made.preflight is not None
    own = replace(made.preflight, recipe=replace(made.preflight.recipe, batch_size=0), steps=0)
    assert "preflight.steps" not in ids(replace(made, preflight=own))
    assert "chosen by the service" in " ".join(preflight_lines(own))


NUMBERS = st.integers(0, 10**15)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 10**15),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.sampled_from([EIGHT, MODEL, SMALL]),
    st.one_of(st.none(), st.floats(allow_nan=True)),
    st.sampled_from(["qlora", "lora", "full"]),
)
def test_no_number_breaks_the_rules(
    examples: int,
    tokens: int,
    trained: int,
    dropped: int,
    longest: int,
    model: Any,
    fast: float | None,
    method: Any,
) -> None:
    """Rules are total: whatever another machine counted is refused as nonsense, or judged."""
    basis = Basis(examples=examples, tokens=tokens, longest=longest, median=longest, memory=longest)
    facts = replace(
        FACTS,
        base_model=model,
        basis=basis,
        tokens=tokens,
        trained=trained,
        rows=max(examples - dropped, 0),
        dropped=dropped,
        measured=fast,
    )
    if not sane(facts):
        return
    made = of(facts, method=method, **limits(max_cost=1, max_minutes=1, max_memory_gib=1, prices=PRICES))
    assert decide(made).outcome in (OK, FAIL, OPEN)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Run) == made


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 500), st.integers(0, 500), st.floats(0, 1), st.floats(0, 1))
def test_dropping_more_or_accepting_less_never_helps(one: int, other: int, a: float, b: float) -> None:
    fewer, more = sorted((one, other))
    strict, lax = sorted((a, b))

    def stops(dropped: int, accepted: float) -> bool:
        tokens = 500 * (500 - dropped)
        facts = replace(FACTS, dropped=dropped, tokens=tokens, trained=tokens, rows=500 - dropped)
        return (
            "preflight.dropped"
            in {
                id
                for id, decides in ids(of(facts, **limits(max_dropped=accepted, min_steps=1))).items()
                if decides is FAIL
            }
            or dropped == 500
        )

    assert stops(more, strict) >= stops(fewer, strict)
    assert stops(fewer, strict) >= stops(fewer, lax)
