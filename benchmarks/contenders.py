"""What is measured, each in a process of its own: `python -m benchmarks.contenders NAME FILE`."""

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LINE_SCHEMA = {
    "type": "object",
    "required": ["messages"],
    "additionalProperties": False,
    "properties": {
        "messages": {
            "type": "array",
            "minItems": 2,
            "items": {
                "type": "object",
                "required": ["role", "content"],
                "additionalProperties": False,
                "properties": {
                    "role": {"enum": ["system", "user", "assistant", "tool"]},
                    "content": {"type": "string", "minLength": 1},
                    "weight": {"enum": [0, 1]},
                },
            },
        }
    },
}
CORE = ("contradiction", "duplicate")


def parse(path: str) -> None:
    """The yardstick: orjson.loads on every line."""
    import orjson

    with Path(path).open("rb") as file:
        for line in file:
            orjson.loads(line)


def ftgate(path: str, *, only: Sequence[str] | None = None, schema: bool = False, jobs: int = 1) -> None:
    """ftgate's own validation of plain files, all checks or some."""
    from ftgate.checks import CHECKS
    from ftgate.checks.base import Context
    from ftgate.cli.jobs import Question, validate

    question = Question(
        paths=(Path(path),),
        context=Context(),
        levels={name: "off" for name in CHECKS if only is not None and name not in only},
        schema=_schema() if schema else None,
        digest=False,
    )
    files, _ = validate(question, jobs)
    assert files[0].lines > 0


def _schema() -> Any:
    from ftgate.edges.example_schema import ExampleSchema

    return ExampleSchema("line.schema.json", json.dumps(LINE_SCHEMA).encode())


def ftgate_without(check: str, path: str, jobs: int = 1) -> None:
    """All checks but one."""
    from ftgate.checks import CHECKS

    ftgate(path, only=[name for name in CHECKS if name != check], jobs=jobs)


def ftgate_json(path: str) -> None:
    """The command as people type it, with the digest that JSON output has."""
    from ftgate.cli.main import main

    main(["validate", "--jobs", "1", "--output-format", "json", path])


def secrets(path: str) -> None:
    """The secrets check alone: reading and parsing are not counted."""
    from time import process_time

    from ftgate.checks.base import Context
    from ftgate.checks.secrets import Secrets
    from ftgate.edges.jsonl import read_jsonl
    from ftgate.values.batch import Batch

    spent, check = 0.0, Secrets(Context())
    with Path(path).open("rb") as file:
        for thing in read_jsonl(path, file).unhashed().batches():
            if isinstance(thing, Batch):
                start = process_time()
                list(check.see_all(thing))
                spent += process_time() - start
    print(f"cpu {spent}", file=sys.stderr)


def naive(path: str) -> None:
    """What people write in an afternoon: json, jsonschema, and a dict of prompts."""
    from jsonschema import Draft202012Validator

    validator, seen = Draft202012Validator(LINE_SCHEMA), {}
    with Path(path).open() as file:
        for number, line in enumerate(file, 1):
            value = json.loads(line)
            assert validator.is_valid(value)
            seen.setdefault(json.dumps(value["messages"][:-1]), (number, value["messages"][-1]["content"]))


def together(path: str) -> None:
    """Together's file check, the library function behind their command."""
    from together.lib.utils.files import check_file  # type: ignore[import-not-found]

    check_file(path)


def datasets(path: str) -> None:
    """Hugging Face's loader, with an empty cache."""
    import tempfile

    from datasets import load_dataset

    with tempfile.TemporaryDirectory() as cache:
        load_dataset("json", data_files=path, cache_dir=cache, split="train")


def _schema_file(path: str) -> str:
    file = Path(path).with_name("line.schema.json")
    file.write_text(json.dumps(LINE_SCHEMA))
    return str(file)


OWN: dict[str, Callable[[str], Any]] = {
    "orjson.loads": parse,
    "ftgate, everything on": ftgate,
    "ftgate, strict core": partial(ftgate, only=CORE),
    "ftgate, core and own schema": partial(ftgate, only=CORE, schema=True),
    "ftgate, all but near-duplicate": partial(ftgate_without, "near-duplicate"),
    "ftgate, all but near-duplicate, --jobs 2": partial(ftgate_without, "near-duplicate", jobs=2),
    "ftgate, everything, JSON report": ftgate_json,
    "ftgate, reader alone": partial(ftgate, only=()),
    "ftgate, secrets alone": secrets,
    "json + jsonschema + dict": naive,
    "together check_file": together,
    "datasets load_dataset": datasets,
}
NEEDS = {
    "orjson.loads": "orjson",
    "together check_file": "together",
    "datasets load_dataset": "datasets",
}
COMMANDS: dict[str, Callable[[str], list[str]]] = {
    "jsonvet": lambda path: ["jsonvet", "--no-config", path],
    "jsonvet --schema": lambda path: ["jsonvet", "--no-config", "--schema", _schema_file(path), path],
    "parallelogram check": lambda path: ["parallelogram", "check", path],
    "cleanllm check-turns": lambda path: ["cleanllm", "check-turns", path],
}
SLOW = ("json + jsonschema + dict", "parallelogram check", "cleanllm check-turns")
"""Measured on a tenth of the data."""


def is_installed(name: str) -> bool:
    """Whether a contender can run here."""
    if name in COMMANDS:
        return (Path(sys.executable).parent / name.split()[0]).exists()
    return find_spec(NEEDS.get(name, "ftgate")) is not None


if __name__ == "__main__":
    OWN[sys.argv[1]](sys.argv[2])
