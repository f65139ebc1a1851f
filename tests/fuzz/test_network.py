"""Schemas that name a server: a listener on loopback sees nothing, whoever wrote the schema."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftgate.cli.main import main
from ftgate.graders.json_schema import problems
from ftgate.stages.pipeline import gate
from ftgate.values.run import Request, VerdictOutcome
from tests.builders import SETTINGS, base_files, line
from tests.edges.repositories import GitRepository
from tests.fakes import FakeRepository, FakeWorld


class Listener:
    """Counts who connects."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def seen(self) -> int:
        number = 0
        while True:
            try:
                self._socket.accept()[0].close()
            except BlockingIOError:
                return number
            number += 1

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


SCHEMAS = {
    "$ref": {"$ref": "URL/x"},
    "nested $ref": {"type": "object", "properties": {"topic": {"$ref": "URL/x#/a"}}},
    "$dynamicRef": {"$dynamicRef": "URL/x#meta"},
    "$id and a relative $ref": {"$id": "URL/root", "properties": {"topic": {"$ref": "other"}}},
    "$schema": {"$schema": "URL/meta", "type": "object"},
    "draft-07": {"$schema": "http://json-schema.org/draft-07/schema#", "allOf": [{"$ref": "URL/x"}]},
    "2019-09": {
        "$schema": "https://json-schema.org/draft/2019-09/schema",
        "$recursiveAnchor": True,
        "properties": {"topic": {"$ref": "URL/x"}},
    },
    "without end": {"$ref": "#"},
}


def test_the_listener_hears_who_connects(listener: Listener) -> None:
    host, port = listener.url.removeprefix("http://").split(":")
    socket.create_connection((host, int(port))).close()
    assert listener.seen() == 1


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_output_schema_reaches_a_server(
    listener: Listener, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    schema = json.dumps(SCHEMAS[name]).replace("URL", listener.url)
    for path, content in base_files().items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (tmp_path / "reply.json").write_text(schema)
    (tmp_path / "ftgate.yaml").write_text(SETTINGS.replace("data:\n", "data:\n  output_schema: reply.json\n"))
    code = main(["validate", "--repo", str(tmp_path), "--output-format", "json"])
    out, err = capfd.readouterr()
    assert listener.seen() == 0
    assert code in (0, 1, 2) and "Traceback" not in err, err
    if "ref" in schema.casefold():
        assert code in (1, 2), out


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_schema_of_lines_reaches_a_server(
    listener: Listener, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "line.json").write_text(json.dumps(SCHEMAS[name]).replace("URL", listener.url))
    (tmp_path / "a.jsonl").write_text(line("late", "late") + '{"topic": 1}\n')
    code = main(
        ["validate", "--jobs", "2", "--schema", str(tmp_path / "line.json"), str(tmp_path / "a.jsonl")]
    )
    assert listener.seen() == 0
    assert code in (1, 2) and "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_grader_schema_reaches_a_server(listener: Listener, name: str) -> None:
    schema = json.loads(json.dumps(SCHEMAS[name]).replace("URL", listener.url))
    assert problems(schema) or name == "$schema"
    assert listener.seen() == 0


def test_no_previewed_schema_reaches_a_server(listener: Listener, tmp_path: Path) -> None:
    for name, content in SCHEMAS.items():
        head = {
            **base_files(),
            "reply.json": json.dumps(content).replace("URL", listener.url),
            "ftgate.yaml": SETTINGS.replace("data:\n", "data:\n  output_schema: reply.json\n"),
        }
        world = FakeWorld(FakeRepository(main=base_files(), head=head), tmp_path / name.replace(" ", "_"))
        run = gate(Request(base="main", head="head"), world.ports)
        assert run.preview is not None and run.verdict is not None
        assert run.verdict.outcome is VerdictOutcome.NOT_APPLICABLE
    assert listener.seen() == 0


def test_no_schema_in_the_data_reaches_a_server(listener: Listener, tmp_path: Path) -> None:
    reference = {"$ref": f"{listener.url}/x", "$schema": f"{listener.url}/meta"}
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    messages = [
        {"role": "user", "content": f"see {listener.url}"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": json.dumps(reference)},
        {"role": "assistant", "content": json.dumps(reference)},
    ]
    tools = [{"type": "function", "function": {"name": "f", "parameters": reference}}]
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"messages": messages, "tools": tools}) + "\n")
    assert main(["validate", str(file)]) in (0, 1)
    assert listener.seen() == 0


def test_no_schema_of_a_pull_request_reaches_a_server(
    listener: Listener, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = GitRepository(tmp_path / "repository")
    for path, content in base_files().items():
        made.write(path, content)
    made.commit("main")
    made.git("checkout", "-q", "-b", "more")
    made.write("reply.json", json.dumps({"$ref": listener.url}))
    made.write("ftgate.yaml", SETTINGS.replace("data:\n", "data:\n  output_schema: reply.json\n"))
    made.write("data/train/b.jsonl", line("late again", "late") + "{\n")
    made.commit("more")
    where = ["--repo", str(made.root), "--out", str(tmp_path / "out")]
    assert main(["run", *where, "--base", "main", "--head", "more", "--store", str(tmp_path / "store")]) == 1
    assert listener.seen() == 0
    assert "Traceback" not in capfd.readouterr().err


HOSTILE_NAMES = (
    b"\x1b[2J.jsonl",
    b"a\n::error file=x::no.jsonl",
    b"::warning::b.jsonl",
    b"##[error]c.jsonl",
    b"\xff\xfe.jsonl",
    b"%0A::error::d.jsonl",
    "\u202ee.jsonl".encode(),
    b"-f.jsonl",
)


@pytest.mark.parametrize("output_format", ["text", "json", "sarif", "github", "junit"])
def test_hostile_file_names_do_not_act(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], output_format: str
) -> None:
    for name in HOSTILE_NAMES:
        (tmp_path / name.decode("utf-8", "surrogateescape")).write_bytes(b'{"messages": []}\r\n' * 2)
    assert main(["validate", "--fix", "--dry-run", "--output-format", output_format, str(tmp_path)]) == 1
    out, err = capfd.readouterr()
    _nothing_acts(out, allowed="::error file=" if output_format == "github" else None)
    _nothing_acts(err)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_errors_about_hostile_file_names_do_not_act(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: bytes
) -> None:
    absent = tmp_path / name.decode("utf-8", "surrogateescape")
    assert main(["validate", str(absent)]) == 2
    _nothing_acts(capfd.readouterr().err)


def _nothing_acts(said: str, allowed: str | None = None) -> None:
    assert "\x1b" not in said and "##[" not in said and "\u202e" not in said
    for each in said.splitlines():
        if each.lstrip().startswith("::"):
            assert allowed is not None and each.startswith((allowed, "::warning file=")), each
