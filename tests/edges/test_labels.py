"""Rated completions: our own lines, published files, and what is neither."""

import json
from pathlib import Path
from typing import Any

import pytest

from ftgate.edges.labels import read_labels
from ftgate.errors import InputError

GOOD = {"prompt": "2+2?", "completion": "4", "reference": "4", "score": 5}


def file(tmp_path: Path, *lines: Any, name: str = "labels.jsonl") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_lines_of_both_shapes(tmp_path: Path) -> None:
    turns = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
    talk = {"messages": turns, "completion": "", "scores": [2, 5, 3, 4], "criteria": "short", "judge": 4}
    one, other = read_labels(file(tmp_path, GOOD, "", talk))
    assert (one.score, one.judge, one.prompt.reference, one.completion.text) == (5, None, "4", "4")
    assert (other.score, other.judge, len(other.prompt.messages)) == (3, 4, 2)
    assert other.prompt.expect == {"judge": {"criteria": "short"}}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        ('{"prompt": "a", "prompt": "b"}', "not a JSON object"),
        ({**GOOD, "score": 6}, "score from 1 to 5"),
        ({**GOOD, "score": 0}, "score from 1 to 5"),
        ({**GOOD, "score": True}, "score from 1 to 5"),
        ({**GOOD, "score": 4.5}, "score from 1 to 5"),
        ({**GOOD, "scores": []}, "score from 1 to 5"),
        ({"prompt": "a", "score": 4}, "completion"),
        ({"completion": "a", "score": 4}, "prompt"),
        ({"messages": [{"role": "user"}], "completion": "a", "score": 4}, "prompt"),
        ({**GOOD, "judge": 9}, "judge must be"),
        ({**GOOD, "reference": 5}, "reference must be a text"),
        ({**GOOD, "rating": 5}, "unknown key 'rating'"),
    ],
)
def test_what_is_no_label_is_named_by_line(tmp_path: Path, line: Any, wrong: str) -> None:
    with pytest.raises(InputError) as caught:
        read_labels(file(tmp_path, GOOD, line))
    assert f"labels.jsonl:2: {wrong}" in caught.value.message or wrong in caught.value.message
    assert '"completion"' in caught.value.advice


def test_nothing_and_nowhere(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no label"):
        read_labels(file(tmp_path, ""))
    with pytest.raises(InputError, match="No such file"):
        read_labels(tmp_path / "none.jsonl")


def published(*instances: str) -> dict[str, Any]:
    rating = {"Overall": {"individual_human_scores": [4], "majority_human": 4}}
    return {
        "annotations": [
            {"metric": "Steps", "labels_list": ["yes"]},
            {"metric": "Overall", "worst": 1, "best": 5},
        ],
        "instances": [{"id": n, "instance": text, "annotations": rating} for n, text in enumerate(instances)],
    }


INSTANCE = (
    "Read this.\n\nCONTEXT:\nQuestion: How many?\nIn all.\n\\Solution: Two and two.\nA: 4\n\n"
    "GENERATED RESPONSE:\nStep 1 - 2 + 2\nA: 4\nJudge the generated response:\n"
)


def test_a_published_file_with_question_solution_and_response(tmp_path: Path) -> None:
    [label] = read_labels(file(tmp_path, published(INSTANCE), name="set.json"))
    assert label.prompt.messages[0].content == "How many?\nIn all."
    assert label.prompt.reference == "Two and two.\nA: 4"
    assert (label.completion.text, label.score) == ("Step 1 - 2 + 2\nA: 4", 4)


@pytest.mark.parametrize(
    "plain", [{}, [], {"annotations": [], "instances": []}, published("no question here")]
)
def test_another_json_file_is_refused(tmp_path: Path, plain: Any) -> None:
    with pytest.raises(InputError):
        read_labels(file(tmp_path, plain, name="set.json"))
