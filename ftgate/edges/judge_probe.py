"""What a judge's server can do, found by asking it: a reply that only a bound server can give.

The question asks for a number under a key that is drawn at random and stands in the schema alone, so that a server
that ignores the schema (as some do without a word) cannot hit it. A forced tool is next; an object mode, in which the
text must describe the shape, is the last that is accepted: prose is never read.
"""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from msgspec import Struct
from msgspec.structs import replace

from ftgate.edges.judge_api import CHECK_MODEL, Answer, Endpoint, bound
from ftgate.errors import OutsideError
from ftgate.graders import judge as judging
from ftgate.values.judging import Capabilities, JudgeRecord, Structure

if TYPE_CHECKING:
    from openai import AsyncOpenAI

STRUCTURES: tuple[Structure, ...] = get_args(Structure)
_REFUSALS = (400, 405, 415, 422, 501)
_OPTIONAL = ("temperature", "seed")
_QUESTION = "How many legs does a healthy cat have? Explain in a sentence."
SEED = 20_260


class Probe(Struct, frozen=True, kw_only=True):
    """A record, and what each way of binding a reply came to, for a person to read."""

    record: JudgeRecord
    tried: Mapping[str, str]
    answers_right: bool


async def probe(endpoint: Endpoint, client: "AsyncOpenAI") -> Probe:
    """Asks until a way is found. Raises OutsideError when the server cannot be used or honours none of them."""
    tried: dict[str, str] = {}
    for structure in STRUCTURES:
        asked = _Canary(structure)
        capabilities, answer = await _accepted(endpoint, client, asked)
        tried[structure] = asked.seen(answer)
        if tried[structure] == "honoured":
            record = _record(endpoint, capabilities, answer)
            return Probe(record=record, tried=tried, answers_right=asked.is_right(answer))
        if endpoint.down or (answer.state == "transport_error" and answer.status not in _REFUSALS):
            raise OutsideError(answer.detail, advice=endpoint.advice or CHECK_MODEL)
    said = "; ".join(f"{structure}: {seen}" for structure, seen in tried.items())
    raise OutsideError(
        f"the judge at {endpoint.address.host} binds no reply to a schema ({said})",
        advice="Use a server or a model with structured output; numbers are never read out of prose.",
    )


class _Canary:
    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self._key = f"legs_{secrets.token_hex(4)}"
        self.schema: dict[str, object] = {
            "type": "object",
            "properties": {self._key: {"type": "integer", "enum": judging.SCORES}},
            "required": [self._key],
            "additionalProperties": False,
        }
        described = f' Reply with one JSON object: {{"{self._key}": integer from 1 to 5}}.'
        text = _QUESTION + (described if structure == "json_object" else "")
        self.messages: list[Mapping[str, str]] = [{"role": "user", "content": text}]

    def seen(self, answer: Answer) -> str:
        if answer.state != "scored":
            return f"{answer.state}, {answer.detail}"
        state, _, wrong = judging.parse(answer.text, self.schema)
        return "honoured" if state == "scored" else f"ignored: {wrong}"

    def is_right(self, answer: Answer) -> bool:
        return bool(judging.parse(answer.text, self.schema)[1].get(self._key) == 4)


async def _accepted(endpoint: Endpoint, client: "AsyncOpenAI", asked: _Canary) -> tuple[Capabilities, Answer]:
    """The answer with as many of the optional parameters as the server takes."""
    capabilities = Capabilities(structure=asked.structure, temperature=True, seed=True)
    while True:
        options: dict[str, Any] = bound(capabilities, asked.schema, SEED)
        answer = await endpoint.send(client, asked.messages, options)
        sent = [name for name in _OPTIONAL if getattr(capabilities, name)]
        if answer.state != "transport_error" or answer.status not in (400, 422) or not sent:
            return capabilities, answer
        # Reasoning models take no temperature; a refusal that names neither parameter may still mean both.
        blamed = [name for name in sent if name in answer.detail] or sent
        capabilities = replace(capabilities, **dict.fromkeys(blamed, False))


def _record(endpoint: Endpoint, capabilities: Capabilities, answer: Answer) -> JudgeRecord:
    return JudgeRecord(
        label=endpoint.address.label,
        model=endpoint.address.model,
        host=endpoint.address.host,
        served_model=answer.model,
        fingerprint=answer.fingerprint,
        capabilities=capabilities,
        prompt_sha256=judging.PROMPT_SHA256,
        schema_sha256=judging.SCHEMA_SHA256,
    )
