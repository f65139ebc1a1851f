"""Every deterministic grader: what passes, what fails and why, and which expectations are refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from referencing.exceptions import Unresolvable

from ftgate.graders import GRADERS, grade, json_schema, problems
from ftgate.values.evaluation import Grade, Outcome
from tests.edges.servers import Handler, serving
from tests.graders.builders import FAILED, PASSED, UNGRADED, completion, graded, prompt


@pytest.mark.parametrize(
    ("name", "argument", "text", "outcome", "score"),
    [
        ("equals", "yes", " yes\n", PASSED, 1.0),
        ("equals", "yes\n", "yes", PASSED, 1.0),
        ("equals", "yes", "Yes", FAILED, 0.0),
        ("equals", "yes", "", FAILED, 0.0),
        ("contains", "card", "your card is lost", PASSED, 1.0),
        ("contains", "card", "your Card is lost", FAILED, 0.0),
        ("contains", ["card", "lost"], "your card is lost", PASSED, 1.0),
        ("contains", ["card", "pin"], "your card is lost", FAILED, 0.5),
        ("contains", {"any": ["pin", "lost"]}, "lost", PASSED, 1.0),
        ("contains", {"any": ["pin", "lost"]}, "card", FAILED, 0.0),
        ("contains", {"none": ["sorry"]}, "I am sorry", FAILED, 0.0),
        ("contains", {"none": ["sorry"]}, "gladly", PASSED, 1.0),
        ("contains", {"all": ["a"], "any": ["b"], "none": ["c"]}, "a c", FAILED, 1 / 3),
        ("regex", r"^\d+$", "42", PASSED, 1.0),
        ("regex", r"\d+", "it is 42.", PASSED, 1.0),
        ("regex", r"(?i)SORRY", "sorry", PASSED, 1.0),
        ("regex", r"^\d+$", "it is 42.", FAILED, 0.0),
    ],
)
def test_texts(name: str, argument: Any, text: str, outcome: Outcome, score: float) -> None:
    given = graded(name, argument, text)
    assert given.outcome is outcome
    assert given.score == pytest.approx(score)


FIELDS = {"intent": "card_arrival", "needs_human": False, "amount": 1}


@pytest.mark.parametrize(
    ("text", "outcome", "score", "reason"),
    [
        ('{"intent": "card_arrival", "needs_human": false, "amount": 1}', PASSED, 1.0, "3 of 3"),
        ('{"amount": 1.0, "needs_human": false, "intent": "card_arrival", "more": 0}', PASSED, 1.0, "3 of 3"),
        (
            '{"intent": "card_arrival", "needs_human": false, "amount": true}',
            FAILED,
            2 / 3,
            "amount is true, expected 1",
        ),
        (
            '{"intent": "card_arrival", "needs_human": 0, "amount": 1}',
            FAILED,
            2 / 3,
            "needs_human is 0, expected false",
        ),
        (
            '{"intent": "pin"}',
            FAILED,
            0.0,
            'intent is "pin", expected "card_arrival"; needs_human is missing, expected false',
        ),
        ("{'intent': 'card_arrival'}", FAILED, 0.0, "is not JSON"),
        ('```json\n{"intent": "card_arrival"}\n```', FAILED, 0.0, "is not JSON"),
        ('{"intent": "card_arrival"} Thank you!', FAILED, 0.0, "is not JSON"),
        ('{"intent": "x", "intent": "card_arrival"}', FAILED, 0.0, "is not JSON: Detected duplicate key"),
        ('{"intent": NaN}', FAILED, 0.0, "is not JSON"),
        ('{"intent": 1e999}', FAILED, 0.0, "beyond the range"),
        ('{"a": [1e999]}', FAILED, 0.0, "beyond the range"),
        ('{"intent": "\\ud800"}', FAILED, 0.0, "is not JSON"),
        ('{"intent": "\ud800"}', FAILED, 0.0, "is not JSON"),
        ("[" * 5000, FAILED, 0.0, "is not JSON: recursion limit"),
        ('["card_arrival"]', FAILED, 0.0, "is a list, not a JSON object"),
        ("", FAILED, 0.0, "is not JSON"),
    ],
)
def test_json_fields(text: str, outcome: Outcome, score: float, reason: str) -> None:
    given = graded("json_fields", FIELDS, text)
    assert given.outcome is outcome
    assert given.score == pytest.approx(score)
    assert reason in given.reason


def test_json_fields_compares_inner_values_as_json() -> None:
    expected = {"items": [{"n": 1, "ok": True}], "none": None}
    right = '{"none": null, "items": [{"ok": true, "n": 1.0}]}'
    assert graded("json_fields", expected, right).outcome is PASSED
    assert graded("json_fields", expected, right.replace("true", "1")).outcome is FAILED
    assert graded("json_fields", expected, right.replace("}]", "}, 2]")).outcome is FAILED


SCHEMA = {
    "type": "object",
    "properties": {
        "intent": {"enum": ["a", "b"]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}},
    },
    "required": ["intent"],
    "additionalProperties": False,
    "$defs": {"part": {"type": "integer"}},
}


def test_json_schema_names_every_error_with_its_pointer() -> None:
    assert graded("json_schema", SCHEMA, '{"intent": "a", "parts": [1, 2]}').outcome is PASSED
    wrong = graded("json_schema", SCHEMA, '{"intent": "c", "parts": [1, "x"], "a/b": 1}')
    assert (wrong.outcome, wrong.score) == (FAILED, 0.0)
    assert "/intent: 'c' is not one of" in wrong.reason
    assert "/parts/1: 'x' is not of type 'integer'" in wrong.reason
    assert "the root: Additional properties" in wrong.reason


def test_json_schema_counts_what_it_does_not_name() -> None:
    wrong = graded("json_schema", {"items": {"type": "string"}}, str(list(range(20))))
    assert wrong.reason.endswith("; and 15 more")


def test_json_schema_reads_nothing_from_outside() -> None:
    asked: list[str] = []

    class Listening(Handler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.reply(200, {"type": "object"})

    with serving(Listening) as url:
        remote = f"{url}/schema.json"
        [problem] = problems({"json_schema": {"properties": {"a": {"$ref": remote}}}})
        for keyword in ("$ref", "$dynamicRef"):
            assert graded("json_schema", {keyword: remote}, "{}").outcome is UNGRADED
            with pytest.raises(Unresolvable):
                json_schema.grade({keyword: remote}, prompt(), completion("{}"))
    assert asked == []
    assert "nothing else is read" in problem


def test_a_schema_without_end_is_refused_and_grades_nothing() -> None:
    endless = {"$ref": "#"}
    assert problems({"json_schema": endless}) == ["expect.json_schema: refers to itself without end"]
    assert graded("json_schema", endless, "{}").outcome is UNGRADED


TREE = {
    "type": "object",
    "properties": {"left": {"$ref": "#"}, "right": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
}


def test_a_recursive_schema_is_no_loop() -> None:
    assert problems({"json_schema": TREE}) == []
    assert graded("json_schema", TREE, '{"left": {"right": null}}').outcome is PASSED
    assert (
        graded("json_schema", TREE, '{"left": {"left": 1}}').reason == "/left/left: 1 is not of type 'object'"
    )


def test_a_schema_may_refer_to_its_own_names() -> None:
    named = {
        "$id": "https://bank.example/reply",
        "$ref": "part",
        "$defs": {
            "p": {"$id": "part", "$ref": "#here", "$defs": {"x": {"$anchor": "here", "type": "string"}}}
        },
    }
    assert problems({"json_schema": named}) == []
    assert graded("json_schema", named, "1").outcome is FAILED


def test_a_value_too_deep_for_the_validator_is_no_grade() -> None:
    deep = {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"allOf": [{"allOf": [{"$ref": "#/$defs/a"}]}]}}}}
    assert problems({"json_schema": deep}) == []
    given = graded("json_schema", deep, "[" * 190 + "]" * 190)
    assert (given.outcome, "RecursionError" in given.reason) == (UNGRADED, True)


@pytest.mark.parametrize(
    ("expect", "problem"),
    [
        ({"equals": 5}, "expect.equals: must be a text, not a number; put it in quotes"),
        ({"equals": ""}, "expect.equals: is empty, which every completion would satisfy"),
        ({"equals": None}, "expect.equals: must be a text, not nothing; put it in quotes"),
        ({"contains": []}, "expect.contains: is an empty list, which every completion would satisfy"),
        ({"contains": {}}, "expect.contains: is empty, which every completion would satisfy"),
        ({"contains": ["a", 1]}, "expect.contains: entry 2: must be a text, not a number; put it in quotes"),
        (
            {"contains": {"every": ["a"]}},
            'expect.contains: has the unknown key "every"; known are all, any, none, ignore_case',
        ),
        ({"contains": {"all": "a"}}, "expect.contains: all: must be a list of texts, not a text"),
        ({"contains": True}, "expect.contains: must be a list of texts, not a truth value"),
        (
            {"regex": "("},
            "expect.regex: is no regular expression that re2 takes: missing ): (",
        ),
        ({"regex": ["a"]}, "expect.regex: must be a text, not a list; put it in quotes"),
        ({"json_fields": {}}, "expect.json_fields: names no field, which every completion would satisfy"),
        ({"json_fields": "a"}, "expect.json_fields: must map fields to values, not be a text"),
        ({"json_fields": {1: "a"}}, "expect.json_fields: field 1 must be a text; put it in quotes"),
        (
            {"json_fields": {"a": float("nan")}},
            "expect.json_fields: field 'a' has a number that JSON cannot say; put it in quotes",
        ),
        ({"json_schema": "x.json"}, "expect.json_schema: must be a schema (a mapping), not a text"),
        (
            {"json_schema": {"properties": {"a": {"type": "strin"}}}},
            "expect.json_schema: is no valid schema at /properties/a/type: "
            "'strin' is not valid under any of the given schemas",
        ),
        (
            {"json_schema": {"$ref": "#/$defs/none"}},
            'expect.json_schema: refers to "#/$defs/none", which is not in the schema; nothing else is read',
        ),
        (
            {"judge": False},
            "expect.judge: must be true or a mapping with criteria and pass_score, not a truth value",
        ),
        ({"judge": {"pass_score": 6}}, "expect.judge: pass_score must be 1 to 5, not 6"),
        ({"judge": {"pass_score": True}}, "expect.judge: pass_score must be 1 to 5, not True"),
        ({"judge": {"criteria": " "}}, "expect.judge: criteria must be a text with something in it"),
        (
            {"judge": {"passing": 3}},
            'expect.judge: has the unknown key "passing"; known are criteria, pass_score',
        ),
        (
            {"json_field": {"a": 1}},
            "expect.json_field: there is no grader of this name; did you mean json_fields?",
        ),
    ],
)
def test_a_wrong_expectation_is_a_problem_and_never_a_grade(expect: Any, problem: str) -> None:
    assert problems(expect) == [problem]
    [given] = grade(prompt(expect), completion("{}"))
    assert (given.outcome, given.score) == (UNGRADED, None)
    assert problem.split(": ", 1)[1] in given.reason


@pytest.mark.parametrize("expect", [{}, None, [], "equals"])
def test_an_expectation_must_name_a_grader(expect: Any) -> None:
    assert problems(expect) == ["expect must name at least one grader: " + ", ".join(GRADERS)]


def test_all_problems_come_at_once() -> None:
    wrong = {"equals": 1, "regex": "(", "unheard": 1}
    assert len(problems(wrong)) == 3


def test_every_grader_of_the_expectation_grades_in_its_order() -> None:
    grades = grade(prompt({"regex": "a", "equals": "a", "contains": "b"}), completion("a"))
    assert [(g.grader, g.outcome) for g in grades] == [
        ("regex", PASSED),
        ("equals", PASSED),
        ("contains", FAILED),
    ]


@pytest.mark.parametrize(("name", "argument"), [("equals", "a"), ("json_fields", {"a": 1}), ("judge", True)])
def test_a_cut_completion_is_graded_and_said_to_be_cut(name: str, argument: Any) -> None:
    assert graded(name, argument, '{"a": ', "length").reason.endswith(
        "(the completion was cut at the token limit)"
    )
    assert "cut at" not in graded(name, argument, '{"a": ').reason


def test_a_long_completion_makes_no_long_reason() -> None:
    for name, argument in (("equals", "a"), ("json_fields", {"a": "b"}), ("json_schema", {"type": "null"})):
        text = '{"a": "' + "x" * 10_000 + '"}'
        assert len(graded(name, argument, text).reason) < 400


ARGUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
VALID: dict[str, Any] = {
    "equals": "a",
    "contains": {"all": ["a"], "none": ["b"]},
    "regex": "[a-z]+",
    "json_fields": {"a": [1, None]},
    "json_schema": {"type": "object"},
    "starts_with": ["a", "b"],
    "label": {"is": "a", "of": ["a", "b"], "find": "mention"},
    "numeric": {"value": 1, "tolerance": 0.5},
    "length": {"words": {"max": 5}},
    "no_refusal": True,
    "similarity": {"to": "a b", "threshold": 0.5},
    "json_valid": True,
    "tool_call": {"name": "a"},
    "language": "en",
    "judge": True,
}
CANNOT_TELL = {"language", "judge"}


@given(st.text(), st.sampled_from(["stop", "length"]))
def test_no_completion_breaks_a_grader(text: str, finish: str) -> None:
    grades = grade(prompt(VALID), completion(text, finish))
    assert sorted(VALID) == sorted(GRADERS)
    assert [g.grader for g in grades] == list(VALID)
    assert not [g for g in grades if g.outcome is UNGRADED and g.grader not in CANNOT_TELL]
    assert all(_has_its_score(g) for g in grades)


@given(st.sampled_from(list(GRADERS)), ARGUMENTS)
def test_no_argument_breaks_a_grader(name: str, argument: Any) -> None:
    [given] = grade(prompt({name: argument}), completion('{"a": 1}'))
    assert _has_its_score(given)
    assert (given.outcome is UNGRADED) >= bool(problems({name: argument}))


def _has_its_score(given: Grade) -> bool:
    if given.outcome is UNGRADED:
        return given.score is None
    return given.score is not None and 0 <= given.score <= 1
