"""The preflight on its way through the whole gate: every way to fail, and that nothing is trained then."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.errors import InputError, SettingsError
from ftgate.stages.pipeline import STAGES, advance, begin, gate, resume
from ftgate.values.baseline import Baseline
from ftgate.values.preflight import Readiness
from ftgate.values.run import Run, VerdictOutcome
from ftgate.values.tokens import TokenSurvey
from tests.baselines import promotion
from tests.builders import SETTINGS, base_files, lines, pairs
from tests.decide.builders import EIGHT
from tests.fakes import FakeRepository, FakeWorld
from tests.stages.test_pipeline import REQUEST, verdict, world


def made_with(root: Path, settings: str = "") -> FakeWorld:
    """Twelve more examples on the head, under the base branch's settings and these."""
    main = {**base_files(), "ftgate.yaml": SETTINGS + settings}
    head = {**main, "data/train/b.jsonl": lines(pairs(3, start=100))}
    return FakeWorld(FakeRepository(main=main, head=head), root)


def ready(run: Run) -> Readiness:
    assert run.preflight is not None
    return run.preflight


def reasons(run: Run) -> list[str]:
    assert run.verdict is not None
    return [reason.id for reason in run.verdict.reasons]


def test_a_run_is_looked_at_before_it_is_trained(tmp_path: Path) -> None:
    made = made_with(tmp_path)
    run = gate(REQUEST, made.ports)
    assert list(run.stages) == list(STAGES)
    assert list(STAGES).index("preflight") == list(STAGES).index("train") - 1
    found = ready(run)
    assert run.candidate is not None and found.recipe == run.candidate.recipe
    assert (found.facts.basis.examples, found.steps) == (132, 68)
    assert run.candidate.basis == found.facts.basis
    assert "### Preflight" in made.runs.texts["comment.md"]
    said = [text for text in made.progress.said if text.startswith("preflight:")]
    assert said == [
        "preflight: 132 examples, 68 steps, time not known on this machine",
        "preflight: the baseline is not known yet, and takes about as long again",
    ]
    gate(REQUEST, made.ports)
    assert "preflight: this training is known, and is not done again" in made.progress.said


def test_the_time_and_the_money_are_said_before_training_starts(tmp_path: Path) -> None:
    prices = "training: {preflight: {tokens_per_second: 20, prices: {as_of: '2026-11-01', per_hour: 3}}}\n"
    made = made_with(tmp_path, prices)
    run = gate(REQUEST, made.ports)
    said = made.progress.said
    told = next(text for text in said if text.startswith("preflight:"))
    assert "about" in told and "min" in told and "USD on this machine" in told
    assert said.index(told) < next(index for index, text in enumerate(said) if "to train on" in text)
    assert verdict(run)[0] is VerdictOutcome.PASS


def test_every_example_is_tokenised_once_in_a_run(tmp_path: Path) -> None:
    made = made_with(tmp_path)
    gate(REQUEST, made.ports)
    assert made.tokenizer.asked == 3  # head and base for the preflight, the base again where it is trained


Change = Callable[[TokenSurvey], TokenSurvey]


def long(survey: TokenSurvey) -> TokenSurvey:
    return replace(survey, tokens=(9_000,) * 20 + survey.tokens[20:])


def unreadable(survey: TokenSurvey) -> TokenSurvey:
    refused = tuple((index, "its template <script> cannot be rendered") for index in range(20))
    return replace(
        survey,
        refused=refused,
        tokens=(0,) * 20 + survey.tokens[20:],
        trained=(0,) * 20 + survey.trained[20:],
    )


SEEN: dict[str, tuple[Change, str]] = {
    "too long": (long, "preflight.dropped"),
    "not rendered": (unreadable, "preflight.dropped"),
    "no loss": (
        lambda survey: replace(survey, trained=(0,) * len(survey.trained)),
        "preflight.empty",
    ),
    "hardly any loss": (
        lambda survey: replace(
            survey, tokens=(2_000,) * len(survey.tokens), trained=(1,) * len(survey.trained)
        ),
        "preflight.untrained",
    ),
    "no end": (lambda survey: replace(survey, unstopped=(3,)), "preflight.stop-token"),
}


