"""A second opinion: a training at a mock of OpenAI's API that others wrote.

Needs `llmock` of @copilotkit/aimock 1.43 (npm) and Node 20 on PATH; skipped elsewhere. It tunes nothing and keeps no
result file, so what is seen here is that its idea of files, jobs, events and pages is ours too.
"""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftgate.edges.hosted_trainer import HostedTrainer
from tests.edges.hosted_child import TRAINING_KEY, job, settings, trainer
from tests.edges.hosted_server import BASE
from tests.fakes import FakeProgress

pytestmark = pytest.mark.filterwarnings("default")

HELLO = {"fixtures": [{"match": {"userMessage": "Hello"}, "response": {"content": "Hi"}}]}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    program = shutil.which("llmock")
    if program is None:
        pytest.skip("llmock is not on PATH: npm install -g @copilotkit/aimock")
    (tmp_path / "hello.json").write_text(json.dumps(HELLO))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        program,
        "--port",
        str(port),
        "--fixtures",
        str(tmp_path / "hello.json"),
        "--log-level",
        "silent",
    ]
    running = subprocess.Popen(command)
    try:
        wait(f"http://127.0.0.1:{port}/v1/models")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        running.terminate()
        running.wait(10)


def wait(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(url).close()
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"nobody answers at {url}")


def listed(url: str, what: str) -> list[dict[str, object]]:
    with urllib.request.urlopen(f"{url}/{what}") as answer:
        found = json.load(answer)["data"]
    assert isinstance(found, list)
    return found


def test_files_and_jobs_of_another_mock(url: str, tmp_path: Path) -> None:
    chosen = settings(url, hosted={"delete_files": False})
    service: HostedTrainer = trainer(chosen)
    progress = FakeProgress()
    done = service.train(job(tmp_path / "first", chosen), progress)
    assert done.failure is None and done.model.startswith(f"ft:{BASE}:aimock:ftgate-{TRAINING_KEY[:12]}:")
    assert any("is queued" in text for text in progress.said) and any(
        "Training started" in t for t in progress.said
    )
    assert done.events[-1] == "the service told no losses"
    assert {file["purpose"] for file in listed(url, "files")} == {"fine-tune"}

    again = service.train(job(tmp_path / "lost", chosen), FakeProgress())
    assert again.model == done.model and len(listed(url, "fine_tuning/jobs")) == 1

    cleaned = settings(url)
    trainer(cleaned).train(job(tmp_path / "third", cleaned), FakeProgress())
    assert listed(url, "files") == []
