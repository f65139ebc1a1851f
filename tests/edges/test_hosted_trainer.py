"""A training at a service that implements the endpoints, over real HTTP, and all that goes wrong with one."""

import json
import math
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ftgate.edges import hosted_job
from ftgate.edges.artefact import adapter_digest
from ftgate.errors import OutsideError, SettingsError
from ftgate.values.training import HOSTED_RECORD, Training
from ftgate.values.training_settings import Preflight, Prices
from tests.edges.hosted_child import EXAMPLES, HELD_OUT, TRAINING_KEY, job, settings, train, trainer
from tests.edges.hosted_server import BASE, KEY, RESET, Answer, Tuner, error, tuning
from tests.edges.servers import unused_url
from tests.fakes import FakeProgress

pytestmark = pytest.mark.filterwarnings("default")

JOBS = "/fine_tuning/jobs"


@pytest.fixture
def service() -> Iterator[Tuner]:
    """Whatever a test does, what was said is as OpenAI describes it."""
    with tuning() as running:
        yield running
        assert running.wrong() == []
        assert running.keys <= {f"Bearer {KEY}"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of the client between attempts, which grow to seconds, are not what is tested."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setattr("openai._base_client.MAX_RETRY_DELAY", 0.02)


def once(
    method: str, path: str, answer: "Answer | str | tuple[int, Any, dict[str, str]]", times: int = 1
) -> Any:
    """Answers so often instead of the service."""
    left = [times]

    def before(asked: str, at: str, body: Any) -> Any:
        del body
        if (asked, at) != (method, path) or left[0] == 0:
            return None
        left[0] -= 1
        return answer

    return before


def test_a_training_goes_from_files_to_a_tuned_model(service: Tuner, tmp_path: Path) -> None:
    done, progress = train(service.url, tmp_path)
    assert done.failure is None and done.form == "hosted"
    assert done.model == f"ft:{BASE}:loopback:ftgate-0123456789ab:ftjob-1"
    assert done.examples == 12 and done.trained_tokens > 0 and done.steps == 12
    assert progress.tasks == [("training", 12)] and progress.done == [12]
    assert any("running" in text for text in progress.said)
    record = json.loads((tmp_path / "adapter" / HOSTED_RECORD).read_text())
    assert record["model"] == done.model and record["job"] == "ftjob-1" and record["base"] == BASE
    assert len(adapter_digest(tmp_path / "adapter")) == 64
    [sent] = [each.body for each in service.traffic if (each.method, each.path) == ("POST", JOBS)]
    assert sent["seed"] == 42 and sent["metadata"] == {"ftgate-key": TRAINING_KEY}
    assert sent["method"] == {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}
    assert service.files == {}, "what was uploaded is deleted"


def test_the_uploaded_file_is_the_data(service: Tuner, tmp_path: Path) -> None:
    train(service.url, tmp_path, hosted={"delete_files": False})
    names = {each["filename"]: service.contents[each["id"]] for each in service.files.values()}
    start = f"ftgate-{TRAINING_KEY[:32]}"
    assert set(names) == {f"{start}.jsonl", f"{start}-held-out.jsonl"}
    lines = [json.loads(line) for line in names[f"{start}.jsonl"].splitlines()]
    assert [line["messages"][1]["content"] for line in lines] == [each.reference for each in EXAMPLES]
    assert len(names[f"{start}-held-out.jsonl"].splitlines()) == len(HELD_OUT)


@pytest.mark.parametrize("encoded", [True, False])
def test_losses_come_from_the_result_files(service: Tuner, tmp_path: Path, encoded: bool) -> None:
    service.encoded = encoded
    done, _ = train(service.url, tmp_path)
    assert [point.step for point in done.curve] == list(range(1, 13))
    first, last = done.curve[0], done.curve[-1]
    assert first.train is not None and last.train is not None and first.train > last.train
    assert [point.step for point in done.curve if point.held_out is not None] == [3, 4, 6, 8, 9, 12]
    assert last.epoch == 3.0


def test_a_service_without_result_files_tells_losses_in_events(service: Tuner, tmp_path: Path) -> None:
    service.before = lambda method, path, body: (
        error(404, "gone") if path.startswith("/files/file-result") else None
    )
    done, _ = train(service.url, tmp_path)
    assert done.failure is None
    assert [point.step for point in done.curve if point.train is not None] == list(range(1, 13))


def test_a_service_that_tells_no_total_is_followed_by_what_it_says(service: Tuner, tmp_path: Path) -> None:
    service.tells_steps = False
    _, progress = train(service.url, tmp_path)
    assert progress.tasks == []
    assert "training: epoch finished, part 12" in progress.said


def test_a_loss_that_is_no_number_is_a_failure(service: Tuner, tmp_path: Path) -> None:
    service.losses = lambda steps: f"step,train_loss\n1,2.0\n{steps},nan\n"
    done, _ = train(service.url, tmp_path)
    assert done.failure == "the loss at step 12 is not a finite number"
    assert not (tmp_path / "adapter").exists()
    assert all(point.train is None or math.isfinite(point.train) for point in done.curve)


def test_result_files_that_cannot_be_read_are_no_losses(service: Tuner, tmp_path: Path) -> None:
    service.losses = lambda steps: "<html>gateway</html>"
    with pytest.raises(OutsideError, match="losses of the job ftjob-1 cannot be read"):
        train(service.url, tmp_path)
    service.contents["file-result-ftjob-1"] = b"step,train_loss\n12,0.5\n"
    done, _ = train(service.url, tmp_path)
    assert done.failure is None and len(service.jobs) == 1


# What goes wrong on the way


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/files"), ("GET", "/files"), ("GET", JOBS), ("GET", f"{JOBS}/ftjob-1")]
)
@pytest.mark.parametrize(
    "answer",
    [
        RESET,
        error(500, "oops"),
        (429, {"error": {"message": "slow down"}}, {"Retry-After": "0"}),
        (200, b'{"object": "list", "data": [{"id"'),
    ],
    ids=["reset", "500", "429", "truncated"],
)
def test_a_service_that_stumbles_is_asked_again(
    service: Tuner, tmp_path: Path, method: str, path: str, answer: Any
) -> None:
    service.before = once(method, path, answer, times=2)
    done, _ = train(service.url, tmp_path)
    assert done.failure is None and len(service.jobs) == 1


