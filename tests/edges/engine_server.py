"""A server on loopback that speaks as vLLM does, with the bundled model behind it: its completions are real."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ftgate.edges import loading
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.completer import LocalCompleter
from ftgate.edges.judge_api import Address
from ftgate.edges.server_completer import ServerCompleter
from ftgate.edges.tokens import prompt_ids
from ftgate.ports import CompletionJob, Sampling
from ftgate.values.dataset import Message
from ftgate.values.evaluation import Prompt
from ftgate.values.settings import ServerSettings
from tests.edges.servers import Handler, serving
from tests.fakes import FakeProgress

BASE = "tiny"
_TOP = 5

Answer = tuple[int, Any, dict[str, str]]


class EngineServer:
    """`before` may answer instead (with None it does not); `after` changes what would be answered.

    `deaf` answers for the base whatever adapter is asked for; `logprobs` and `version` say what it tells;
    `sglang` loads adapters at SGLang's place and takes them as base:name.
    """

    def __init__(self, method: str = "lora") -> None:
        self.url = ""
        self.adapters: dict[str, Path] = {}
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.before: Callable[[dict[str, Any]], Answer | None] = lambda body: None
        self.after: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer
        self.deaf = False
        self.sglang = False
        self.logprobs = True
        self.version = "0.11.0"
        self._method = method
        self._completer = LocalCompleter()
        self._model = BaseModels().resolve(BUNDLED, None)
        self._one_at_a_time = threading.Lock()

    def completer(self, **settings: Any) -> ServerCompleter:
        chosen = ServerSettings(**{"retries": 0, "timeout_seconds": 20.0, **settings})
        return ServerCompleter(chosen, Address(model=BASE, api_key="sk-secret", base_url=f"{self.url}/v1"))

    def get(self, path: str) -> Answer:
        owner = "sglang" if self.sglang else "vllm"
        if path == "/v1/models":
            return 200, {"data": [{"id": name, "owned_by": owner} for name in (BASE, *self.adapters)]}, {}
        if path == ("/server_info" if self.sglang else "/version") and self.version:
            return 200, {"version": self.version}, {}
        return 404, {"detail": "Not Found"}, {}

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        if path == ("/load_lora_adapter" if self.sglang else "/v1/load_lora_adapter"):
            self.adapters[body["lora_name"]] = Path(body["lora_path"])
            return 200, b"Success: LoRA adapter added.", {"Content-Type": "text/plain"}
        if path != "/v1/chat/completions":
            return 404, {"detail": "Not Found"}, {}
        with self._one_at_a_time:
            self.asked.append(body)
            instead = self.before(body)
            return instead or (200, self.after(self._chat(body)), {})

    def _chat(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body["model"].removeprefix(f"{BASE}:") if self.sglang else body["model"]
        adapter = None if self.deaf or name == BASE else self.adapters[name]
        job = self._job(body, adapter)
        [said] = self._completer.complete(job, FakeProgress())
        message = {"role": "assistant", "content": said.text}
        choice: dict[str, Any] = {"message": message, "finish_reason": said.finish}
        if body.get("logprobs") and self.logprobs:
            choice["logprobs"] = {"content": [{"top_logprobs": self._first(job)}]}
        usage = {"prompt_tokens": self._completer.prompt_tokens(job)[0], "completion_tokens": said.tokens}
        return {"model": body["model"], "choices": [choice], "usage": usage}

    def _job(self, body: dict[str, Any], adapter: Path | None) -> CompletionJob:
        drawn = body["temperature"] > 0
        messages = tuple(Message(role=m["role"], content=m["content"]) for m in body["messages"])
        return CompletionJob(
            label="served",
            base_model=self._model,
            method=self._method,
            adapter=adapter,
            prompts=(Prompt(id="p", kind="regression", protects="", messages=messages, expect={}),),
            max_new_tokens=body["max_tokens"],
            batch_size=1,
            sampling=Sampling(temperature=body["temperature"], seed=body["seed"]) if drawn else None,
        )

    def _first(self, job: CompletionJob) -> list[dict[str, Any]]:
        """Log probabilities of the likeliest first tokens, of the model as it was asked last."""
        import torch

        with loading.quiet():
            model = self._completer._prepare(job)
            ids = torch.tensor([prompt_ids(self._completer._tokenizer, job.prompts[0].messages)])
            with torch.inference_mode(), self._completer._base(model, job):
                found = model(input_ids=ids).logits[0, -1].float().log_softmax(-1).topk(_TOP)
        pairs = zip(found.indices.tolist(), found.values.tolist(), strict=True)
        return [{"token": str(token), "logprob": value} for token, value in pairs]


@contextmanager
def engine(method: str = "lora") -> Iterator[EngineServer]:
    """A server that runs until the end of the block."""
    server = EngineServer(method)

    class Served(Handler):
        def do_GET(self) -> None:
            server.keys.append(self.headers.get("Authorization") or "")
            self.reply(*server.get(self.path))

        def do_POST(self) -> None:
            self.reply(*server.post(self.path, self.body()))

    with serving(Served) as url:
        server.url = url
        yield server