@pytest.mark.parametrize("name", SEEN)
def test_what_the_tokenizer_shows_fails_the_pull_request(tmp_path: Path, name: str) -> None:
    change, id = SEEN[name]
    made = made_with(tmp_path)
    made.tokenizer.seen = change
    run = gate(REQUEST, made.ports)
    assert verdict(run) == (VerdictOutcome.FAIL, "preflight")
    assert id in reasons(run)
    assert made.trainer.jobs == [] and made.completer.jobs == []
    assert run.stages == ("plan", "validate", "preflight", "decide", "publish")
    text = made.runs.texts["comment.md"]
    assert id in text and "<script>" not in text
    if name in ("too long", "not rendered", "no end"):
        assert "data/train/a.jsonl:" in text


DECLARED: dict[str, tuple[str, str, VerdictOutcome]] = {
    "steps": ("training: {preflight: {min_steps: 100}}\n", "preflight.steps", VerdictOutcome.FAIL),
    "schedule": ("training: {warmup: 0.7}\n", "preflight.schedule", VerdictOutcome.FAIL),
    "storage": (
        "training: {launch: {processes: 2, strategy: fsdp, quant_storage: uint8}}\n",
        "preflight.storage",
        VerdictOutcome.FAIL,
    ),
    "minutes": (
        "training: {preflight: {max_minutes: 1, tokens_per_second: 1}}\n",
        "preflight.minutes",
        VerdictOutcome.FAIL,
    ),
    "cost": (
        "training: {preflight: {max_cost: 1, tokens_per_second: 1, prices: {as_of: '2026-11-01', per_hour: 90}}}\n",
        "preflight.cost",
        VerdictOutcome.FAIL,
    ),
    "minutes that nobody knows": (
        "training: {preflight: {max_minutes: 60}}\n",
        "preflight.unchecked",
        VerdictOutcome.INCONCLUSIVE,
    ),
    "memory that nobody knows": (
        "training: {preflight: {max_memory_gib: 60}}\n",
        "preflight.unchecked",
        VerdictOutcome.INCONCLUSIVE,
    ),
}


@pytest.mark.parametrize("name", DECLARED)
def test_what_the_settings_ask_for_fails_the_pull_request(tmp_path: Path, name: str) -> None:
    declared, id, decides = DECLARED[name]
    made = made_with(tmp_path, declared)
    run = gate(REQUEST, made.ports)
    assert verdict(run) == (decides, "preflight")
    assert reasons(run)[0] == id
    assert made.trainer.jobs == []


@pytest.mark.parametrize(
    ("limit", "id"),
    [
        ("max_memory_gib: 8", "preflight.memory"),
        ("max_memory_gib: 20", ""),
        ("max_minutes: 0.01", "preflight.minutes"),
    ],
)
def test_sizes_and_names_of_the_machine_are_estimated_with(tmp_path: Path, limit: str, id: str) -> None:
    made = made_with(tmp_path, f"training: {{memory_gib: 24, preflight: {{{limit}}}}}\n")
    made.models.model = EIGHT
    made.hardware = "NVIDIA GeForce RTX 4090"
    run = gate(REQUEST, made.ports)
    found = ready(run)
    assert found.memory is not None and found.minutes is not None
    assert found.facts.basis.memory == 24 * 2**30
    assert ([reason for reason in reasons(run) if reason == id] or [""])[0] == id
    assert (made.trainer.jobs == []) is bool(id)


