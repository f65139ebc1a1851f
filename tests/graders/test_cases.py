"""Every grader by its cases: passes, fails with its reason, turns under `not`, refuses what it cannot grade by."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ftgate import wire
from ftgate.edges.yaml_files import Documents
from ftgate.errors import SettingsError
from ftgate.graders import GRADERS, grade, problems
from ftgate.values.evaluation import Grade
from tests.graders.builders import FAILED, PASSED, UNGRADED, completion, graded, prompt
from tests.graders.cases import CASES, DEEP, GERMAN, REFUSED, Case

FLAT = [(name, case) for name, cases in CASES.items() for case in cases]
EVERY_REFUSED = [(name, argument) for name, arguments in REFUSED.items() for argument in arguments]
EXPECT = {**wire.schema("prompts")["items"]["properties"]["expect"], "$defs": wire.schema("prompts")["$defs"]}


def not_graded(name: str, argument: Any, text: str) -> Grade:
    [given] = grade(prompt({"not": {name: argument}}), completion(text))
    return given


def test_every_grader_has_cases() -> None:
    assert set(CASES) | {"judge"} == set(GRADERS) == set(REFUSED)
    assert list(EXPECT["properties"]) == [*GRADERS, "not"] or set(EXPECT["properties"]) == {*GRADERS, "not"}
    assert set(wire.schema("prompts")["$defs"]["not"]["properties"]) == set(GRADERS)


@pytest.mark.parametrize(("name", "case"), FLAT, ids=str)
def test_cases(name: str, case: Case) -> None:
    assert problems({name: case.argument}) == []
    right, wrong = graded(name, case.argument, case.passes), graded(name, case.argument, case.fails)
    assert (right.outcome, wrong.outcome) == (PASSED, FAILED), (right, wrong)
    assert case.why in wrong.reason
    assert right.score is not None and wrong.score is not None and 0 <= wrong.score <= right.score <= 1


@pytest.mark.parametrize(("name", "case"), FLAT, ids=str)
def test_not_turns_every_grade(name: str, case: Case) -> None:
    argument = case.argument
    if name == "tool_call" and not (isinstance(argument, dict) and argument.get("others") == "allowed"):
        assert "others: allowed" in problems({"not": {name: argument}})[0]
        return
    passing, failing = not_graded(name, argument, case.fails), not_graded(name, argument, case.passes)
    assert (passing.grader, passing.outcome, passing.score) == (f"not {name}", PASSED, 1.0)
    assert (failing.outcome, failing.score) == (FAILED, 0.0)
    assert failing.reason.startswith("must not: ")


@pytest.mark.parametrize(("name", "argument"), EVERY_REFUSED, ids=lambda value: repr(value)[:40])
def test_what_cannot_be_graded_by_is_refused_and_is_no_grade(name: str, argument: Any) -> None:
    found = problems({name: argument})
    assert found and all(text.startswith("expect") for text in found)
    assert graded(name, argument, "x").outcome is UNGRADED if argument is not DEEP else True
    assert problems({"not": {name: argument}})


@pytest.mark.parametrize(("name", "case"), FLAT, ids=str)
def test_the_published_schema_takes_what_the_graders_take(name: str, case: Case) -> None:
    validator = Draft202012Validator(EXPECT)
    assert validator.is_valid({name: case.argument}), list(validator.iter_errors({name: case.argument}))
    assert validator.is_valid({"not": {name: case.argument}})
    assert not validator.is_valid({name: case.argument, "unheard": 1})


# What only the graders can know: contradictions, patterns, schemas, and values that JSON does not have.
MEANING = {"json_schema", "json_fields", "regex"}


@pytest.mark.parametrize(
    ("name", "argument"),
    [pair for pair in EVERY_REFUSED if pair[0] not in MEANING],
    ids=lambda value: repr(value)[:40],
)
def test_the_published_schema_refuses_most_of_it_too(name: str, argument: Any) -> None:
    if "NaN" in repr(argument) or "nan" in repr(argument) or "inf" in repr(argument):
        return
    [problem, *_] = problems({name: argument})
    only_meaning = (
        "nothing could pass",
        "read as the same",
        "none of the labels",
        "punctuation",
        "that is 0",
    )
    if any(words in problem for words in only_meaning) or argument in ({"words": {"min": 0}}, ["de", "de"]):
        return
    assert not Draft202012Validator(EXPECT).is_valid({name: argument}), problem


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ({"not": {}}, "expect.not: names no grader"),
        ({"not": "a"}, "expect.not: must be a mapping"),
        ({"not": {"not": {"equals": "a"}}}, "expect.not.not: stands within not"),
        (
            {"not": {"contain": "a"}},
            "expect.not.contain: there is no grader of this name; did you mean contains?",
        ),
        ({"nto": {"equals": "a"}}, "did you mean not?"),
        ({"equals": "a", "not": {"equals": "a"}}, "expect.not.equals: says the same as equals"),
        ({"equals": "a b", "contains": "c"}, "expect.contains: refuses the text of equals"),
        ({"equals": "no", "json_valid": True}, "expect.json_valid: refuses the text of equals"),
        ({"equals": "a b", "not": {"regex": "b"}}, "expect.not.regex: refuses the text of equals"),
        ({"json_schema": DEEP}, "expect is nested more than 64 levels deep"),
    ],
)
def test_contradictions_and_wrong_negations_are_refused(expect: Any, said: str) -> None:
    assert any(said in text for text in problems(expect)), problems(expect)


def test_a_demand_and_another_under_not_stand_together() -> None:
    expect = {"contains": "refund", "not": {"contains": "sorry", "regex": r"\d"}}
    assert problems(expect) == []
    grades = grade(prompt(expect), completion("a refund, sorry"))
    assert [(g.grader, g.outcome) for g in grades] == [
        ("contains", PASSED),
        ("not contains", FAILED),
        ("not regex", PASSED),
    ]


@pytest.mark.parametrize(
    ("name", "argument", "text", "why"),
    [
        ("language", "de", "ja", "too few to tell"),
        ("language", "de", "Graz Oslo Wien Bern Rom Paris Riga", ""),
        ("language", "xx", GERMAN, "cannot be told here: xx"),
        ("similarity", {"threshold": 0.5}, "x", "nothing to compare with"),
        ("similarity", {"to": "a", "threshold": 0.5}, "x" * 20_001, "are not compared"),
    ],
)
def test_what_a_grader_cannot_tell_is_ungraded_with_and_without_not(
    name: str, argument: Any, text: str, why: str
) -> None:
    assert graded(name, argument, text).outcome is UNGRADED
    turned = not_graded(name, argument, text)
    assert (turned.outcome, turned.score) == (UNGRADED, None)
    assert why in turned.reason


def test_similarity_compares_with_the_reference_of_the_prompt() -> None:
    [given] = grade(prompt({"similarity": {"threshold": 0.9}}, reference="late"), completion("late"))
    assert (given.outcome, given.score) == (PASSED, 1.0)


def test_each_field_has_its_score() -> None:
    given = graded("json_fields", {"a": 1, "b": 2}, '{"a": 1, "b": 3}')
    assert given.fields == {"a": 1.0, "b": 0.0}
    for text in ("no JSON", "[]"):
        assert graded("json_fields", {"a": 1, "b": 2}, text).fields == {"a": 0.0, "b": 0.0}


def test_a_missing_library_is_no_grade(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python itself says that a module is not there when sys.modules holds None."""
    import sys

    from ftgate.graders import similarity

    similarity._measure.cache_clear()
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    given = graded("similarity", {"to": "a", "threshold": 0.5}, "a")
    assert given.outcome is UNGRADED
    assert "pip install '.[graders]'" in given.reason


