"""Tables for what checks say about single examples."""

import json
from typing import Any

import pytest

from ftgate.checks import CHECKS, Checks
from ftgate.checks.base import Context
from ftgate.checks.output import Output
from ftgate.checks.roles import PROFILES, Roles
from ftgate.checks.system_prompt import SystemPrompt
from ftgate.values.finding import Finding, Severity
from ftgate.values.settings import DataSettings, Level
from tests.checks.examples import answer, example


def data(**declared: Any) -> Context:
    return Context(data=DataSettings(train=(), **declared))


# --- output


def judged(text: str, schema: Any = None, **declared: Any) -> list[Finding]:
    context = Context(data=DataSettings(train=(), **declared), output_schema=schema)
    check = Output(context)
    return [*check.see(answer(text)), *check.finish()]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("```json\n{}\n```", "code fence"),
        ("{} thanks", "trailing characters"),
        ('{"a": 1, "a": 2}', "duplicate key"),
        ('{"a": NaN}', "not strict JSON"),
        ("{'a': 1}", "not strict JSON"),
        ("[" * 70 + "]" * 70, "64 levels"),
        ('{"a": "x"}', "/a: 'x' is not of type 'integer'"),
    ],
)
def test_what_is_said_about_outputs(text: str, words: str) -> None:
    (finding,) = judged(text, {"properties": {"a": {"type": "integer"}}})
    assert words in finding.message
    assert (finding.severity, finding.pointer) == (Severity.ERROR, "/messages/1/content")


def test_every_schema_error_is_told() -> None:
    schema = {"required": ["a", "b"], "additionalProperties": False, "properties": {"a": {"type": "string"}}}
    assert len(judged('{"a": 1, "c": 2}', schema, key_style="snake_case")) == 3


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "no-such-type"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#/$defs/gone"},
        {"pattern": "("},
    ],
)
def test_a_schema_that_cannot_be_used_is_one_error_and_fetches_nothing(schema: dict[str, Any]) -> None:
    findings = judged('"text"', schema)
    assert [f.severity for f in findings] == [Severity.ERROR]
    assert "schema" in findings[0].message


def test_the_same_valid_output_is_judged_once_and_an_invalid_one_each_time() -> None:
    check = Output(Context(output_schema={"type": "object"}))
    assert [len(list(check.see(answer(text)))) for text in ("{}", "{}", "[]", "[]")] == [0, 0, 1, 1]


# --- roles


def roles(target: str, *turns: tuple[str, str]) -> list[str]:
    check = Roles(data(target=target))
    return [f.severity.value for f in (*check.see(example(*turns)), *check.finish())]


def test_targets_differ() -> None:
    twice = [("user", "a"), ("user", "b"), ("assistant", "c")]
    first = [("assistant", "a"), ("user", "b"), ("assistant", "c")]
    verdicts = {target: (roles(target, *twice), roles(target, *first)) for target in PROFILES}
    lenient: tuple[list[str], list[str]] = ([], ["warning"])
    strict = (["error"], ["error"])
    assert verdicts == {
        "trl": lenient,
        "axolotl": lenient,
        "openai": lenient,
        "mistral": lenient,
        "together": strict,
        "llama-factory": strict,
    }


def test_an_unknown_target_is_told_once() -> None:
    assert roles("nowhere", ("user", "a"), ("assistant", "b")) == ["error"]


# --- system prompt


@pytest.mark.parametrize(
    ("declared", "actual", "words"),
    [
        ("Sort.", None, "missing"),
        ("", "Sort.", "none is declared"),
        ("Sort it.", "Sort  it.\n", "white space"),
        ("Sort the mail.", "Sort the post.", 'character 10: expected "mail.", found "post."'),
        ("Sort.", "Sort. Now.", "character 6"),
    ],
)
def test_drift_says_what_differs(declared: str, actual: str | None, words: str) -> None:
    check = SystemPrompt(data(system_prompt=declared))
    system = [("system", actual)] if actual is not None else []
    (finding,) = check.see(example(*system, ("user", "q"), ("assistant", "a")))
    assert words in finding.message


# --- all checks together


@pytest.mark.parametrize(
    ("level", "expected"),
    [(None, ["warning"]), ("error", ["error"]), ("notice", ["notice"]), ("off", [])],
)
def test_levels_override_severities(level: Level | None, expected: list[str]) -> None:
    checks = Checks(Context(), {"duplicate": level} if level else {})
    findings = [f for line in (1, 2) for f in checks.see(answer("a", line)) if f.check == "duplicate"]
    assert [f.severity.value for f in findings] == expected


def test_a_check_says_nothing_under_another_name() -> None:
    odd = [
        example(("system", "s"), ("assistant", "")),
        example(),
        answer("```\n{}```"),
        answer(json.dumps({"a_b": 1})),
    ]
    for name, make in CHECKS.items():
        check = make(Context(declared=True, output_schema={"type": "object"}, held_out=(answer("x"),)))
        findings = [f for one in (*odd, *odd) for f in check.see(one)]
        assert {f.check for f in (*findings, *check.finish())} <= {name}


def test_a_dataset_without_examples_is_no_accident() -> None:
    assert {f.check for f in Checks(Context(declared=True)).finish()} == {"size", "purpose"}
