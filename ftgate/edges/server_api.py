"""A server behind the chat completions API, as an engine: what it serves, its version, adapters, and single answers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from ftgate.edges.judge_api import Address
from ftgate.errors import OutsideError
from ftgate.values.settings import ServerSettings

if TYPE_CHECKING:
    from openai import OpenAI

_SHOWN = 200
_GARBLED = 3
"""Attempts at an answer that cannot be read; what the server refuses is tried again by the client itself."""
_VERSIONS = ("/version", "/api/version", "/server_info", "/get_server_info")
"""Where vLLM, Ollama and SGLang tell their version."""
_ALIVE = "See that the server runs and takes the load (evaluation.server in ftgate.yaml), and run again."
_KEY = "Set the variable that evaluation.server.api_key_env names to a key that the server accepts."


class Reply(Struct, frozen=True, kw_only=True):
    """One answer. `tokens` are those generated and `prompt_tokens` those read, as the server counts them;
    `first` holds log probabilities of the likeliest first tokens, and is empty where the server gives none."""

    text: str
    finish: Literal["stop", "length"]
    tokens: int
    prompt_tokens: int
    first: Mapping[str, float] = {}


class Refused(OutsideError):
    """The server answered with an HTTP status that says no."""

    def __init__(self, message: str, *, status: int, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.status = status


class Endpoint:
    """Asks one server. Every failure is an OutsideError: what was not answered is never taken for an empty answer.

    The client waits and asks again on 429 (as long as Retry-After says), 5xx, timeouts and broken connections.
    """

    def __init__(self, address: Address, settings: ServerSettings) -> None:
        self.host = address.host
        self._address = address
        self._settings = settings
        parts = urlsplit(address.base_url)
        self._root = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/v1')}"
        self._client: OpenAI | None = None

    def models(self) -> dict[str, str]:
        """Names that the server serves, and who owns each: for most servers, the server's own kind."""
        answer = self._get("models")
        listed = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(listed, list):
            raise self.wrong("its list of models cannot be read")
        named = [each for each in listed if isinstance(each, dict) and isinstance(each.get("id"), str)]
        return {each["id"]: str(each.get("owned_by") or "") for each in named}

    def version(self) -> str:
        """The server's version; "" where it tells none."""
        for path in _VERSIONS:
            try:
                answer = self._get(self._root + path)
            except Refused:
                continue
            if isinstance(answer, dict) and isinstance(answer.get("version"), str):
                return str(answer["version"])[:_SHOWN]
        return ""

    def load(self, name: str, path: str) -> bool:
        """Asks for an adapter to be loaded, as vLLM wants it and else as SGLang does. Whether it was SGLang's way."""
        body = {"lora_name": name, "lora_path": path}
        try:
            self._post("load_lora_adapter", body)
        except Refused as error:
            if error.status not in (404, 405):
                raise
            self._post(f"{self._root}/load_lora_adapter", body)
            return True
        return False

    def chat(self, model: str, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> Reply:
        """One answer of a model. Raises OutsideError unless it is whole and says how it ended."""
        body = {**self._settings.extra_body, "model": model, "messages": list(messages), **options}
        for _ in range(_GARBLED - 1):
            try:
                return self._reply(model, self._post("chat/completions", body))
            except _Garbled:
                continue
        return self._reply(model, self._post("chat/completions", body))

    def wrong(self, why: str, advice: str = _ALIVE) -> OutsideError:
        """An error that names the server."""
        return OutsideError(f"the engine at {self.host}: {why}", advice=advice)

    def _reply(self, model: str, answer: object) -> Reply:
        choices = answer.get("choices") if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(choices, list) or len(choices) != 1:
            raise self.wrong("it answered without a choice")
        if model != self._address.model and answer.get("model") == self._address.model:
            raise self.wrong(f"asked for {model}, it answered with the base model")
        choice = choices[0] if isinstance(choices[0], dict) else {}
        finish, text = choice.get("finish_reason"), self._text(choice.get("message"))
        if finish not in ("stop", "length"):
            raise self.wrong(
                f"an answer ended with {str(finish)[:40]!r}, which is no completion of the model"
            )
        usage = answer.get("usage")
        tokens, prompt_tokens = _count(usage, "completion_tokens"), _count(usage, "prompt_tokens")
        if tokens is None or prompt_tokens is None:
            raise self.wrong("an answer has no token counts")
        return Reply(
            text=text,
            finish="length" if finish == "length" else "stop",
            tokens=tokens,
            prompt_tokens=prompt_tokens,
            first=_first(choice.get("logprobs")),
        )

    def _text(self, message: object) -> str:
        """All that the model wrote; None is how servers write that it ended its turn at once."""
        if not isinstance(message, dict):
            raise self.wrong("it answered without a message")
        for part in ("tool_calls", "reasoning_content", "reasoning"):
            if message.get(part):
                raise self.wrong(
                    f"it takes answers apart ({part})",
                    "Start it without a tool or reasoning parser: graders read what the model wrote, whole.",
                )
        text = message.get("content")
        if not isinstance(text, str | None):
            raise self.wrong("an answer is no text")
        return text or ""

    def _get(self, path: str) -> object:
        return self._sent(lambda client: client.get(path, cast_to=object))

    def _post(self, path: str, body: Mapping[str, Any]) -> object:
        return self._sent(lambda client: client.post(path, cast_to=object, body=dict(body)))

    def _sent(self, send: Any) -> object:
        from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

        try:
            return send(self._connected())
        except APIStatusError as error:
            raise self._refused(error.status_code, error.message) from error
        except APITimeoutError as error:
            raise self.wrong("it did not answer in time") from error
        except APIConnectionError as error:
            raise self.wrong("it cannot be reached") from error
        except (APIError, ValueError) as error:
            why = f"the engine at {self.host}: its answer cannot be read ({type(error).__name__})"
            raise _Garbled(why, advice=_ALIVE) from error

    def _connected(self) -> "OpenAI":
        from openai import OpenAI

        if self._client is None:
            self._client = OpenAI(
                api_key=self._address.api_key,
                base_url=self._address.base_url,
                timeout=self._settings.timeout_seconds,
                max_retries=self._settings.retries,
            )
        return self._client

    def _refused(self, status: int, said: str) -> Refused:
        told = "" if status == 401 else f": {said.replace(self._address.api_key, '***')[:_SHOWN]}"
        text = f"the engine at {self.host}: it answered HTTP {status}{told}"
        return Refused(text, status=status, advice=_KEY if status in (401, 403) else _ALIVE)


class _Garbled(OutsideError):
    """An answer that is no JSON."""


def _count(usage: object, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _first(logprobs: object) -> dict[str, float]:
    """Log probabilities of the first token's likeliest candidates, by text."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    top = content[0].get("top_logprobs") if isinstance(content, list) and content else None
    if not isinstance(top, list):
        return {}
    return {
        str(each["token"]): float(each["logprob"])
        for each in top
        if isinstance(each, dict) and "token" in each and isinstance(each.get("logprob"), int | float)
    }
