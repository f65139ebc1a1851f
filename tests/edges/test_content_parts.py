"""Contents as strings and as lists of parts: either, one way in a file, told when files differ."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.cli.jobs import Question, validate
from ftgate.edges.jsonl import read_jsonl
from ftgate.stages.sift import sift
from ftgate.values.dataset import Example, Message
from ftgate.values.finding import Finding
from tests.edges.reading import read

Turns = list[dict[str, Any]]


def parts(*texts: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text} for text in texts]


def turns(user: Any, reply: Any) -> Turns:
    return [{"role": "user", "content": user}, {"role": "assistant", "content": reply}]


def conversation(user: Any, reply: Any) -> bytes:
    return json.dumps({"messages": turns(user, reply)}).encode() + b"\n"


def completion(user: Any, reply: Any) -> bytes:
    asked, said = turns(user, reply)
    return json.dumps({"prompt": [asked], "completion": [said]}).encode() + b"\n"


PLAIN, PARTED = conversation("q", "a"), conversation(parts("q"), parts("a"))


@pytest.mark.parametrize("line", [conversation, completion])
def test_parts_of_text_become_one_text(line: Any) -> None:
    (example,), findings, _ = read(line(parts("one, ", "two"), parts("a")))
    assert findings == []
    assert example.messages == (
        Message(role="user", content="one, two"),
        Message(role="assistant", content="a"),
    )


@pytest.mark.parametrize(
    ("content", "pointer", "said"),
    [
        ([], "", "has no parts"),
        (["x"], "/0", "expected a part"),
        ([{"type": "text"}], "/0", "text is missing"),
        ([{"text": "x"}], "/0", 'of the type "none"'),
        ([*parts("x"), {"type": "image_url", "image_url": {"url": "u"}}], "/1", 'of the type "image_url"'),
        ([{"type": "text", "text": 5}], "/0/text", "Found a number"),
        ([{"type": "text", "text": "x", "more": 1}], "/0/more", "unknown"),
    ],
)
def test_other_parts_are_refused_at_their_place(content: Any, pointer: str, said: str) -> None:
    examples, (finding,), _ = read(conversation(content, parts("a")))
    assert examples == []
    assert (finding.pointer, finding.check) == (f"/messages/0/content{pointer}", "format")
    assert said in finding.message and finding.column > 1


@pytest.mark.parametrize("format", ["auto", "conversation"])
@pytest.mark.parametrize(
    ("data", "bad", "kind"),
    [
        (PLAIN * 3 + PARTED + PLAIN, [4], "lists of parts here and strings before"),
        (PARTED * 2 + PLAIN + PARTED + PLAIN * 2, [3, 5, 6], "strings here and lists of parts before"),
        (conversation(parts("q"), "a"), [1], "strings here and lists of parts before"),
        (b"{\n" + PLAIN + PARTED, [1, 3], "lists of parts here"),
    ],
)
def test_a_file_holds_one_kind(format: str, data: bytes, bad: list[int], kind: str) -> None:
    """In every way of reading: by lines, and by batches, which take plain lines together."""
    by_lines = list(read_jsonl("f.jsonl", io.BytesIO(data), format))
    findings = [thing for thing in by_lines if isinstance(thing, Finding)]
    assert [finding.line for finding in findings] == bad
    assert kind in findings[-1].message
    batched: list[Finding | int] = []
    for thing in read_jsonl("f.jsonl", io.BytesIO(data), format).batches():
        batched.extend([thing] if isinstance(thing, Finding) else thing.lines)
    assert [thing for thing in batched if isinstance(thing, Finding)] == findings
    lines = [thing.place.line for thing in by_lines if isinstance(thing, Example)]
    assert [thing for thing in batched if not isinstance(thing, Finding)] == lines


def test_without_a_kind_yet_the_next_line_decides() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    asks = json.dumps({"messages": [{"role": "assistant", "tool_calls": [call]}]}).encode() + b"\n"
    assert read(asks + PARTED * 2)[1] == []
    assert [finding.line for finding in read(asks + PARTED + PLAIN)[1]] == [3]


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        (PLAIN, PARTED, ("conversation (lists of parts)", "conversation")),
        (PARTED, PLAIN, ("conversation", "conversation (lists of parts)")),
        (
            b'{"prompt": "q", "completion": "a"}\n',
            completion("q", "a"),
            ("prompt-completion (message lists)", "prompt-completion"),
        ),
    ],
)
def test_files_that_differ_are_told(first: bytes, second: bytes, names: tuple[str, str]) -> None:
    streams = [read_jsonl(f"{n}.jsonl", io.BytesIO(data)) for n, data in enumerate((first, second))]
    _, findings = sift(streams, Checks(Context()))
    (told,) = [finding for finding in findings if finding.check == "fields"]
    assert (told.path, told.line) == ("1.jsonl", 1)
    assert (
        f"has the format {names[0]}, 0.jsonl:1 has {names[1]}: a loader that reads both stops" in told.message
    )


def test_processes_agree_about_parts(tmp_path: Path) -> None:
    bad = {700, 1500}
    lines = [
        conversation(f"q {n}", "a") if n in bad else conversation(parts(f"q {n}"), parts(f"a {n}"))
        for n in range(2000)
    ]
    file = tmp_path / "f.jsonl"
    file.write_bytes(b"".join(lines))
    question = Question(paths=(file,), context=Context())
    one = validate(question, 1)
    assert {f.line for f in one[1] if f.check == "format"} == {n + 1 for n in bad}
    assert validate(question, 2) == one


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"prompt": "p", "chosen": "a", "rejected": "b"}, "(chosen and rejected)"),
        ({"chosen": turns("q", "a"), "rejected": turns("q", "b")}, "(chosen and rejected)"),
        (
            {"input": {"messages": turns("q", "a")[:1]}, "preferred_output": [], "non_preferred_output": []},
            "(preferred_output and non_preferred_output)",
        ),
    ],
)
def test_preference_pairs_are_refused_with_a_reason(value: Any, reason: str) -> None:
    examples, (finding,), _ = read(json.dumps(value).encode() + b"\n")
    assert examples == []
    assert f"a preference pair {reason}: it trains a ranking" in finding.message


@pytest.mark.parametrize(
    ("content", "advice"),
    [({"a": 1}, "Write the JSON as text, in a string."), (5, "Write it in double quotes.")],
)
def test_another_type_comes_with_the_way_out(content: Any, advice: str) -> None:
    assert [finding.advice for finding in read(conversation("q", content))[1]] == [advice]