def test_an_upload_that_is_cut_off_is_sent_again(service: Tuner, tmp_path: Path) -> None:
    service.cuts = 2
    many = tuple(
        replace(EXAMPLES[0], messages=(*EXAMPLES[0].messages[:1] * 50, EXAMPLES[0].messages[1]))
        for _ in range(500)
    )
    chosen = settings(service.url)
    done = trainer(chosen).train(job(tmp_path, chosen, many), FakeProgress())
    assert done.failure is None and service.cuts == 0 and service.wrong() == []


def test_a_creation_waits_as_long_as_it_is_told(service: Tuner, tmp_path: Path) -> None:
    service.before = once("POST", JOBS, (429, {"error": {"message": "wait"}}, {"Retry-After": "1"}))
    started = time.monotonic()
    done, _ = train(service.url, tmp_path)
    assert done.failure is None and time.monotonic() - started > 1 and len(service.jobs) == 1


def test_retry_after_is_waited_for(service: Tuner, tmp_path: Path) -> None:
    service.before = once("GET", "/files", (429, {"error": {"message": "wait"}}, {"Retry-After": "1"}))
    started = time.monotonic()
    train(service.url, tmp_path)
    assert time.monotonic() - started > 1


@pytest.mark.parametrize("began", [True, False])
@pytest.mark.parametrize("answer", [RESET, error(500, "oops"), (200, b'{"id": "ftjob-1", "obj')])
@pytest.mark.parametrize("forgets", [True, False])
def test_a_creation_without_an_answer_makes_one_job(
    service: Tuner, tmp_path: Path, began: bool, answer: Any, forgets: bool
) -> None:
    """Whether the service began a job before the connection broke or not; whether it keeps metadata or not."""
    service.forgets = forgets
    if began:
        told = once("POST", JOBS, answer)
        service.after = told
    else:
        service.before = once("POST", JOBS, answer)
    done, _ = train(service.url, tmp_path)
    assert done.failure is None and list(service.jobs) == ["ftjob-1"]


