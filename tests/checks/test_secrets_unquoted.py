"""Findings quote the data that they are about, and never a secret in it. Secrets are put together here."""

import io
import json
from typing import Any

import pytest

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.checks.secrets import hide_secrets
from ftgate.edges.example_schema import ExampleSchema
from ftgate.edges.jsonl import read_jsonl
from ftgate.report.findings import FORMATS, FindingsReport
from ftgate.stages.sift import sift
from ftgate.values.dataset import Example
from ftgate.values.settings import DataSettings

KEY = "AKIA" + "IOSFODNN7" + "QWERTYU"
TOKEN = "sk" + "-proj-" + "a8Kd02LkQp19ZxMv77TbYc3N"
PADDED = f"{'thirty characters and more of '}{TOKEN}"
WORDS = "one two three four five six seven eight nine ten eleven twelve"
Line = dict[str, Any]


def line(prompt: str = "q", reply: str = "a", **more: Any) -> Line:
    return {
        "messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": reply}],
        **more,
    }


def calling(name: str, arguments: Line, parameters: Line) -> Line:
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    tool = {"type": "function", "function": {"name": "get", "parameters": parameters}}
    return line() | {
        "tools": [tool],
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [call]}],
    }


QUOTED: dict[str, list[Line]] = {
    "an unknown key": [line() | {KEY: 1}],
    "a key that is cut": [line() | {PADDED: 1}],
    "a key in a message": [{"messages": [{"role": "user", "content": "q", TOKEN: 1}]}],
    "keys of no format": [{KEY: 1, TOKEN: 2}],
    "a role": [{"messages": [{"role": KEY, "content": "q"}]}],
    "system prompts": [
        {"messages": [{"role": "system", "content": text}, *line()["messages"]]} for text in (KEY, "other")
    ],
    "the name of a call": [calling(PADDED * 2, {}, {})],
    "an argument": [calling("get", {"city": KEY}, {"properties": {"city": {"type": "integer"}}})],
    "an argument that is cut": [
        calling("get", {"city": "." * 140 + KEY}, {"properties": {"city": {"type": "integer"}}})
    ],
    "metadata of two types": [line(metadata={KEY: 1}), line("p", metadata={KEY: "1"})],
    "a label": [line(f"q{n}", KEY if n == 5 else "ab"[n % 2]) for n in range(40)],
    "words in a row": [
        line(f"{' '.join(f'w{n}' for n in range(60))} {' '.join(WORDS.split()[1:])} {KEY} {TOKEN} more")
    ],
    "what the schema refuses": [line(metadata={"n": KEY})],
}
SCHEMA = b'{"properties": {"metadata": {"properties": {"n": {"type": "integer"}}}}}'


def read(lines: list[Line], schema: ExampleSchema | None = None) -> Any:
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    return read_jsonl("f.jsonl", io.BytesIO(data), schema=schema)


@pytest.mark.parametrize("declared", [None, f"thirty characters and more of {TOKEN[::-1]}"])
@pytest.mark.parametrize("name", QUOTED)
def test_no_output_holds_a_secret_of_the_data(name: str, declared: str | None) -> None:
    held_out = [e for e in read([line(f"see {WORDS} {KEY} {TOKEN} end")]) if isinstance(e, Example)]
    context = Context(
        data=DataSettings(train=(), system_prompt=declared), held_out=tuple(held_out), behavior=KEY
    )
    schema = ExampleSchema("s.json", SCHEMA) if "schema" in name else None
    files, findings = sift([read(QUOTED[name], schema)], Checks(context))
    assert findings
    for render in FORMATS.values():
        text = render(FindingsReport(files=files, findings=findings)).casefold()
        for secret in (KEY, TOKEN[8:]):
            assert secret.casefold()[:12] not in text


def test_a_key_that_stands_twice_is_named_without_its_value() -> None:
    data = f'{{"{KEY}": 1, "{KEY}": 2}}\n'.encode()
    _, findings = sift([read_jsonl("f.jsonl", io.BytesIO(data))], Checks(Context()))
    assert any("is there twice" in finding.message for finding in findings)
    assert all(KEY not in f"{finding.message}{finding.pointer}" for finding in findings)


@pytest.mark.parametrize(
    "pointer", ["/tools/0/function/parameters/properties/city/description", "/messages/0/name"]
)
def test_what_the_template_shows_beside_the_turns_is_looked_at(pointer: str) -> None:
    tool = {"name": "get", "parameters": {"properties": {"city": {"description": TOKEN}}}}
    value = line(tools=[{"type": "function", "function": tool}])
    if "name" in pointer:
        value = line()
        value["messages"][0]["name"] = TOKEN
    (example,) = read([value])
    told = [f for f in Checks(Context()).see(example) if f.check == "secrets"]
    assert [(f.pointer, f.severity.value) for f in told] == [(pointer, "error")]


def test_hiding_keeps_the_length_and_the_rest() -> None:
    text = f"first {KEY}, then {TOKEN}."
    hidden = hide_secrets(text)
    assert len(hidden) == len(text)
    assert hidden == f"first {'•' * len(KEY)}, then {'•' * len(TOKEN)}."
    assert hide_secrets("nothing here") == "nothing here"
