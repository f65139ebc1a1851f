"""A service that says what is not so: no answer of it is believed further than it can be."""

from pathlib import Path
from typing import Any

import pytest

from ftgate.errors import OutsideError
from tests.edges.hosted_child import train
from tests.edges.hosted_server import Tuner
from tests.edges.test_hosted_trainer import JOBS, once, quick, service

__all__ = ["quick", "service"]  # fixtures

pytestmark = pytest.mark.filterwarnings("default")

JOB = f"{JOBS}/ftjob-1"
NO_JSON = (200, b"<html>502 Bad Gateway</html>", {"Content-Type": "text/html"})
GARBAGE = {
    "html": NO_JSON,
    "nothing": (200, b""),
    "null": (200, b"null"),
    "a list": (200, b"[]"),
    "no id": (200, {"object": "fine_tuning.job"}),
    "another type": (200, {"id": 7, "object": "x", "status": ["running"], "created_at": "soon"}),
    "bytes": (200, b"\xff\xfe\x00{"),
    "a status that nobody knows": (200, {"id": "ftjob-1", "status": "pondering"}),
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/files"), ("POST", "/files"), ("GET", JOBS), ("POST", JOBS), ("GET", JOB)],
)
def test_an_answer_that_is_garbage_is_the_outside_s_fault_and_makes_no_second_job(
    service: Tuner, tmp_path: Path, method: str, path: str, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ftgate.edges.hosted_job._TRIES", 2)
    service.before = once(method, path, answer, times=99)
    try:
        train(service.url, tmp_path, hosted={"timeout_seconds": 0.5, "deadline_hours": 1 / 3600})
    except OutsideError as refused:
        assert refused.message and "Traceback" not in refused.message
    service.before = lambda method, path, body: None
    done, _ = train(service.url, tmp_path)
    assert done.failure is None
    running = [job for job in service.jobs.values() if job["status"] != "cancelled"]
    assert len(running) == 1 and service.files == {}


def test_a_success_without_a_model_is_waited_for(service: Tuner, tmp_path: Path) -> None:
    """Where the name of the model comes late, one look later is no new job."""

    def late(method: str, path: str, body: Any) -> Any:
        if (method, path) != ("GET", JOB) or "ftjob-1" not in service.jobs or left[0] == 0:
            return None
        left[0] -= 1
        return 200, {**service.jobs["ftjob-1"], "status": "succeeded", "finished_at": 1767225600}

    left = [3]
    service.before = late
    done, _ = train(service.url, tmp_path)
    assert done.failure is None and done.model and len(service.jobs) == 1


def test_a_success_that_never_has_a_model_is_over(service: Tuner, tmp_path: Path) -> None:
    """It is no pass, its files go, and the next run begins anew instead of asking for ever."""
    service.after = _nameless(service)
    with pytest.raises(OutsideError, match="ftjob-1 succeeded and names no model"):
        train(service.url, tmp_path, hosted={"timeout_seconds": 0.3})
    assert service.files == {}
    service.after = lambda method, path, answer: None
    done, _ = train(service.url, tmp_path)
    assert done.failure is None and done.model.endswith("ftjob-2")


def _nameless(service: Tuner) -> Any:
    def after(method: str, path: str, answer: Any) -> Any:
        if (method, path) == ("GET", JOB) and service.jobs["ftjob-1"]["status"] == "succeeded":
            service.jobs["ftjob-1"]["fine_tuned_model"] = None
            return 200, dict(service.jobs["ftjob-1"])
        return None

    return after


@pytest.mark.parametrize("workspace", ["same", "lost"])
def test_a_success_that_is_listed_as_failed_later_is_begun_anew(
    service: Tuner, tmp_path: Path, workspace: str
) -> None:
    first, _ = train(service.url, tmp_path / "same")
    service.jobs["ftjob-1"] |= {
        "status": "failed",
        "fine_tuned_model": None,
        "error": {"code": "server_error", "message": "revoked", "param": None},
    }
    del service.models[first.model]
    if workspace == "same":
        with pytest.raises(OutsideError, match="ftjob-1 failed: revoked"):
            train(service.url, tmp_path / workspace)
    done, _ = train(service.url, tmp_path / workspace)
    assert done.failure is None and done.model.endswith("ftjob-2") and service.files == {}