def test_a_creation_that_is_never_answered_is_an_error_of_the_outside(
    service: Tuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosted_job, "_TRIES", 2)
    service.before = once("POST", JOBS, error(503, "overloaded"), times=99)
    with pytest.raises(OutsideError, match="HTTP 503: overloaded"):
        train(service.url, tmp_path)
    assert service.jobs == {}


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="cannot be reached"):
        train(unused_url(), tmp_path)


def test_a_slow_service_is_not_in_time(
    service: Tuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ftgate.edges.hosted_api._RETRIES", 0)
    service.slow = 0.6
    with pytest.raises(OutsideError, match="did not answer in time"):
        train(service.url, tmp_path, hosted={"timeout_seconds": 0.2})
    service.slow = 0.0


def test_a_job_that_is_stuck_is_cancelled_at_the_deadline(service: Tuner, tmp_path: Path) -> None:
    service.path = ["queued"]
    with pytest.raises(OutsideError, match=r"ftjob-1 has not ended within .* was cancelled there"):
        train(service.url, tmp_path, hosted={"deadline_hours": 1 / 3600})
    assert service.jobs["ftjob-1"]["status"] == "cancelled" and service.files == {}


# Whose fault it is


def fails(code: str, message: str, param: str | None) -> dict[str, Any]:
    return {"code": code, "message": message, "param": param}


def test_a_job_that_failed_for_its_data_says_why(service: Tuner, tmp_path: Path) -> None:
    service.path = ["validating_files", "failed"]
    service.fails = fails("invalid_training_file", "Line 3 has no assistant", "training_file")
    done, _ = train(service.url, tmp_path)
    assert done.failure is not None
    assert "refused the data: Line 3 has no assistant, invalid_training_file, training_file" in done.failure
    assert done.adapter_sha256 == "" and service.files == {}


def test_a_job_that_failed_for_the_account_is_the_outside_s(service: Tuner, tmp_path: Path) -> None:
    service.path = ["queued", "failed"]
    service.fails = fails("exceeded_quota", "You exceeded your current quota", None)
    with pytest.raises(OutsideError, match="ftjob-1 failed: You exceeded your current quota, exceeded_quota"):
        train(service.url, tmp_path)
    service.path = ["queued", "succeeded"]
    done, _ = train(service.url, tmp_path)
    assert done.failure is None and list(service.jobs) == ["ftjob-1", "ftjob-2"], "a new job, once paid"


def test_a_file_that_the_service_cannot_read_is_the_data_s_fault(service: Tuner, tmp_path: Path) -> None:
    service.file_status = ["uploaded", "error"]
    done, _ = train(service.url, tmp_path)
    assert done.failure is not None and done.failure.endswith(".jsonl: line 3 is no example")
    assert service.jobs == {} and service.files == {}


def test_a_creation_that_is_refused_for_the_data(service: Tuner, tmp_path: Path) -> None:
    answer = error(400, "too few examples", code="invalid_n_examples", param="training_file")
    service.before = once("POST", JOBS, answer)
    done, _ = train(service.url, tmp_path)
    assert done.failure is not None and "refused the data: too few examples" in done.failure


def test_a_job_that_somebody_cancelled(service: Tuner, tmp_path: Path) -> None:
    service.path = ["queued", "cancelled"]
    with pytest.raises(OutsideError, match="ftjob-1 was cancelled there"):
        train(service.url, tmp_path)
    service.path = ["queued", "succeeded"]
    done, _ = train(service.url, tmp_path)
    assert done.model.endswith("ftjob-2")


@pytest.mark.parametrize(
    ("answer", "error_of", "says"),
    [
        (error(401, f"Incorrect API key provided: {KEY}"), OutsideError, "HTTP 401"),
        (error(403, "no access"), OutsideError, "this key may not use"),
        (error(404, "no such model", code="model_not_found"), SettingsError, "has no model"),
    ],
)
def test_access_is_looked_at_before_anything_is_uploaded(
    service: Tuner, tmp_path: Path, answer: Answer, error_of: type[Exception], says: str
) -> None:
    service.before = lambda method, path, body: (
        answer if path in (f"/models/{BASE}", "/chat/completions") else None
    )
    with pytest.raises(error_of, match=says) as raised:
        train(service.url, tmp_path)
    assert KEY not in str(raised.value)
    assert "/files" not in service.paths("POST")


def test_a_service_that_lists_no_models_is_asked_for_a_word(service: Tuner, tmp_path: Path) -> None:
    service.before = lambda method, path, body: error(404, "?") if path.startswith("/models") else None
    done, _ = train(service.url, tmp_path)
    assert done.failure is None and "/chat/completions" in service.paths("POST")


def test_a_model_that_cannot_be_tuned_is_the_settings_fault(service: Tuner, tmp_path: Path) -> None:
    answer = error(
        400, f"Model {BASE} is not available for fine-tuning", code="model_not_available", param="model"
    )
    service.before = once("POST", JOBS, answer)
    with pytest.raises(SettingsError, match=r"base_model: .* does not tune"):
        train(service.url, tmp_path)


def test_a_model_that_is_shut_down_is_not_tuned(service: Tuner, tmp_path: Path) -> None:
    service.models[BASE]["shutdown_date"] = "2026-01-02"
    with pytest.raises(OutsideError, match="was shut down") as raised:
        train(service.url, tmp_path)
    assert "QLoRA" in raised.value.advice and "/files" not in service.paths("POST")


class At:
    """A clock that stands still at a day."""

    def __init__(self, day: str) -> None:
        self._day = day

    def now(self) -> str:
        return f"{self._day}T12:00:00Z"

    def seconds(self) -> float:
        return 0.0


def openai(service: Tuner, tmp_path: Path, day: str) -> Training:
    """A training at what says it is OpenAI's own host (the requests go to loopback), on a day."""
    chosen = settings(service.url)
    service.now = lambda: datetime.fromisoformat(f"{day}T23:00:00Z").timestamp()
    return trainer(chosen, At(day), host="api.openai.com").train(job(tmp_path, chosen), FakeProgress())


def test_openai_takes_no_new_jobs_after_its_last_day(service: Tuner, tmp_path: Path) -> None:
    assert openai(service, tmp_path / "a", "2027-01-06").failure is None
    service.jobs.clear()
    service.tuned.clear()
    with pytest.raises(OutsideError, match="no new fine-tuning jobs after 2027-01-06") as raised:
        openai(service, tmp_path / "b", "2027-01-07")
    assert "training.hosted.base_url" in raised.value.advice and "QLoRA" in raised.value.advice
    assert service.paths("POST").count("/files") == 2, "the two of the first training"


def test_a_job_that_was_begun_in_time_is_followed_after_the_last_day(service: Tuner, tmp_path: Path) -> None:
    service.before = once("GET", f"{JOBS}/ftjob-1", error(400, "later"))
    with pytest.raises(OutsideError, match="later"):
        openai(service, tmp_path, "2027-01-06")
    assert openai(service, tmp_path, "2027-01-07").model.endswith("ftjob-1")


def test_a_price_above_the_ceiling_uploads_nothing(service: Tuner, tmp_path: Path) -> None:
    prices = Prices(as_of="2026-11-01", per_million_tokens=25.0)
    done, _ = train(service.url, tmp_path, preflight=Preflight(max_cost=0.001, prices=prices))
    assert done.failure is not None and "would cost about 0.02 USD" in done.failure
    assert "price of 2026-11-01" in done.failure and service.paths("POST") == []
    done, progress = train(service.url, tmp_path, preflight=Preflight(max_cost=1.0, prices=prices))
    assert done.failure is None and any("cost about" in text for text in (*done.events, *progress.said))


def test_data_that_the_service_would_refuse_is_not_sent(service: Tuner, tmp_path: Path) -> None:
    chosen = settings(service.url)
    wrong = (replace(EXAMPLES[0], messages=EXAMPLES[0].messages[::-1]), *EXAMPLES[1:])
    done = trainer(chosen).train(job(tmp_path, chosen, wrong), FakeProgress())
    assert done.failure is not None and "a.jsonl:1: its last message is not the assistant's" in done.failure
    assert service.traffic == []


# One key, one job


def test_a_lost_workspace_finds_its_job(service: Tuner, tmp_path: Path) -> None:
    first, _ = train(service.url, tmp_path / "a")
    for forgets in (False, True):
        if forgets:
            service.jobs["ftjob-1"]["metadata"] = None
        again, _ = train(service.url, tmp_path / f"b{forgets}")
        assert again.model == first.model and len(service.jobs) == 1
        assert any("begun before" in event for event in again.events)


def test_the_job_is_found_behind_pages_of_others(service: Tuner, tmp_path: Path) -> None:
    first, _ = train(service.url, tmp_path / "a")
    mine = service.jobs["ftjob-1"]
    for number in range(2, 12):
        other = {
            "id": f"ftjob-{number}",
            "metadata": None,
            "fine_tuned_model": None,
            "training_file": "file-x",
        }
        service.jobs[f"ftjob-{number}"] = mine | other
    again, _ = train(service.url, tmp_path / "b")
    assert again.model == first.model and len(service.jobs) == 11


def test_a_list_without_a_cursor_ends(service: Tuner, tmp_path: Path) -> None:
    train(service.url, tmp_path / "a")
    page = {
        "object": "list",
        "data": [service.jobs["ftjob-1"] | {"metadata": None, "fine_tuned_model": None}],
    }
    service.before = lambda method, path, body: (
        (200, {**page, "has_more": True}) if (method, path) == ("GET", JOBS) else None
    )
    train(service.url, tmp_path / "b")
    assert len(service.jobs) == 2


def test_a_model_that_was_deleted_is_tuned_again(service: Tuner, tmp_path: Path) -> None:
    first, _ = train(service.url, tmp_path / "a")
    del service.models[first.model]
    again, _ = train(service.url, tmp_path / "b")
    assert again.model.endswith("ftjob-2") and again.model in service.models


def test_of_two_machines_at_the_same_moment_one_begins(service: Tuner, tmp_path: Path) -> None:
    def twin(method: str, path: str, answer: Any) -> None:
        if (method, path) == ("POST", JOBS):
            mine = service.jobs["ftjob-1"]
            service.jobs["ftjob-0"] = mine | {"id": "ftjob-0", "created_at": mine["created_at"] - 1}
            service.stand_in("ftjob-0", "ftjob-1")

    service.after = twin
    done, progress = train(service.url, tmp_path)
    assert done.model.endswith("ftjob-0") and service.jobs["ftjob-1"]["status"] == "cancelled"
    assert any("of another machine; of ftjob-1: it was cancelled there" in text for text in progress.said)


def test_what_the_settings_choose_is_asked_for(service: Tuner, tmp_path: Path) -> None:
    train(service.url, tmp_path, epochs=2, batch_size=4, seed=7, hosted={"learning_rate_multiplier": 0.5})
    [sent] = [each.body for each in service.traffic if (each.method, each.path) == ("POST", JOBS)]
    chosen = {"n_epochs": 2, "batch_size": 4, "learning_rate_multiplier": 0.5}
    assert sent["method"]["supervised"]["hyperparameters"] == chosen and sent["seed"] == 7


def test_a_list_that_lags_makes_no_second_job_where_the_idempotency_key_is_heeded(
    service: Tuner, tmp_path: Path
) -> None:
    service.honours_idempotency = True
    left = [1]

    def lagging(method: str, path: str, body: Any) -> Any:
        nothing = {"object": "list", "data": [], "has_more": False}
        return (200, nothing) if (method, path) == ("GET", JOBS) else None

    def broken(method: str, path: str, answer: Any) -> Any:
        if (method, path) == ("POST", JOBS) and left[0]:
            left[0] -= 1
            return RESET
        return None

    service.before, service.after = lagging, broken
    done, _ = train(service.url, tmp_path)
    assert done.failure is None and list(service.jobs) == ["ftjob-1"]
    assert service.paths("POST").count(JOBS) == 2


def test_a_quota_is_not_asked_for_again(service: Tuner, tmp_path: Path) -> None:
    answer = error(429, "You exceeded your current quota", code="insufficient_quota")
    service.before = once("POST", JOBS, answer)
    with pytest.raises(OutsideError, match="HTTP 429: You exceeded"):
        train(service.url, tmp_path)
    done, _ = train(service.url, tmp_path)
    assert done.failure is None and list(service.jobs) == ["ftjob-1"]


def test_another_key_is_another_job(service: Tuner, tmp_path: Path) -> None:
    train(service.url, tmp_path / "a")
    chosen = settings(service.url)
    other = replace(job(tmp_path / "b", chosen), key="f" * 64)
    trainer(chosen).train(other, FakeProgress())
    assert len(service.jobs) == 2
