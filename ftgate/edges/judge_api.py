"""A judge behind the chat completions API: OpenAI's, or any server that speaks it."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ftgate.errors import OutsideError
from ftgate.values.evaluation import Question
from ftgate.values.settings import JudgeSettings

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

DEFAULT_URL = "https://api.openai.com/v1"
TIMEOUT_SECONDS = 90.0
RETRIES = 4

_SHOWN = 200
_ABOUT_THE_QUESTION = (400, 413, 422)
_ADVICE = {
    401: "Set OPENAI_API_KEY to a key that this endpoint accepts.",
    403: "Use a key with access to this model, or another `judge.model`.",
    404: "Check `judge.model` in the settings and OPENAI_BASE_URL (it usually ends in /v1).",
    429: "Wait, or raise the quota of the key; completions are stored, so a new run only asks the judge.",
}


class JudgeApi:
    """Port `Judge`. The key appears in no message, whatever the server repeats of it.

    A failure that outlasted its retries is remembered: the next questions fail at once.
    """

    def __init__(
        self,
        settings: JudgeSettings,
        api_key: str,
        base_url: str | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
    ) -> None:
        """`timeout` is in seconds per attempt; waits between attempts grow from 0.5 to 8 seconds."""
        self._model = settings.model
        self._api_key = api_key
        self._base_url = base_url or DEFAULT_URL
        self._timeout = timeout
        self._retries = retries
        self._options: dict[str, Any] = {"temperature": 0}
        self._client: OpenAI | None = None
        self._down: OutsideError | None = None

    @property
    def identity(self) -> str:
        """Model name, and the host where it is not OpenAI's: the same name elsewhere is another judge."""
        return self._model if self._base_url == DEFAULT_URL else f"{self._model} at {self._host}"

    def ask(self, question: Question) -> str | None:
        """The reply's text, unread; None when the judge refused, was cut or said nothing.

        Raises OutsideError when the endpoint cannot be used.
        """
        if self._down is not None:
            raise self._down
        completion = self._complete(question)
        if not hasattr(completion, "choices"):
            raise self._failed("answered with no completion", _ADVICE[404])
        return _text(completion)

    def _complete(self, question: Question) -> object:
        from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

        try:
            return self._create(question)
        except APIStatusError as error:
            if (
                error.status_code == 400
                and "temperature" in f"{error.param} {error.message}"
                and self._options
            ):
                # Reasoning models take no temperature; asking without one is the only way to find out.
                self._options = {}
                return self._complete(question)
            raise self._refused(error) from None
        except APIConnectionError as error:
            why = "did not answer in time" if isinstance(error, APITimeoutError) else "cannot be reached"
            raise self._failed(why, "Check OPENAI_BASE_URL and the network of this machine.") from None
        except (APIError, ValueError) as error:
            # A body that is no JSON is a plain ValueError of the client, which does not retry it.
            raise self._failed(
                f"answered with no completion ({type(error).__name__})", _ADVICE[404]
            ) from None

    def _create(self, question: Question) -> object:
        return self._connected().chat.completions.create(
            model=self._model,
            messages=[
                {"role": "system", "content": question.system},
                {"role": "user", "content": question.user},
            ],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "grade", "strict": True, "schema": dict(question.reply_schema)},
            },
            **self._options,
        )

    def _connected(self) -> "OpenAI":
        from openai import OpenAI

        if self._client is None:
            self._client = OpenAI(
                api_key=self._api_key,
                base_url=self._base_url,
                timeout=self._timeout,
                max_retries=self._retries,
            )
        return self._client

    def _refused(self, error: "APIStatusError") -> OutsideError:
        status = error.status_code
        said = "" if status == 401 else f": {self._without_key(error.message)[:_SHOWN]}"
        if status in _ABOUT_THE_QUESTION:
            advice = "The endpoint must take this prompt's length and a json_schema response format."
            return OutsideError(
                f"the judge at {self._host} refused the question (HTTP {status}){said}", advice=advice
            )
        advice = _ADVICE.get(status, "Try again; if it persists, ask whoever runs the endpoint.")
        return self._failed(f"answered HTTP {status}{said}", advice)

    def _failed(self, why: str, advice: str) -> OutsideError:
        self._down = OutsideError(f"the judge at {self._host} {why}", advice=advice)
        return self._down

    def _without_key(self, text: str) -> str:
        return text.replace(self._api_key, "***") if self._api_key else text

    @property
    def _host(self) -> str:
        # An endpoint's URL may carry a user and a password; its host does not.
        parts = urlsplit(self._base_url)
        return f"{parts.hostname or 'an unnamed host'}{f':{parts.port}' if parts.port else ''}"


def _text(completion: object) -> str | None:
    """The client builds its objects without checking them, so that every attribute may be missing."""
    choices = getattr(completion, "choices", None)
    if not isinstance(choices, list) or not choices:
        return None
    message = getattr(choices[0], "message", None)
    content, refusal = getattr(message, "content", None), getattr(message, "refusal", None)
    if getattr(choices[0], "finish_reason", None) != "stop" or refusal or not isinstance(content, str):
        return None
    return content if content.strip() else None
