"""One judge behind the chat completions API: OpenAI's, or any server that speaks it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from ftgate.values.judging import Capabilities, State
from ftgate.values.settings import JudgeLimits

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

DEFAULT_URL = "https://api.openai.com/v1"
CHECK_MODEL = "Check judge.model in the settings and OPENAI_BASE_URL (it usually ends in /v1)."
_ADVICE = {
    401: "Set OPENAI_API_KEY to a key that this endpoint accepts.",
    403: "Use a key with access to this model, or another judge.model.",
    404: CHECK_MODEL,
}
_SHOWN = 200
_GARBLED_RETRIES = 2
_GARBLED_WAIT = 0.5
_IN_A_ROW = 3
"""Questions in a row that outlasted all retries: then the endpoint is down, and nothing more is sent."""

Message = Mapping[str, str]


class Address(Struct, frozen=True, kw_only=True):
    """Where a judge is, and the key for it. The key appears in no message, whatever the server repeats of it."""

    model: str
    api_key: str
    base_url: str = DEFAULT_URL

    @property
    def host(self) -> str:
        """An endpoint's URL may carry a user and a password; its host does not."""
        parts = urlsplit(self.base_url)
        return f"{parts.hostname or 'an unnamed host'}{f':{parts.port}' if parts.port else ''}"

    @property
    def label(self) -> str:
        """Model name, and the host where it is not OpenAI's: the same name elsewhere is another judge."""
        return self.model if self.base_url == DEFAULT_URL else f"{self.model} at {self.host}"


class Answer(Struct, frozen=True, kw_only=True):
    """What came back for one question: a text in state "scored", or why there is none. `status` is HTTP's."""

    state: State
    text: str = ""
    model: str = ""
    fingerprint: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    detail: str = ""
    status: int = 0


class Endpoint:
    """Sends questions. A failure of the endpoint itself is remembered: the next questions fail at once."""

    def __init__(self, address: Address, limits: JudgeLimits) -> None:
        self.address = address
        self.down = ""
        self.advice = ""
        self._limits = limits
        self._failures = 0

    def connect(self) -> "AsyncOpenAI":
        """A client for one event loop; a context manager. Waits between attempts grow from 0.5 to 8 seconds, or are
        what the server asks for in Retry-After."""
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            api_key=self.address.api_key,
            base_url=self.address.base_url,
            timeout=self._limits.timeout_seconds,
            max_retries=self._limits.retries,
        )

    async def send(
        self, client: "AsyncOpenAI", messages: Sequence[Message], options: Mapping[str, Any]
    ) -> Answer:
        """One answer. Never raises for what a server does; see `down` for a server that is of no use any more."""
        from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

        if self.down:
            return Answer(state="transport_error", detail=self.down)
        why = "it answered with no completion"
        for attempt in range(min(_GARBLED_RETRIES, self._limits.retries) + 1):
            await asyncio.sleep(_GARBLED_WAIT * attempt)
            try:
                completion = await client.chat.completions.create(
                    model=self.address.model,
                    messages=messages,  # type: ignore[arg-type]
                    **options,
                )
            except APIStatusError as error:
                return self._refused(error)
            except APITimeoutError:
                return self._failed("it did not answer in time")
            except APIConnectionError:
                return self._failed("it cannot be reached")
            except (APIError, ValueError) as error:
                # A body that is no JSON is a plain ValueError of the client, which does not retry it.
                why = f"it answered with no completion ({type(error).__name__})"
                continue
            if hasattr(completion, "choices"):
                self._failures = 0
                return answer_of(completion)
        return self._failed(why)

    def _refused(self, error: "APIStatusError") -> Answer:
        status = error.status_code
        named = f"{error.message} {error.param or ''}".rstrip()
        said = "" if status == 401 else f": {self._without_key(named)[:_SHOWN]}"
        detail = f"it answered HTTP {status}{said}"
        if status in _ADVICE:
            self.down, self.advice = self._named(detail), _ADVICE[status]
        if status == 429 or status >= 500:
            return self._failed(detail, status)
        return Answer(state="transport_error", detail=self._named(detail), status=status)

    def _failed(self, why: str, status: int = 0) -> Answer:
        self._failures += 1
        if self._failures >= _IN_A_ROW:
            self.down = self._named(why)
        return Answer(state="transport_error", detail=self._named(why), status=status)

    def _named(self, why: str) -> str:
        return f"the judge at {self.address.host}: {why}"

    def _without_key(self, text: str) -> str:
        return text.replace(self.address.api_key, "***") if self.address.api_key else text


def bound(capabilities: Capabilities, schema: Mapping[str, object], seed: int) -> dict[str, Any]:
    """Parameters that bind a reply to a schema, in the way that the server was seen to honour."""
    options: dict[str, Any] = {}
    if capabilities.temperature:
        options["temperature"] = 0
    if capabilities.seed:
        options["seed"] = seed
    if capabilities.structure == "json_object":
        return {**options, "response_format": {"type": "json_object"}}
    if capabilities.structure == "json_schema":
        named = {"name": "grade", "strict": True, "schema": dict(schema)}
        return {**options, "response_format": {"type": "json_schema", "json_schema": named}}
    function = {"name": "grade", "description": "Hands in the grade.", "parameters": dict(schema)}
    return {
        **options,
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": "grade"}},
    }


def answer_of(completion: object) -> Answer:
    """The client builds its objects without checking them, so that every attribute may be missing or odd."""
    usage = getattr(completion, "usage", None)
    known: dict[str, Any] = {
        "model": _text(getattr(completion, "model", None)),
        "fingerprint": _text(getattr(completion, "system_fingerprint", None)),
        "input_tokens": _number(getattr(usage, "prompt_tokens", None)),
        "output_tokens": _number(getattr(usage, "completion_tokens", None)),
    }
    choices = getattr(completion, "choices", None)
    if not isinstance(choices, list) or not choices:
        return Answer(state="transport_error", detail="the judge's server answered without a choice", **known)
    message, finish = getattr(choices[0], "message", None), getattr(choices[0], "finish_reason", None)
    if finish == "length":
        return Answer(state="truncated", detail="the judge's reply was cut at its token limit", **known)
    if finish == "content_filter" or getattr(message, "refusal", None):
        return Answer(state="refusal", detail="the judge refused", **known)
    text = _called(message) or _text(getattr(message, "content", None))
    if not text.strip():
        return Answer(state="schema_invalid", detail="the judge's reply was empty", **known)
    return Answer(state="scored", text=text, **known)


def _called(message: object) -> str:
    """Arguments of the one call of a forced tool; "" where there is none, and where there are several."""
    calls = getattr(message, "tool_calls", None)
    if not isinstance(calls, list) or len(calls) != 1:
        return ""
    return _text(getattr(getattr(calls[0], "function", None), "arguments", None))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
