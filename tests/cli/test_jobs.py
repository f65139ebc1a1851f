"""Several processes say what one says: across parts, files and odd places of the cut."""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.cli import jobs
from ftgate.cli.jobs import Question, validate
from ftgate.edges.jsonl import read_jsonl
from ftgate.edges.parts import cut, recall
from ftgate.report.findings import FORMATS, FindingsReport
from ftgate.values.settings import DataSettings, Level
from tests.edges.reading import GOOD, PRETTY, read, turns

LEVELS: dict[str, Level] = {"fields": "warning"}


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
def test_every_check_adds_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    paths[0].write_bytes(GOOD + from_somewhere(300))
    rows = [{"instruction": f"i{n % 40}", "output": f"o{n % 60}"} for n in range(50)]
    paths[1].write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    merged: list[Any] = []
    in_parts = jobs._in_parts

    def noted(question: Question, count: int, progress: object = None) -> Any:
        merged.append(in_parts(question, count))
        return merged[0]

    monkeypatch.setattr(jobs, "_in_parts", noted)
    one, several = asked(*paths, target=target)
    assert several == one
    assert merged == [one]
    checks = {finding.check for finding in one[1]}
    assert {"tool-calls", "fields", "review", "mixing", "length"} <= checks


def written(folder: Path, *files: bytes) -> list[Path]:
    paths = [folder / f"{name}.jsonl" for name in "abc"[: len(files)]]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    return paths


def alike(count: int, seed: int) -> list[bytes]:
    """Prompts behind a template of which every fifth is nearly another."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        number = chance.randrange(count)
        said = [str(random.Random(number * 100 + at).randrange(5000)) for at in range(20)]
        if chance.random() < 0.2:
            said[-1] = "other"
        made.append(
            turns(
                ("user", f"Sort this message of a customer: {' '.join(said)}"),
                ("assistant", f"r{number % 4}"),
            )
        )
    return made


def command(*arguments: object) -> tuple[int, bytes]:
    program = Path(sys.executable).parent / "ftgate"
    done = subprocess.run(
        [program, "validate", "--quiet", *map(str, arguments)], capture_output=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def test_every_output_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "ftgate.yaml").write_text(
        "behavior: Sorts messages. Says one word.\n"
        "base_model: none/here\n"
        "data:\n  train: ['data/*.jsonl']\n  held_out: [held.jsonl]\n"
    )
    kept = alike(900, 1)
    held = b"".join(dict.fromkeys(kept[:500:9]))
    (tmp_path / "held.jsonl").write_bytes(held)
    data = tmp_path / "data"
    data.mkdir()
    mixed = lines(200, 5) + kept
    random.Random(3).shuffle(mixed)
    several = (b"".join(kept[:700]), GOOD + b"".join(lines(150, 4)), b"".join(alike(2300, 2)))
    for name, files in (("several", several), ("one", (GOOD + b"".join(mixed),))):
        paths = written(data, *files)
        for kind in ("text", "sarif"):
            asked = ["--settings", "ftgate.yaml", "--repo", tmp_path, "--output-format", kind, *paths]
            one = command("--jobs", 1, *asked)
            assert command("--jobs", 3, *asked) == one, (name, kind)
            for check in (b"contamination", b"near-duplicate", b"contradiction"):
                assert check in one[1]
        question = Question(paths=tuple(paths), context=Context(held_out=tuple(read(held)[0])))
        answers = [validate(question, number) for number in (1, 2)]
        for show in FORMATS.values():
            alone, together = (show(FindingsReport(files=f, findings=said)) for f, said in answers)
            assert together == alone
        for path in paths:
            path.unlink()


def test_what_is_reserved_and_what_is_alike_is_put_together(tmp_path: Path) -> None:
    kept = alike(2600, 1)
    paths = written(tmp_path, b"".join(kept[:400]), b"".join(kept[400:]))
    reserved = read(b"".join(dict.fromkeys(kept[::30])))[0]
    question = Question(paths=tuple(paths), context=Context(held_out=tuple(reserved)))
    one = validate(question, 1)
    told = Counter(finding.check for finding in one[1])
    assert told["contamination"] > 50 and told["near-duplicate"] > 50
    assert any("nearly" in finding.message for finding in one[1])
    assert jobs._in_parts(question, 2) == one == jobs._in_parts(question, 5)


class _Seen:
    """Port Progress: how far, of how much."""

    def __init__(self) -> None:
        self.total = self.done = 0

    @contextmanager
    def task(self, label: str, total: int) -> Iterator["_Seen"]:
        self.total = total
        yield self

    def advance(self, steps: int = 1) -> None:
        assert steps >= 0
        self.done += steps

    def say(self, text: str) -> None:
        raise AssertionError(text)


def test_the_bytes_of_all_processes_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = written(tmp_path, b"".join(alike(900, 1)))
    monkeypatch.setattr(jobs, "SHOWN", 1)
    monkeypatch.setattr(jobs, "_LOOK", 0.01)
    seen = _Seen()
    validate(Question(paths=(path,), context=Context()), 2, seen)
    assert seen.done == seen.total == path.stat().st_size


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
