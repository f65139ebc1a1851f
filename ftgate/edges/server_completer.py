"""Completions by a server behind the chat completions API: one server and the adapters it loads, for all arms."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from ftgate.edges.artefact import adapter_digest
from ftgate.edges.judge_api import Address
from ftgate.edges.server_api import Endpoint, Refused, Reply
from ftgate.edges.weights import demand_adapter, lora_b_norm
from ftgate.errors import OutsideError, SettingsError
from ftgate.ports import CompletionJob, Progress
from ftgate.values.dataset import plain_messages
from ftgate.values.evaluation import Completion, Prompt, Sentinel
from ftgate.values.settings import ServerSettings

_PROBES = 8
_PROBE_TOKENS = 16
_TOP = 5
_FLOOR = 4.0
"""By how much the adapter must differ more than two answers of the base do: a server that batches is never quite the
same twice, and noise is no proof."""


class ServerCompleter:
    """Port Completer. The server renders and tokenises prompts, with the chat template that it was started with."""

    def __init__(self, settings: ServerSettings, address: Address) -> None:
        self._settings = settings
        self._endpoint = Endpoint(address, settings)
        self._base = address.model
        self._adapters: dict[Path, str] = {}
        self._versions: dict[str, str] | None = None

    def versions(self) -> Mapping[str, str]:
        """Kind, version and host of the server. Raises SettingsError when neither server nor settings tell a version,
        and when the base model is not served."""
        if self._versions is None:
            self._versions = self._look()
        return self._versions

    def complete(self, job: CompletionJob, progress: Progress) -> list[Completion]:
        self._demand_same_server()
        if job.adapter is not None:
            self._demand(job.adapter, job)
        model = self._model(job.adapter)
        options = [self._options(job, place) for place in range(len(job.prompts))]
        replies: dict[int, Reply] = {}
        with (
            progress.task(job.label, len(job.prompts)) as task,
            ThreadPoolExecutor(self._settings.concurrency) as pool,
        ):
            asked = {
                pool.submit(self._ask, model, prompt, options[place]): place
                for place, prompt in enumerate(job.prompts)
            }
            try:
                for done in as_completed(asked):
                    replies[asked[done]] = done.result()
                    task.advance()
            finally:
                # The first failure ends the job: what still waits is not asked of a server that is gone.
                pool.shutdown(cancel_futures=True)
        return [_completion(replies[place]) for place in range(len(job.prompts))]

    def prompt_tokens(self, prompts: Sequence[Prompt]) -> list[int]:
        """How many tokens the server reads for each prompt: another chat template shows here."""
        return [self._ask(self._base, prompt, _greedy(1)).prompt_tokens for prompt in prompts]

    def sentinel(self, job: CompletionJob) -> Sentinel:
        """Log probabilities of first tokens, adapter against base; where the server gives none, the share of probes
        whose greedy answers differ. Zero unless it is well above the difference between two answers of the base."""
        if job.adapter is None:
            return Sentinel(lora_b_norm=None, logit_difference=None)
        return Sentinel(lora_b_norm=lora_b_norm(job.adapter), logit_difference=self._acts(job, job.adapter))

    def _acts(self, job: CompletionJob, adapter: Path) -> float | None:
        model = self._model(adapter)
        probes = job.prompts[:_PROBES]
        found = [self._difference(model, prompt) for prompt in probes]
        noise = max((noise for _, noise in found), default=0.0)
        largest = max((difference for difference, _ in found), default=None)
        acts = largest is not None and largest > _FLOOR * noise
        return largest if acts or largest is None else 0.0

    def _difference(self, model: str, prompt: Prompt) -> tuple[float, float]:
        """Adapter against base, and base against itself."""
        options = {**_greedy(_PROBE_TOKENS), "logprobs": True, "top_logprobs": _TOP}
        try:
            self._ask(self._base, prompt, options)
        except Refused as error:
            if error.status not in (400, 422):
                raise
            options = _greedy(_PROBE_TOKENS)
        # The first answer filled the server's prefix cache: the next ones are computed alike.
        first, second = (self._ask(self._base, prompt, options) for _ in range(2))
        adapted = self._ask(model, prompt, options)
        return min(_apart(adapted, first), _apart(adapted, second)), _apart(first, second)

    def _ask(self, model: str, prompt: Prompt, options: Mapping[str, Any]) -> Reply:
        return self._endpoint.chat(model, plain_messages(prompt.messages), options)

    def _options(self, job: CompletionJob, place: int) -> dict[str, Any]:
        if job.sampling is None:
            return _greedy(job.max_new_tokens)
        # A prompt that stands several times in a job is to be drawn anew each time.
        drawn = {"temperature": job.sampling.temperature, "seed": job.sampling.seed + place}
        return {**_greedy(job.max_new_tokens), **drawn}

    def _look(self) -> dict[str, str]:
        served = self._endpoint.models()
        found = _named(self._base, served)
        if found is None:
            listed = ", ".join(name[:80] for name in sorted(served)[:10]) or "nothing"
            raise SettingsError(
                f"evaluation.server: {self._endpoint.host} serves no model {self._base!r} (it serves {listed})",
                advice="Give evaluation.server.base the name that the base model is served under.",
            )
        version = self._endpoint.version()
        if not version and not self._settings.setup:
            raise SettingsError(
                f"evaluation.server: {self._endpoint.host} does not tell its version",
                advice="Say in evaluation.server.setup what it is (engine, version, dtype): it names completions.",
            )
        told = {
            "engine": f"{served[found] or 'server'} {version}".rstrip(),
            "host": self._endpoint.host,
            "adapters": self._settings.adapters,
        }
        return {**told, "setup": self._settings.setup} if self._settings.setup else told

    def _demand_same_server(self) -> None:
        known, now = self.versions(), self._look()
        if now != known:
            raise self._endpoint.wrong(
                f"it was {known['engine']} and is {now['engine']} now",
                "One engine answers for all arms of a run: run again.",
            )

    def _demand(self, adapter: Path, job: CompletionJob) -> None:
        """Raises OutsideError for what no server may load."""
        demand_adapter(adapter, job.base_model)

    def _model(self, adapter: Path | None) -> str:
        """The name to ask for. An adapter's is made of its digest, so that no name ever means two adapters."""
        if adapter is None:
            return self._base
        if adapter not in self._adapters:
            self._adapters[adapter] = self._served(adapter, f"ftgate-{adapter_digest(adapter)[:32]}")
        return self._adapters[adapter]

    def _served(self, adapter: Path, name: str) -> str:
        sglang = False
        if _named(name, self._endpoint.models()) is None and self._settings.adapters == "load":
            sglang = self._load(adapter, name)
        models = self._endpoint.models()
        found = _named(name, models)
        if found is None:
            raise self._endpoint.wrong(
                f"it serves no adapter {name}",
                f"Start it with this adapter, e.g. vllm serve ... --enable-lora --lora-modules {name}={adapter}",
            )
        if sglang or models[found] == "sglang":
            return f"{self._base}:{found}"  # SGLang's way to name an adapter; it would answer for the base otherwise
        return found

    def _load(self, adapter: Path, name: str) -> bool:
        try:
            return self._endpoint.load(name, str(adapter.resolve()))
        except Refused as error:
            advice = (
                "vLLM loads adapters when it is started with --enable-lora --max-lora-rank RANK and "
                "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, and must see ftgate's store under the same path."
            )
            raise OutsideError(f"adapter {name} cannot be loaded: {error.message}", advice=advice) from error


def _greedy(tokens: int) -> dict[str, Any]:
    return {"temperature": 0, "top_p": 1, "max_tokens": tokens}


def _completion(reply: Reply) -> Completion:
    return Completion(text=reply.text, finish=reply.finish, tokens=reply.tokens)


def _named(name: str, served: Mapping[str, str]) -> str | None:
    """Ollama lists its models with a tag."""
    return next((each for each in (name, f"{name}:latest") if each in served), None)


def _apart(one: Reply, other: Reply) -> float:
    """How far two answers are apart: in log probabilities of the tokens that both have, else in being different."""
    shared = one.first.keys() & other.first.keys()
    if one.first and other.first:
        return max((abs(one.first[token] - other.first[token]) for token in shared), default=1.0)
    return float(one.text != other.text)
