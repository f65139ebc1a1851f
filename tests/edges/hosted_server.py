"""A service on loopback that tunes as OpenAI's does: files, jobs, events, checkpoints, models, chat completions.

What it tunes is real in its small way: a tuned model answers as the most alike of its training examples does, so wrong
labels in a file are wrong answers later. Every request and every answer is held against OpenAI's published types (see
hosted_contract.py).
"""

import base64
import email.parser
import email.policy
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.edges.hosted_contract import Exchange, violations
from tests.edges.servers import Handler, serving

BASE = "tiny-hosted-2026-01-01"
RESET = "reset"  # an answer: hang up instead
KEY = "sk-loopback"

Answer = tuple[int, Any]
Before = Callable[[str, str, Any], "Answer | str | None"]


class Tuner:
    """State and behaviour. `before(method, path, body)` may answer instead; `after` is told of what was answered.

    A job goes on by a step of `path` each time that somebody looks at it. `fails` ends jobs with an error, `losses`
    says what result files hold, `page` is the largest page. `forgets` drops metadata, as some services do. The next
    `cuts` uploads are cut off in the middle.
    """

    def __init__(self) -> None:
        self.url = ""
        self.page = 3
        self.files: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.models: dict[str, dict[str, Any]] = {BASE: {"created": 1767225600, "owned_by": "loopback"}}
        self.tuned: dict[str, list[tuple[set[str], str]]] = {}
        self.traffic: list[Exchange] = []
        self.keys: set[str] = set()
        self.idempotent: dict[str, str] = {}
        self.path = ["validating_files", "queued", "running", "running", "succeeded"]
        self.fails: dict[str, Any] | None = None
        self.losses: Callable[[int], str] = csv_of
        self.encoded = True
        self.steps = 12
        self.tells_steps = True
        self.forgets = False
        self.honours_idempotency = False
        self.deaf = False
        self.slow = 0.0
        self.cuts = 0
        self.now = time.time
        self.file_status = ["uploaded", "processed"]
        self.before: Before = lambda method, path, body: None
        self.after: Before = lambda method, path, answer: None
        self._looks: dict[str, int] = {}
        self._asked: dict[str, tuple[bytes, str]] = {}
        self._lock = Lock()

    def paths(self, method: str) -> list[str]:
        return [each.path for each in self.traffic if each.method == method]

    def wrong(self) -> list[str]:
        """What of the traffic is not as OpenAI describes it."""
        return [problem for each in self.traffic for problem in violations(each)]

    def stand_in(self, id: str, other: str) -> None:
        """A job that goes the way of another."""
        self.events[id], self._looks[id], self._asked[id] = [], 0, self._asked[other]

    def answer(self, method: str, target: str, headers: Message, raw: bytes) -> Answer | str:
        time.sleep(self.slow)
        parts = urlsplit(target)
        path = parts.path.removeprefix("/v1")
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body = _body(headers, raw)
        self.keys.add(headers.get("Authorization", ""))
        with self._lock:
            instead = self.before(method, path, body)
            answer = instead if instead is not None else self._route(method, path, query, body, headers)
            if not isinstance(answer, str) and instead is None:
                self.traffic.append(
                    Exchange(
                        method=method,
                        path=path,
                        query=query,
                        body=body,
                        status=answer[0],
                        answer=answer[1],
                    )
                )
            return self.after(method, path, answer) or answer

    def _route(  # noqa: C901 - a table of endpoints
        self, method: str, path: str, query: dict[str, str], body: Any, headers: Message
    ) -> Answer:
        match method, path.strip("/").split("/"):
            case "POST", ["files"]:
                return self._upload(body)
            case "GET", ["files"]:
                return self._list(list(self.files.values())[::-1], query)
            case "GET", ["files", id] if id in self.files:
                return 200, self._processed(id)
            case "GET", ["files", id, "content"] if id in self.contents:
                return 200, self.contents[id]
            case "DELETE", ["files", id] if id in self.files:
                del self.files[id], self.contents[id]
                return 200, {"id": id, "object": "file", "deleted": True}
            case "POST", ["fine_tuning", "jobs"]:
                return self._create(body, headers.get("Idempotency-Key", ""))
            case "GET", ["fine_tuning", "jobs"]:
                return self._list(list(self.jobs.values())[::-1], query)
            case "GET", ["fine_tuning", "jobs", id] if id in self.jobs:
                return 200, self._advanced(id)
            case "POST", ["fine_tuning", "jobs", id, "cancel"] if id in self.jobs:
                return self._cancel(id)
            case "GET", ["fine_tuning", "jobs", id, "events"] if id in self.jobs:
                return self._list(self.events[id][::-1], query)
            case "GET", ["fine_tuning", "jobs", id, "checkpoints"] if id in self.jobs:
                return self._list(self._checkpoints(id), query)
            case "GET", ["models", *name]:
                return self._model("/".join(name))
            case "POST", ["chat", "completions"]:
                return self._chat(body)
        return error(404, f"Not found: {method} {path}")

    def _list(self, entries: list[dict[str, Any]], query: Mapping[str, str]) -> Answer:
        ids = [each["id"] for each in entries]
        start = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
        size = min(self.page, int(query.get("limit", 20)))
        rest = entries[start:]
        return 200, {"object": "list", "data": rest[:size], "has_more": len(rest) > size}

    def _upload(self, body: Any) -> Answer:
        id = f"file-{len(self.contents) + len(self.traffic)}"
        name, content = body["file"]
        self.contents[id] = content
        self.files[id] = {
            "id": id,
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "filename": name,
            "purpose": body["purpose"],
            "status": self.file_status[0],
        }
        return 200, dict(self.files[id])

    def _processed(self, id: str) -> dict[str, Any]:
        self.files[id]["status"] = self.file_status[-1]
        if self.file_status[-1] == "error":
            self.files[id]["status_details"] = "line 3 is no example"
        return self.files[id]

    def _create(self, body: dict[str, Any], idempotency: str) -> Answer:
        if self.honours_idempotency and idempotency in self.idempotent:
            return 200, self.jobs[self.idempotent[idempotency]]
        if body["model"] not in self.models:
            return error(400, f"{body['model']} cannot be tuned", code="model_not_available", param="model")
        if body["training_file"] not in self.files:
            return error(400, "no such file", code="invalid_training_file", param="training_file")
        id = f"ftjob-{len(self.jobs) + 1}"
        parameters = body["method"]["supervised"]["hyperparameters"]
        self.jobs[id] = {
            "id": id,
            "object": "fine_tuning.job",
            "created_at": int(self.now()),
            "error": None,
            "fine_tuned_model": None,
            "finished_at": None,
            "hyperparameters": {"batch_size": "auto", "learning_rate_multiplier": "auto", **parameters},
            "model": body["model"],
            "organization_id": "org-loopback",
            "result_files": [],
            "seed": body["seed"],
            "status": self.path[0],
            "trained_tokens": None,
            "training_file": body["training_file"],
            "validation_file": body.get("validation_file"),
            "metadata": None if self.forgets else body.get("metadata"),
            "method": body["method"],
        }
        self.idempotent[idempotency] = id
        self.events[id], self._looks[id] = [], 0
        self._asked[id] = (self.contents[body["training_file"]], body["suffix"])
        self._happen(id, "Created fine-tuning job", {})
        return 200, dict(self.jobs[id])

    def _advanced(self, id: str) -> dict[str, Any]:
        job = self.jobs[id]
        if job["status"] in ("succeeded", "failed", "cancelled"):
            return job
        self._looks[id] += 1
        job["status"] = self.path[min(self._looks[id], len(self.path) - 1)]
        share = min(1.0, self._looks[id] / max(1, len(self.path) - 1))
        if job["status"] in ("running", "succeeded"):
            for step in range(1, int(self.steps * share) + 1):
                if all(event["data"].get("step") != step for event in self.events[id]):
                    self._metrics(id, step)
        if job["status"] == "succeeded":
            self._finish(id)
        if job["status"] == "failed":
            job["error"] = self.fails
        return job

    def _metrics(self, id: str, step: int) -> None:
        message = f"Step {step}/{self.steps}: training loss={_loss(step):.2f}"
        data = {"step": step, "train_loss": _loss(step), "total_steps": self.steps}
        if self.tells_steps:
            self._happen(id, message, data, "metrics")
        else:
            self._happen(id, f"epoch finished, part {step}", {})

    def _finish(self, id: str) -> None:
        job = self.jobs[id]
        content, suffix = self._asked[id]
        name = f"ft:{job['model']}:loopback:{suffix}:{id}"
        result = f"file-result-{id}"
        table = self.losses(self.steps).encode()
        self.contents[result] = base64.b64encode(table) if self.encoded else table
        lines = [json.loads(line) for line in content.splitlines()]
        self.tuned[name] = [(_words(line["messages"]), line["messages"][-1]["content"]) for line in lines]
        self.models[name] = {"created": int(time.time()), "owned_by": "org-loopback"}
        tokens = sum(len(line) for line in content.splitlines()) // 4
        job |= {
            "fine_tuned_model": name,
            "finished_at": int(time.time()),
            "result_files": [result],
            "trained_tokens": tokens * job["hyperparameters"]["n_epochs"],
        }

    def _happen(self, id: str, message: str, data: dict[str, Any], type: str = "message") -> None:
        self.events[id].append(
            {
                "id": f"ftevent-{id}-{len(self.events[id])}",
                "object": "fine_tuning.job.event",
                "created_at": int(time.time()),
                "level": "info",
                "message": message,
                "data": data,
                "type": type,
            }
        )

    def _cancel(self, id: str) -> Answer:
        job = self.jobs[id]
        if job["status"] in ("succeeded", "failed", "cancelled"):
            return error(400, f"Job {id} has ended already: {job['status']}")
        job["status"] = "cancelled"
        return 200, dict(job)

    def _checkpoints(self, id: str) -> list[dict[str, Any]]:
        job = self.jobs[id]
        if job["status"] != "succeeded":
            return []
        return [
            {
                "id": f"ftckpt-{id}-{step}",
                "object": "fine_tuning.job.checkpoint",
                "created_at": int(time.time()),
                "fine_tuned_model_checkpoint": f"{job['fine_tuned_model']}:ckpt-step-{step}",
                "fine_tuning_job_id": id,
                "step_number": step,
                "metrics": {"step": float(step), "full_valid_loss": _loss(step) + 0.1},
            }
            for step in (self.steps, self.steps * 2 // 3, self.steps // 3)
        ]

    def _model(self, name: str) -> Answer:
        if name not in self.models:
            return error(404, f"The model '{name}' does not exist", code="model_not_found", param="model")
        return 200, {"id": name, "object": "model", **self.models[name]}

    def _chat(self, body: dict[str, Any]) -> Answer:
        name = body["model"]
        if name not in self.models:
            return error(404, f"The model '{name}' does not exist", code="model_not_found", param="model")
        known = [] if self.deaf else self.tuned.get(name, [])
        asked = _words([*body["messages"], {}])
        likeness = [(len(asked & words) / len(asked | words), text) for words, text in known]
        share, text = max(likeness, default=(0.9, "I am not sure what you mean."))
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": text, "refusal": None},
            "logprobs": None,
        }
        if body.get("logprobs"):
            choice["logprobs"] = {"content": [_likely(text[:4], share)], "refusal": None}
        read = sum(len(each["content"]) for each in body["messages"]) // 4
        return 200, {
            "id": f"chatcmpl-{len(self.traffic)}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": name,
            "choices": [choice],
            "usage": {
                "prompt_tokens": read,
                "completion_tokens": len(text) // 4 + 1,
                "total_tokens": read + len(text) // 4 + 1,
            },
        }


