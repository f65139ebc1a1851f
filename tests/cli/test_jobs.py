"""Several processes say what one says: across parts, files and odd places of the cut."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.cli import jobs
from ftgate.cli.jobs import Question, validate
from ftgate.edges.jsonl import read_jsonl
from ftgate.edges.parts import cut, recall
from ftgate.values.settings import DataSettings, Level
from tests.edges.reading import GOOD, PRETTY, turns

LEVELS: dict[str, Level] = {"near-duplicate": "off"}  # it compares all with all, in one process


def lines(count: int, seed: int) -> list[bytes]:
    """Good lines with repeats, contradictions and outputs of several kinds, and a few bad ones."""
    chance = random.Random(seed)
    written = []
    for _ in range(count):
        number = chance.randrange(count)
        output: Any = chance.choice((f"reply {number % 3}", json.dumps({"a": number % 2, "b": [1.0]}), "yes"))
        system = [("system", f"s{chance.randrange(3)}")] if chance.random() < 0.9 else []
        written.append(
            turns(
                *system,
                ("user", f"question {number} jane@mail.shop.org" * (number % 9 == 0) or "q"),
                ("assistant", output),
            )
        )
        if chance.random() < 0.05:
            written.append(
                chance.choice(
                    (
                        b"\n",
                        b"{\n",
                        PRETTY,
                        turns(("user", "no reply")),
                        turns(("pirate", "x")),
                        b'{"a": 1}\n',
                    )
                )
            )
    return written


def asked(*paths: Path, **more: Any) -> tuple[Any, Any]:
    data = DataSettings(train=(), general_sources=("chat",), **more)
    question = Question(paths=paths, context=Context(data=data, declared=True, max_length=64), levels=LEVELS)
    return validate(question, 1), validate(question, 3)


def test_parts_of_one_file_say_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD + b"".join(lines(300, 1)).rstrip(b"\n"))
    assert len(cut(path, 3, read_jsonl)) == 3
    question = Question(
        paths=(path,),
        context=Context(data=DataSettings(train=()), declared=True, max_length=64),
        levels=LEVELS,
    )
    assert Checks(question.context, LEVELS).can_merge
    one, several = validate(question, 1), jobs._in_parts(question, 3)
    assert several == one
    checks = {finding.check for finding in one[1]}
    assert {"contradiction", "duplicate", "system-prompt", "json", "format", "encoding", "secrets"} <= checks
    assert one[0][0].sha256 == several[0][0].sha256 != ""


@pytest.mark.parametrize("head", [b"\xef\xbb\xbf" + GOOD, b"\n", b"[\n", GOOD.replace(b"\n", b"\r\n"), b""])
def test_beginnings_that_decide_nothing(tmp_path: Path, head: bytes) -> None:
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    paths[0].write_bytes(head + b"".join(lines(60, 2)))
    paths[1].write_bytes(b"".join(lines(40, 3)) + GOOD.replace(b"\n", b"\r\n") * 2)
    one, several = asked(*paths)
    assert several == one


def test_formats_that_are_not_plain_are_cut_too(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"instruction": f"i{n % 40}", "output": f"o{n % 60}"} for n in range(200)]
    path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    one, several = asked(path)
    assert several == one
    assert {"contradiction", "duplicate"} <= {finding.check for finding in one[1]}


def test_what_does_not_add_up_is_left_to_one_process(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b"".join(turns(("system", f"s{n}"), ("user", "q"), ("assistant", "a")) for n in range(1500))
    )
    one, several = asked(path)
    assert several == one


def from_somewhere(count: int) -> bytes:
    """Lines with tools, calls, metadata, sources and labels."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    rows: list[dict[str, Any]] = []
    for n in range(count):
        reply: dict[str, Any] = {"role": "assistant", "content": f"label {n % 5}"}
        row: dict[str, Any] = {"messages": [{"role": "user", "content": f"question {n % 70}"}, reply]}
        if n % 4 == 1:
            row |= {"metadata": {"a": n if n % 3 else "text"}, "source": ("chat", "generated")[n % 3 == 0]}
        if n % 7 == 2:
            reply |= {"content": None, "tool_calls": [call]}
            row |= {"tools": [tool]}
        rows.append(row)
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.mark.parametrize("target", ["trl", "mistral", "openai"])
def test_every_check_but_near_duplicate_adds_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    paths[0].write_bytes(GOOD + from_somewhere(300))
    rows = [{"instruction": f"i{n % 40}", "output": f"o{n % 60}"} for n in range(50)]
    paths[1].write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    merged: list[Any] = []
    in_parts = jobs._in_parts

    def noted(question: Question, count: int) -> Any:
        merged.append(in_parts(question, count))
        return merged[0]

    monkeypatch.setattr(jobs, "_in_parts", noted)
    one, several = asked(*paths, target=target)
    assert several == one
    assert merged == [one]
    checks = {finding.check for finding in one[1]}
    assert {"tool-calls", "fields", "review", "mixing", "length"} <= checks


def test_near_duplicate_is_left_to_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD)
    monkeypatch.setattr(jobs, "_in_parts", None)
    assert validate(Question(paths=(path,), context=Context()), 3)[0][0].examples == 1


def test_small_input_is_read_by_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD)
    monkeypatch.setattr(jobs, "_in_parts", None)
    question = Question(paths=(path,), context=Context())
    assert validate(question, None)[0][0].examples == 1


def test_an_example_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD + turns(("user", "second"), ("assistant", "a")))
    assert recall(path.as_posix(), 2, len(GOOD)).messages[0].content == "second"
