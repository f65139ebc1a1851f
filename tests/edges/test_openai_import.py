"""OpenAI's grader JSON becomes regression prompts that grade the same, or is refused with its reason."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openai.types.graders as shapes
import pytest

from ftgate.cli.main import main
from ftgate.edges.openai_import import Asking, Imported, import_graders
from ftgate.edges.yaml_files import Documents
from ftgate.errors import InputError, SettingsError
from ftgate.graders import grade
from ftgate.graders.openai_shapes import Refused, demands, resolve
from ftgate.values.evaluation import Prompt
from tests.graders.builders import completion

TYPES: dict[str, Any] = {
    "string_check": shapes.StringCheckGrader,
    "text_similarity": shapes.TextSimilarityGrader,
    "score_model": shapes.ScoreModelGrader,
    "label_model": shapes.LabelModelGrader,
    "python": shapes.PythonGrader,
}
SAMPLE = "{{sample.output_text}}"
ASKED = [
    {"role": "developer", "content": "Is the answer polite? Question: {{item.question}}"},
    {"role": "user", "content": {"type": "input_text", "text": "Answer: {{ sample.output_text }}"}},
]


def check(operation: str, reference: str, given: str = SAMPLE, name: str = "check") -> dict[str, Any]:
    return {
        "type": "string_check",
        "name": name,
        "input": given,
        "operation": operation,
        "reference": reference,
    }


def similar(metric: str, threshold: Any = 0.5) -> dict[str, Any]:
    return {
        "type": "text_similarity",
        "name": "like",
        "input": SAMPLE,
        "reference": "{{item.answer}}",
        "evaluation_metric": metric,
        "pass_threshold": threshold,
    }


def scored(threshold: Any = 0.7, **more: Any) -> dict[str, Any]:
    made = {
        "type": "score_model",
        "name": "polite",
        "model": "gpt-5",
        "input": ASKED,
        "pass_threshold": threshold,
    }
    return made | more


LABELLED = {
    "type": "label_model",
    "name": "tone",
    "model": "gpt-5",
    "input": ASKED,
    "labels": ["kind", "neutral", "rude"],
    "passing_labels": ["kind", "neutral"],
}
PYTHON = {"type": "python", "name": "p", "source": "def grade(): ..."}
ITEM = {
    "question": "Where is it?",
    "answer": "In Graz",
    "code": 7,
    "deep": {"list": ["a", {"b": True}]},
    "nul": None,
}


@pytest.mark.parametrize(
    "grader",
    [
        check("eq", "x"),
        similar("bleu"),
        scored(range=[0, 10]),
        LABELLED,
        {"type": "python", "name": "p", "source": "x"},
    ],
    ids=lambda grader: grader["type"],
)
def test_the_shapes_are_those_of_the_client(grader: dict[str, Any]) -> None:
    assert TYPES[grader["type"]].model_validate(grader).type == grader["type"]


def imported(tmp_path: Path, graders: Any, *items: Mapping[str, Any], **asking: Any) -> Imported:
    (tmp_path / "eval.json").write_text(json.dumps(graders))
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items or (ITEM,)))
    asking.setdefault("user", "{{item.question}}")
    return import_graders(tmp_path / "eval.json", tmp_path / "items.jsonl", Asking(**asking))


def prompts(made: Imported) -> tuple[Prompt, ...]:
    return Documents().prompts("imported.yaml", made.text.encode())


@pytest.mark.parametrize(
    ("grader", "passes", "fails"),
    [
        (check("eq", "{{item.answer}}"), "In Graz", "in graz"),
        (check("eq", SAMPLE, "{{ item.answer }}"), "In Graz", "Graz"),
        (check("ne", "{{item.answer}}"), "In Oslo", "In Graz"),
        (check("like", "{{item.answer}}"), "It is In Graz.", "it is in graz"),
        (check("ilike", "{{item.answer}}"), "it is in graz", "it is in Oslo"),
        (check("eq", "{{item.code}}", "{{sample.output_json.code}}"), '{"code": 7}', '{"code": "7"}'),
        (check("eq", "n-{{item.deep.list[1].b}}-{{item.deep.list.0}}"), "n-true-a", "n--a"),
        (similar("fuzzy_match", 0.8), "In Gratz", "Oslo"),
        (similar("rouge_l"), "in graz", "oslo"),
        (
            {
                "type": "multi",
                "name": "both",
                "graders": {"a": check("like", "In"), "b": check("like", "Graz")},
                "calculate_output": "a * b",
            },
            "In Graz",
            "Graz",
        ),
    ],
)
def test_what_is_imported_grades_the_same(
    tmp_path: Path, grader: dict[str, Any], passes: str, fails: str
) -> None:
    made = imported(tmp_path, grader)
    assert made.refused == ()
    read = prompts(made)
    assert read[0].messages[0].content == "Where is it?"
    for text, outcome in ((passes, True), (fails, False)):
        grades = [g for prompt in read for g in grade(prompt, completion(text))]
        assert all(g.outcome == "passed" for g in grades) is outcome, grades


def test_model_graders_become_questions_to_the_judge(tmp_path: Path) -> None:
    made = imported(tmp_path, {"testing_criteria": [scored(7, range=[0, 10]), LABELLED]})
    first, second = prompts(made)
    assert first.expect["judge"]["pass_score"] == 4
    assert first.expect["judge"]["criteria"].startswith(
        "Is the answer polite? Question: Where is it?\n\nAnswer: the completion"
    )
    assert "Correctness is 5 when it is kind or neutral, else 1." in second.expect["judge"]["criteria"]
    assert second.id == "items-1-2", "a grader that is asked for twice makes a second prompt"
    assert "not to gpt-5" in made.notes[0]


@pytest.mark.parametrize(("threshold", "score"), [(0, 2), (0.2, 2), (0.5, 3), (0.51, 4), (0.75, 4), (1, 5)])
def test_a_threshold_becomes_a_score_of_one_to_five(threshold: float, score: int) -> None:
    [demand] = demands(scored(threshold), ITEM)
    assert demand.argument["pass_score"] == score


def multi(formula: str) -> dict[str, Any]:
    return {
        "type": "multi",
        "name": "m",
        "graders": {"a": check("eq", "x"), "b": check("like", "x")},
        "calculate_output": formula,
    }


@pytest.mark.parametrize("formula", ["a * b", "min(a, b)", "b*a", "(a) * (b)"])
def test_products_and_minima_are_all_of_them(formula: str) -> None:
    assert [demand.grader for demand in demands(multi(formula), ITEM)] == ["equals", "contains"]


@pytest.mark.parametrize(
    ("grader", "why"),
    [
        (PYTHON, "runs code of its own"),
        ({"type": "endpoint", "name": "e"}, "unknown type 'endpoint'"),
        (check("matches", "x"), "unknown operation"),
        (check("like", SAMPLE, "{{item.answer}}"), "has the completion in its reference"),
        (check("eq", "x", "Answer: {{sample.output_text}}"), "its input must be {{sample.output_text}}"),
        (check("eq", "x", "{{sample.output_tools[0].function.name}}"), "its input must be"),
        (check("like", "x", "{{sample.output_json.a}}"), "looks within"),
        (check("eq", "x", "{{sample.output_json.a.b}}"), "looks within"),
        (check("eq", " "), "compares with an empty text"),
        (check("eq", "{{item.none}}"), "the item has no 'none'"),
        (check("eq", "{{item.deep.list[5]}}"), "the item has no '5'"),
        (check("eq", "{{env.HOME}}"), "cannot be resolved here"),
        (similar("cosine"), "measures by cosine"),
        (similar("meteor"), "measures by meteor"),
        (similar("bleu", None), "needs a pass_threshold"),
        (similar("bleu", 1.5), "needs a pass_threshold"),
        (scored(None), "needs a pass_threshold"),
        (scored(11, range=[0, 10]), "within its range 0 to 10"),
        (scored(1, range=[1, 1]), "two rising numbers"),
        (scored(input=[{"role": "user", "content": {"type": "input_image", "image_url": "u"}}]), "no text"),
        (scored(input=[]), "has no input"),
        ({**LABELLED, "passing_labels": ["warm"]}, "not among its labels"),
        (multi("0.5 * a + 0.5 * b"), "only a product or min()"),
        (multi("a"), "only a product or min()"),
        (multi("a * a * b"), "only a product or min()"),
        (multi("__import__('os').system('id')"), "only a product or min()"),
        ({"type": "multi", "name": "m", "graders": {}, "calculate_output": "a"}, "has no graders"),
        (
            {"type": "multi", "name": "m", "graders": {"a": multi("a")}, "calculate_output": "a"},
            "another multi",
        ),
    ],
)
def test_what_has_no_equal_is_refused_with_its_reason(
    tmp_path: Path, grader: dict[str, Any], why: str
) -> None:
    with pytest.raises(Refused) as caught:
        demands(grader, ITEM)
    assert why in str(caught.value)
    made = imported(tmp_path, [grader])
    assert (made.prompts, len(made.refused)) == (0, 1)


def test_templates_put_values_in_and_run_nothing() -> None:
    assert resolve("{{item.question}} {{ item.nul }} {{item.deep}}", ITEM) == (
        'Where is it? null {"list": ["a", {"b": true}]}'
    )
    injected = {"answer": "{{item.question}}", "question": "secret"}
    assert resolve("{{item.answer}}", injected) == "{{item.question}}", "a value is no template"


@pytest.mark.parametrize(
    ("more", "item", "said"),
    [
        ({}, {"item": {"messages": [{"role": "user", "content": "{{x}} hi"}], "answer": "a"}}, "{{x}} hi"),
        (
            {
                "input_messages": {
                    "type": "template",
                    "template": [{"role": "developer", "content": "{{item.q}}!"}],
                }
            },
            {"q": "hi", "answer": "a"},
            "hi!",
        ),
        (
            {"data_source": {"input_messages": {"type": "item_reference", "item_reference": "item.turns"}}},
            {"turns": [{"role": "user", "content": "hello"}], "answer": "a"},
            "hello",
        ),
    ],
)
def test_messages_come_from_where_the_platform_has_them(
    tmp_path: Path, more: dict[str, Any], item: dict[str, Any], said: str
) -> None:
    made = imported(tmp_path, {"testing_criteria": [check("eq", "{{item.answer}}")], **more}, item, user=None)
    assert prompts(made)[0].messages[-1].content == said


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing says what is asked"):
        imported(tmp_path, check("eq", "x"), ITEM, user=None)
    with pytest.raises(InputError, match="holds no graders"):
        imported(tmp_path, {"name": "eval"})
    imported(tmp_path, check("eq", "x"))
    (tmp_path / "bad.jsonl").write_text('{"a": 1}\n{"a": NaN}\n')
    with pytest.raises(InputError, match=r"bad\.jsonl:2: not JSON"):
        import_graders(tmp_path / "eval.json", tmp_path / "bad.jsonl", Asking(user="x"))


def test_ids_are_kept_and_may_not_repeat(tmp_path: Path) -> None:
    made = imported(
        tmp_path, check("eq", "x"), {**ITEM, "id": "case 1"}, {**ITEM, "id": 2}, protects="delivery"
    )
    assert [prompt.id for prompt in prompts(made)] == ["case-1", "2"]
    assert prompts(made)[0].protects == "delivery"
    with pytest.raises(SettingsError, match="used twice"):
        imported(tmp_path, check("eq", "x"), {**ITEM, "id": "a"}, {**ITEM, "id": "a"})


def test_the_command_writes_nothing_when_something_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(
        tmp_path, [check("eq", "{{item.answer}}"), {"type": "python", "name": "code\x1b[2J", "source": ""}]
    )
    out = tmp_path / "regression" / "made.yaml"
    words = ["import-graders", str(tmp_path / "eval.json"), str(tmp_path / "items.jsonl")]
    words += ["--user", "{{item.question}}", "-o", str(out)]
    assert main(words) == 2
    assert not out.exists()
    said = capsys.readouterr().err
    assert "(python): runs code of its own" in said and "\x1b" not in said
    assert main([*words, "--partial"]) == 0
    assert "1 prompts" in capsys.readouterr().out
    assert Documents().prompts("made.yaml", out.read_bytes())[0].expect == {"equals": "In Graz"}
    assert main([*words, "--partial"]) == 2, "an existing file stays"