def error(status: int, message: str, code: str | None = None, param: str | None = None) -> Answer:
    """An error in the form of the API."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return status, {"error": {"message": message, "type": kind, "param": param, "code": code}}


def csv_of(steps: int) -> str:
    """A result file: training loss at every step, that of the whole held-out set at every third."""
    rows = ["step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy,full_valid_loss"]
    for step in range(1, steps + 1):
        whole = f"{_loss(step) + 0.1:.5f}" if step % 3 == 0 else ""
        rows.append(f"{step},{_loss(step):.5f},0.9,{_loss(step) + 0.3:.5f},0.8,{whole}")
    return "\n".join(rows) + "\n"


def _loss(step: int) -> float:
    return round(2.0 * math.exp(-step / 5) + 0.05, 5)


def _likely(text: str, share: float) -> dict[str, Any]:
    found = {"token": text, "logprob": math.log(max(share, 0.01)), "bytes": list(text.encode())}
    return {**found, "top_logprobs": [found]}


def _words(messages: list[dict[str, Any]]) -> set[str]:
    """Words of the user turns, the last message (the reply) left out."""
    said = " ".join(each["content"] for each in messages[:-1] if each["role"] == "user")
    return set("".join(c if c.isalnum() else " " for c in said.lower()).split())


def _body(headers: Message, raw: bytes) -> Any:
    kind = headers.get("Content-Type", "")
    if kind.startswith("multipart/form-data"):
        parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
            f"Content-Type: {kind}\r\n\r\n".encode() + raw
        )
        fields: dict[str, Any] = {}
        for part in parsed.iter_parts():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes) and isinstance(name, str)
            named = part.get_filename()
            fields[name] = (named, content) if named else content.decode()
        return fields
    return json.loads(raw) if raw else None


@contextmanager
def tuning() -> Iterator[Tuner]:
    """A service that runs until the end of the block."""
    service = Tuner()

    class Served(Handler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if self.command == "POST" and self.path == "/v1/files" and service.cuts:
                service.cuts -= 1
                self.rfile.read(length // 2)
                self.reset()
                return
            raw = self.rfile.read(length)
            answer = service.answer(self.command, self.path, self.headers, raw)
            if isinstance(answer, str):
                self.reset()
                return
            self.reply(*answer)

        do_GET = do_POST = do_DELETE = _any

    with serving(Served) as url:
        service.url = f"{url}/v1"
        yield service