@pytest.mark.parametrize("argument", [r"(a|a)*$", r"(a+)+$", r"^(\w+\s?)*$"])
def test_no_pattern_takes_for_ever(argument: str) -> None:
    import time

    started = time.monotonic()
    graded("regex", "x" + argument, "a" * 50_000 + "!")
    assert time.monotonic() - started < 20


def test_no_text_makes_numbers_or_labels_slow() -> None:
    import time

    started = time.monotonic()
    for text in ("1," * 50_000 + "x", "1" * 200_000, "9e" * 50_000, "-" * 100_000, "*" * 200_000):
        graded("numeric", 1, text)
        graded("label", CASES["label"][0].argument, text)
        graded("no_refusal", True, text)
    assert time.monotonic() - started < 20


PLACED = """\
- id: a
  protects: x
  messages: [{role: user, content: hi}]
  expect:
    contains:
      all: [card]
      none: [card]
    label: {is: c, of: [a, b]}
    not:
      regex: (?=a)
- id: b
  protects: x
  tags: [vip, vip]
  messages: [{role: user, content: hi}]
  expect: {numeric: .nan}
"""


def test_every_problem_names_file_line_and_key() -> None:
    with pytest.raises(SettingsError) as caught:
        Documents().prompts("r/p.yaml", PLACED.replace(".nan", "'4'").encode())
    assert caught.value.message.splitlines() == [
        'r/p.yaml:7: [0].expect.contains.none: forbids "card", which is in "card" of all: nothing could pass',
        'r/p.yaml:8: [0].expect.label.is: "c" is none of the labels in of',
        "r/p.yaml:10: [0].expect.not.regex: is no regular expression that re2 takes: invalid perl operator: (?=",
        "r/p.yaml:13: [1].tags: ['vip', 'vip'] has non-unique elements",
        "r/p.yaml:15: [1].expect.numeric: must be a number, not a text",
    ]
    with pytest.raises(SettingsError, match=r"r/p.yaml:15: \[1\].expect.numeric: .nan is no number"):
        Documents().prompts("r/p.yaml", PLACED.encode())


@pytest.mark.parametrize("depth", [30, 63, 70, 150, 500, 5000])
def test_depth_ends_in_a_message(depth: int) -> None:
    line = json.dumps(
        {"id": "a", "protects": "x", "messages": [{"role": "user", "content": "hi"}], "expect": 0}
    )
    nested = "[" * depth + "1" + "]" * depth
    line = line.replace('"expect": 0', f'"expect": {{"json_fields": {{"a": {nested}}}}}')
    for path in ("p.jsonl", "p.yaml"):
        text = line if path.endswith("l") and path != "p.yaml" else f"- {line}"
        try:
            read = Documents().prompts(path, text.encode())
        except SettingsError as error:
            assert depth > 60 and "p." in error.message
        else:
            assert depth < 63 and len(read) == 1


def test_tags_are_read() -> None:
    good = PLACED.split("- id: b")[1].replace("[vip, vip]", "[vip, late]").replace(".nan", "4")
    assert Documents().prompts("p.yaml", ("- id: b" + good).encode())[0].tags == ("vip", "late")
