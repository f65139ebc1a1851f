"""The repository's own JSON Schema: the official cases, patterns in linear time, nothing fetched, every error told.

`json_schema_test_suite.json.gz` holds the cases of the JSON-Schema-Test-Suite (MIT) for drafts 2020-12, 2019-09 and 07
as the source distribution of jsonschema 4.26 ships them, less the schemas that are refused here: those that refer to
other documents, `true` and `false`, unknown vocabularies, and patternProperties beside unevaluatedProperties.
"""

import gzip
import http.server
import importlib.util
import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from ftgate.edges.example_schema import ExampleSchema
from ftgate.edges.jsonl import read_jsonl
from ftgate.errors import SettingsError
from ftgate.values.batch import Batch
from ftgate.values.finding import Finding
from tests.edges.reading import turns

SUITE: dict[str, list[Any]] = json.loads(
    gzip.decompress((Path(__file__).parent / "json_schema_test_suite.json.gz").read_bytes())
)
needs_re2 = pytest.mark.skipif(importlib.util.find_spec("re2") is None, reason="google-re2 is not installed")


def schema(content: Any) -> ExampleSchema:
    return ExampleSchema("line.schema.json", json.dumps(content).encode())


@needs_re2
@pytest.mark.parametrize("draft", SUITE)
def test_the_official_cases(draft: str) -> None:
    wrong = []
    for name, content, cases in SUITE[draft]:
        judged = schema(content)
        for what, value, valid in cases:
            if (judged.accepts(value), not any(judged.misfits(value))) != (valid, valid):
                wrong.append(f"{name}: {what}")
    assert wrong == []
    assert sum(len(cases) for _, _, cases in SUITE[draft]) > 800


@needs_re2
@pytest.mark.parametrize("draft", SUITE)
def test_the_compiled_validator_agrees(draft: str) -> None:
    pytest.importorskip("jsonschema_rs")
    for name, content, cases in SUITE[draft]:
        judged = schema(content)
        assert [judged.surely_accepts(value) for _, value, _ in cases] == [valid for _, _, valid in cases], (
            name
        )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (True, "no object"),
        ([], "no object"),
        ({"type": "wrong"}, "no valid schema"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "not one that is known"),
        ({"$ref": "other.json"}, "not in the schema"),
        (
            {"patternProperties": {}, "unevaluatedProperties": False, "pattern": "a"},
            "(not supported|google-re2)",
        ),
        ({"properties": {"id": {"pattern": "(?=a)b"}}}, "(linear time|google-re2)"),
    ],
)
def test_what_is_refused(content: Any, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        schema(content)


@needs_re2
def test_patterns_take_linear_time() -> None:
    judged = schema(
        {"properties": {"id": {"pattern": "^(a+)+$"}}, "additionalProperties": {"pattern": "(x*)*y"}}
    )
    value = {"id": "a" * 100_000 + "!", "other": "x" * 100_000}
    assert not judged.accepts(value)
    assert len(list(judged.misfits(value))) == 2


def test_nothing_is_fetched() -> None:
    asked: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

    with http.server.HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/line.json"
        for content in (
            {"$ref": address},
            {"$id": address, "$ref": "other.json"},
            {"allOf": [{"$ref": address}]},
        ):
            with pytest.raises(SettingsError):
                schema(content)
        schema({"$id": address}).accepts({})
        server.shutdown()
    assert asked == []


def test_every_error_of_a_line_with_its_place() -> None:
    content = {
        "required": ["source"],
        "properties": {"source": {"enum": ["chat"]}, "note": {"maxLength": 3}, "messages": {"maxItems": 2}},
        "additionalProperties": False,
    }
    good = turns(("user", "q"), ("assistant", "a"), source="chat")
    bad = turns(("user", "q"), ("assistant", "a"), ("user", "q"), source="mail", note="long", other=1)
    data = good * 2 + bad + turns(("user", "q"), ("assistant", "a")) + good
    things = list(read_jsonl("f", io.BytesIO(data), schema=schema(content)))
    findings = [thing for thing in things if isinstance(thing, Finding)]
    assert [(f.line, f.pointer) for f in findings] == [
        (3, "/messages"),
        (3, "/source"),
        (3, "/note"),
        (3, "/other"),
        (4, ""),
    ]
    assert all(f.check == "format" and "does not fit the schema" in f.message.lower() for f in findings)
    assert data[findings[2].byte_offset :].startswith(b'"long"')
    batched = list(read_jsonl("f", io.BytesIO(data), schema=schema(content)).batches())
    assert [thing for thing in batched if not isinstance(thing, Batch)] == findings


def test_a_plain_line_is_asked_too() -> None:
    data = turns(("user", "q"), ("assistant", "a")) * 3 + turns(
        ("user", "q"), ("assistant", "a"), ("user", "x")
    )
    things = read_jsonl(
        "f", io.BytesIO(data), schema=schema({"properties": {"messages": {"maxItems": 2}}})
    ).batches()
    assert [thing.line for thing in things if isinstance(thing, Finding)] == [4]