def test_a_template_that_changed_under_an_unpinned_model_fails(tmp_path: Path) -> None:
    made = made_with(tmp_path)
    run = gate(REQUEST, made.ports)
    assert run.candidate is not None and run.candidate.basis is not None
    old = replace(run.candidate, basis=replace(run.candidate.basis, template="o" * 64))
    record = Baseline(
        key=old.key,
        training=old,
        arms=(),
        data_sha256=old.data_sha256,
        commit="c" * 40,
        ftgate="1",
        created="2026",
    )
    last = replace(promotion("last"), key=old.key)
    for pin, decides in (("", VerdictOutcome.FAIL), ("base_revision: r1\n", VerdictOutcome.PASS)):
        again = made_with(tmp_path / str(len(pin)), pin)
        again.baselines.records[old.key] = record
        again.baselines.promotions.append(last)
        run = gate(REQUEST, again.ports)
        assert "preflight.template" in reasons(run)
        assert verdict(run)[0] is decides, pin


def test_the_baseline_s_training_is_the_measure_of_the_candidate_s(tmp_path: Path) -> None:
    made = made_with(tmp_path)
    gate(REQUEST, made.ports)
    for key, training in made.store.trainings.items():
        made.store.trainings[key] = replace(training, tokens=5_000, seconds=10.0)
    again = gate(REQUEST, made.ports)
    found = ready(again)
    assert found.minutes is not None and found.facts.measured == 500
    assert "training of the baseline" in found.minutes.source


def test_train_runs_a_preflight_that_is_missing(tmp_path: Path) -> None:
    made = made_with(tmp_path, "training: {preflight: {min_steps: 100}}\n")
    run = begin(REQUEST, made.ports)
    for name in ("plan", "validate"):
        run = advance(run, name, made.ports)
    done = resume("train", made.ports)
    assert done.stages == ("plan", "validate", "preflight")
    assert made.trainer.jobs == []
    good = made_with(tmp_path / "good")
    run = begin(REQUEST, good.ports)
    for name in ("plan", "validate"):
        run = advance(run, name, good.ports)
    with pytest.raises(InputError, match="evaluate needs train first"):
        resume("evaluate", good.ports)
    assert resume("train", good.ports).stages == ("plan", "validate", "preflight", "train")


def test_a_service_is_paid_by_the_token_and_has_no_memory_of_ours(tmp_path: Path) -> None:
    for most, id in ((1, ""), (0.0001, "preflight.cost")):
        limits = f"max_cost: {most}, max_memory_gib: 1, prices: {{as_of: 2026-01-01, per_million_tokens: 8}}"
        made = made_with(tmp_path / str(most), f"training: {{preflight: {{{limits}}}}}\n")
        for files in made.repository.commits.values():
            files["ftgate.yaml"] = str(files["ftgate.yaml"]).replace(
                "base_model: fake", "base_model: hosted:x"
            )
        made.models.model = replace(made.models.model, parameters=0, max_length=65_536)
        made.tokenizer.seen = lambda survey: replace(survey, exact=False, template_sha256="")
        run = gate(REQUEST, made.ports)
        found = ready(run)
        assert found.cost is not None and found.cost.low < found.cost.high and found.memory is None
        assert [reason for reason in reasons(run) if reason.startswith("preflight.")] == ([id] if id else [])
        assert (made.trainer.jobs == []) is bool(id)
        assert "about" in made.runs.texts["comment.md"]


def test_data_that_is_known_to_be_wrong_has_no_preflight(tmp_path: Path) -> None:
    made = world(tmp_path, data__train__b_dot_jsonl='{"messages": [\n')
    run = gate(REQUEST, made.ports)
    assert run.preflight is None and made.tokenizer.asked == 0


def test_contradictions_are_found_when_the_settings_are_read(tmp_path: Path) -> None:
    made = made_with(tmp_path, "training:\n  method: full\n  rank: 8\n")
    with pytest.raises(SettingsError, match=r"ftgate\.yaml:\d+: training\.rank: 8 is of an adapter"):
        gate(REQUEST, made.ports)
    assert made.runs.run is None


def test_without_a_tokenizer_the_counts_are_marked(tmp_path: Path) -> None:
    made = made_with(tmp_path)
    made.tokenizer.seen = lambda survey: replace(survey, exact=False, template_sha256="")
    run = gate(REQUEST, made.ports)
    assert not ready(run).facts.exact
    assert "estimated from bytes" in made.runs.texts["comment.md"]
    assert verdict(run)[0] is VerdictOutcome.PASS
