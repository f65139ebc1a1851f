"""A chat completions server on loopback with a judge behind it: honest unless told otherwise, and as strict as told."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ftgate.edges.judge_api import Address
from ftgate.edges.judge_panel import JudgePanel
from ftgate.values.settings import JudgeLimits, JudgeSettings
from tests.edges.servers import Handler, serving
from tests.judges import honest

KEY = "sk-canary-4711"
Answer = tuple[int, Any, dict[str, str]] | None
"""Status, body and headers; None resets the connection."""


def completion(content: Any, finish: str = "stop", **message: Any) -> Answer:
    """A completion as the API words it."""
    said = {"role": "assistant", "content": content, **message}
    choice = {"index": 0, "finish_reason": finish, "message": said}
    body = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "judge-1-0601",
        "choices": [choice],
    }
    return 200, body | {"usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}}, {}


def refused(status: int, message: str, *, wait: str = "1", **error: str) -> Answer:
    """An error as the API words it; `wait` is in milliseconds."""
    return status, {"error": {"message": message, "type": "x", **error}}, {"retry-after-ms": wait}


class JudgeServer:
    """What it does is in attributes, so that a test can change one thing. `asked` holds the bodies that arrived."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[dict[str, Any]] = []
        self.probes: list[dict[str, Any]] = []
        self.judge: Callable[[str], str] = honest
        self.honours: tuple[str, ...] = ("json_schema", "tool", "json_object")
        self.model = "judge-1-0601"
        self.fingerprint = "fp_a"
        self.before: Callable[[dict[str, Any]], Answer | bool] = lambda body: False
        """Looks at every question first: False goes on, anything else is the answer."""
        self.lock = threading.Lock()

    def answer(self, body: dict[str, Any]) -> Answer:
        user = body["messages"][-1]["content"]
        with self.lock:
            probing = "legs" in user and len(body["messages"]) == 1
            (self.probes if probing else self.asked).append(body)
        early = self.before(body)
        if early is not False:
            assert early is not True
            return early
        structure = structure_of(body)
        bound = structure in self.honours
        text = probed(body, bound) if probing else self.judge(user) if bound else "I would give it a 5."
        called = {"id": "1", "type": "function", "function": {"name": "grade", "arguments": text}}
        made = completion(None, tool_calls=[called]) if structure == "tool" and bound else completion(text)
        assert made is not None
        made[1].update(model=self.model, system_fingerprint=self.fingerprint)
        return made

    def panel(self, cache: Any = None, *, model: str = "judge-1", **settings: Any) -> JudgePanel:
        """The real edge in front of it, impatient."""
        limits = JudgeLimits(**{"timeout_seconds": 2, "retries": 2, **settings.pop("limits", {})})
        judge = JudgeSettings(model=model, limits=limits, **settings)
        names = [model, *(other.model for other in judge.judges)]
        return JudgePanel(judge, [Address(model=n, api_key=KEY, base_url=self.url) for n in names], cache)


def structure_of(body: dict[str, Any]) -> str:
    """The way in which a request wants its reply bound."""
    if "tools" in body:
        return "tool"
    return str(body.get("response_format", {}).get("type", "none"))


def probed(body: dict[str, Any], bound: bool) -> str:
    """The reply to the probe's question about legs: with the key of the schema only where the schema binds."""
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
    if "tools" in body:
        schema = body["tools"][0]["function"]["parameters"]
    if schema and bound:
        return json.dumps({next(iter(schema["properties"])): 4})
    key = re.search(r"legs_\w+", body["messages"][-1]["content"])
    return json.dumps({key[0]: 4}) if key and bound else "A healthy cat has four legs."


@contextmanager
def judging() -> Iterator[JudgeServer]:
    """The server, on a free port."""
    server = JudgeServer()

    class Served(Handler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.body()
            server.authorization = self.headers["Authorization"]  # type: ignore[attr-defined]
            answer = server.answer(body)
            self.reset() if answer is None else self.reply(*answer)

    with serving(Served) as url:
        server.url = f"{url}/v1"
        yield server
