"""Rules about services that tune: lifetimes on both sides of a date, money, whose fault it is, and whose job it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftgate.decide import hosted
from ftgate.decide.hosted import Failed, HostedJob
from ftgate.decide.recipe import resolve
from ftgate.values.training import BaseModel, Basis
from ftgate.values.training_settings import Hosted, Preflight, Prices, TrainingSettings

OPENAI, OTHER = "api.openai.com", "tune.example"
KEY = "0123456789abcdef" * 4
PRICES = Prices(as_of="2026-11-01", per_million_tokens=25.0)
BASE = BaseModel(name="hosted:m", revision="m", sha256="a" * 64, parameters=0, location="", max_length=65_536)


@pytest.mark.parametrize(
    ("base_model", "name"),
    [
        ("hosted:gpt-4.1-mini-2025-04-14", "gpt-4.1-mini-2025-04-14"),
        ("hosted:meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B"),
        ("bundled:tiny", None),
        ("org/hosted:x", None),
    ],
)
def test_names(base_model: str, name: str | None) -> None:
    assert hosted.name_of(base_model) == name


@pytest.mark.parametrize(
    ("host", "model", "today", "shutdown", "says"),
    [
        (OPENAI, "gpt-5-mini", "2027-01-06T23:59:59Z", None, ""),
        (OPENAI, "gpt-5-mini", "2027-01-07T00:00:00Z", None, "no new fine-tuning jobs after 2027-01-06"),
        ("eu.api.openai.com", "gpt-5-mini", "2027-01-07", None, "no new fine-tuning jobs"),
        ("API.OPENAI.COM:443", "gpt-5-mini", "2028-01-01", None, "no new fine-tuning jobs"),
        ("api.openai.com.example", "gpt-4.1", "2028-01-01", None, ""),
        (OTHER, "gpt-4.1-mini", "2028-01-01", None, ""),
        (OTHER, "m", "2026-12-31", "2027-01-01", ""),
        (OTHER, "m", "2027-01-01", "2027-01-01", "m and every model tuned from it was shut down"),
        (OTHER, "m", "2027-01-01", "soon", ""),
        (
            OPENAI,
            "gpt-4o",
            "2026-06-01",
            "2026-06-01T00:00:00Z",
            "was shut down by api.openai.com on 2026-06-01",
        ),
    ],
)
def test_whether_a_job_may_be_begun(
    host: str, model: str, today: str, shutdown: str | None, says: str
) -> None:
    found = hosted.closed(host, model, today, shutdown)
    assert (found == "") == (says == "") and says in found


@pytest.mark.parametrize(
    ("host", "model", "today", "says"),
    [
        (OPENAI, "gpt-4.1-mini-2025-04-14", "2026-10-15", ""),
        (OPENAI, "gpt-4.1-mini-2025-04-14", "2026-10-16", "shuts gpt-4.1-mini-2025-04-14 down on 2027-01-14"),
        (OPENAI, "gpt-4o-mini", "2027-01-13", "2027-01-14"),
        (OTHER, "gpt-4o-mini", "2027-01-13", ""),
    ],
)
def test_what_ends_soon_is_told(host: str, model: str, today: str, says: str) -> None:
    found = hosted.outlook(host, model, today)
    assert (found == "") == (says == "") and says in found


@pytest.mark.parametrize(
    ("code", "param", "data"),
    [
        ("invalid_training_file", None, True),
        ("invalid_file_format", None, True),
        ("invalid_n_examples", None, True),
        ("unsafe_file", None, True),
        ("whatever", "validation_file", True),
        ("exceeded_quota", None, False),
        ("server_error", None, False),
        ("invalid_hyperparameter", "n_epochs", False),
        (None, None, False),
    ],
)
def test_whose_fault_a_failed_job_is(code: str | None, param: str | None, data: bool) -> None:
    assert hosted.blames_data(Failed(code=code, message="m", param=param)) is data


def test_a_price_and_its_day() -> None:
    assert hosted.cost(2_000_000, PRICES) == 50.0
    assert hosted.cost(2_000_000, None) is None
    assert hosted.cost(2_000_000, Prices(as_of="2026-11-01", per_hour=2.0)) is None
    assert (
        hosted.priced(2_000_000, PRICES)
        == "50.00 USD (2,000,000 tokens at 25 a million, price of 2026-11-01)"
    )


def test_a_ceiling_holds_or_refuses() -> None:
    assert hosted.too_dear(10**9, Preflight()) == ""
    assert hosted.too_dear(40_000, Preflight(max_cost=1.0, prices=PRICES)) == ""
    assert "max_cost is 1" in hosted.too_dear(40_001, Preflight(max_cost=1.0, prices=PRICES))
    assert "nothing holds it" in hosted.too_dear(1, Preflight(max_cost=1.0))


@given(st.binary(max_size=200))
def test_tokens_are_estimated_from_bytes_and_rounded_up(content: bytes) -> None:
    assert 0 <= hosted.tokens_of(content) * 4 - len(content) < 4


@pytest.mark.parametrize(
    ("job", "mine"),
    [
        (HostedJob(id="a", status="running", metadata={"ftgate-key": KEY}), True),
        (HostedJob(id="a", status="running", training_file="file-1"), True),
        (HostedJob(id="a", status="succeeded", fine_tuned_model=f"ft:m:o:x-{KEY[:12]}:1"), True),
        (
            HostedJob(id="a", status="running", metadata={"ftgate-key": "f" * 64}, training_file="file-2"),
            False,
        ),
    ],
)
def test_which_job_is_ours(job: HostedJob, mine: bool) -> None:
    assert hosted.ours(job, KEY, ["file-1"]) is mine


@given(st.text(max_size=64))
def test_a_suffix_is_never_too_long_and_always_has_the_key(suffix: str) -> None:
    found = hosted.suffix(TrainingSettings(hosted=Hosted(suffix=suffix)), KEY)
    assert found.endswith(KEY[:12]) and len(found) <= 40


def test_the_recipe_asks_for_what_a_service_lets_choose() -> None:
    settings = TrainingSettings(epochs=5, batch_size=8, seed=7, hosted=Hosted(learning_rate_multiplier=0.5))
    found = resolve(settings, BASE, Basis(examples=50))
    assert (found.method, found.epochs, found.batch_size, found.seed) == ("hosted", 5, 8, 7)
    assert found.learning_rate == 0.5 and found.max_length == 65_536
    plain = resolve(TrainingSettings(), BASE, Basis(examples=50))
    assert (plain.epochs, plain.batch_size, plain.learning_rate) == (3, 0, 0.0)
    assert plain.reasons["batch_size"] == "chosen by the service"


def test_settings_that_would_be_ignored_are_named() -> None:
    assert hosted.inapplicable(TrainingSettings(epochs=1, batch_size=2, max_length=99, seed=1)) == []
    assert hosted.inapplicable(TrainingSettings(rank=8, learning_rate=1e-4, alpha="2r")) == [
        "rank",
        "alpha",
        "learning_rate",
    ]
