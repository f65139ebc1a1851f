"""Tables for what checks say about single examples."""

import json
from typing import Any

import pytest

from ftgate.checks import CHECKS, Checks
from ftgate.checks.base import Context
from ftgate.checks.output import Output
from ftgate.checks.roles import Roles
from ftgate.checks.size import Size
from ftgate.checks.system_prompt import SystemPrompt
from ftgate.checks.targets import RULES, TARGETS, TRAITS
from ftgate.values.dataset import Example, Format, Message
from ftgate.values.finding import Finding, Place, Severity
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


def of_target(target: str, *turns: tuple[str, str]) -> list[str]:
    """What the target is said to do, in order."""
    check = Roles(data(target=target))
    return [
        f.message.split(f"{target} ")[1].split()[0] for f in check.see(example(*turns)) if target in f.message
    ]


def test_targets_differ() -> None:
    users = [("user", "a"), ("user", "b"), ("assistant", "c")]
    replies = [("user", "a"), ("assistant", "b"), ("assistant", "c")]
    opening = [("assistant", "a"), ("user", "b"), ("assistant", "c")]
    systems = [("user", "a"), ("system", "b"), ("assistant", "c")]
    verdicts = {
        target: [of_target(target, *turns) for turns in (users, replies, opening, systems)]
        for target in TARGETS
    }
    none: list[str] = []
    rejects, drops = ["rejects"], ["drops"]
    assert verdicts == {
        "trl": [none, none, none, none],
        "openai": [none, none, none, none],
        "azure": [none, rejects, none, none],
        "together": [rejects, rejects, rejects, rejects],
        "fireworks": [none, none, none, rejects],
        "mistral": [none, none, none, none],
        "axolotl": [none, none, none, none],
        "llama-factory": [drops, drops, drops, none],
        "vertex": [none, none, none, rejects],
    }


@pytest.mark.parametrize("target", TARGETS)
def test_a_late_system_turn_and_an_opening_reply_are_told_once_whatever_the_target(target: str) -> None:
    for turns in (
        [("user", "a"), ("system", "s"), ("assistant", "c")],
        [("assistant", "a"), ("user", "b"), ("assistant", "c")],
    ):
        assert len(roles(target, *turns)) == 1


def test_weights_that_are_not_read_alter_the_training() -> None:
    turns = (
        Message(role="user", content="a"),
        Message(role="assistant", content="b", weight=0),
        Message(role="user", content="c"),
        Message(role="assistant", content="d"),
    )
    one = Example(place=Place(path="a"), format=Format.CONVERSATION, messages=turns)
    said = {target: [f.severity.value for f in Roles(data(target=target)).see(one)] for target in TARGETS}
    altering = ("axolotl", "llama-factory", "vertex")
    assert said == {target: ["warning"] if target in altering else [] for target in TARGETS}


def test_a_format_that_a_target_does_not_know_is_told_once_per_file() -> None:
    check = Roles(data(target="openai"))
    lines = [example(("user", "a"), ("assistant", "b"), line=n, format=Format.INSTRUCTION) for n in (1, 2)]
    assert [f.line for one in lines for f in check.see(one)] == [1]


def test_every_target_but_the_own_trainer_has_a_rule_and_every_rule_a_trait() -> None:
    assert {rule.target for rule in RULES} == set(TARGETS) - {"trl"}
    assert {rule.trait for rule in RULES} == set(TRAITS)


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


# --- size


@pytest.mark.parametrize(
    ("task", "target", "count", "words"),
    [
        ("format", "trl", 29, "29 examples; fine-tuning takes 30"),
        ("format", "trl", 49, "takes 50 at least"),
        ("style", "trl", 99, "takes 100 at least"),
        ("domain", "trl", 499, "takes 500 at least"),
        ("multi-step", "trl", 999, "takes 1000 at least"),
        ("format", "trl", 5_001, "too many for one format task"),
        ("format", "trl", 5_000, ""),
        ("multi-step", "vertex", 1_000_001, "vertex rejects more than 1,000,000"),
        ("multi-step", "fireworks", 1_000_001, "too many"),
    ],
)
def test_sizes(task: str, target: str, count: int, words: str) -> None:
    check = Size(Context(declared=True, data=DataSettings(train=(), task=task, target=target)))  # type: ignore[arg-type]
    check._examples = count
    said = [finding.message for finding in check.finish()]
    assert [words in message for message in said] == ([True] if words else [])


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
