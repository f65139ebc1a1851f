"""The house rules that no linter knows."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ftgate import wire
from ftgate.checks import CHECKS
from ftgate.graders import GRADERS

ROOT = Path(__file__).parent.parent
PACKAGE = sorted((ROOT / "ftgate").rglob("*.py"))
HEAVY = {
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "bitsandbytes",
    "openai",
    "github",
    "ruamel",
    "jsonschema",
    "numpy",
}
LONGEST_FILE = 350
LONGEST_FUNCTION = 60
DATA_ONLY = {"tiny_words.py", "messages.py"}


def test_there_is_a_package() -> None:
    assert len(PACKAGE) > 50


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    code = "import sys, ftgate.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(name.split(".")[0] for name in done.stdout.split())


def test_the_help_of_no_command_loads_stages_or_vendors() -> None:
    code = (
        "import importlib, sys; from ftgate.cli.main import _COMMANDS as all;"
        "[importlib.import_module(name) for name in all.values()]; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert HEAVY.isdisjoint(name.split(".")[0] for name in loaded)
    assert not [
        name for name in loaded if name.startswith(("ftgate.stages", "ftgate.checks", "ftgate.edges"))
    ]


@pytest.mark.parametrize("file", PACKAGE, ids=lambda file: str(file.relative_to(ROOT)))
def test_files_and_functions_can_be_held_in_the_eye(file: Path) -> None:
    text = file.read_text()
    if file.name not in DATA_ONLY:
        assert len(text.splitlines()) <= LONGEST_FILE
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "every module says what its room owns"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, node.name


def test_only_the_command_line_reads_the_environment() -> None:
    # worker.py is the composition root of a process of its own.
    allowed = {"wiring.py", "main.py", "sample.py", "worker.py"}
    for file in PACKAGE:
        if file.name not in allowed:
            assert "os.environ" not in file.read_text(), file


def test_only_the_last_handler_catches_everything() -> None:
    """And the thread that tells a tracker, whose library may raise anything: no training is to end of it."""
    found = [
        file.name for file in PACKAGE if re.search(r"except (Base)?Exception\b|except:", file.read_text())
    ]
    assert sorted(found) == ["main.py", "telling.py"]


@pytest.mark.parametrize("file", sorted((ROOT / "schemas").glob("*.json")), ids=lambda file: file.name)
def test_every_schema_is_one(file: Path) -> None:
    schema = json.loads(file.read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["title"]


def test_the_run_schema_is_derived_from_the_types_that_are_written() -> None:
    assert wire.schema("run") == json.loads(json.dumps(wire.run_schema()))


def test_every_check_has_a_corpus_of_both_kinds() -> None:
    for name in CHECKS:
        for kind in ("pass", "fail"):
            assert list((ROOT / "tests" / "corpus" / kind / name).glob("*.jsonl")), f"{kind}/{name}"


def test_every_check_and_grader_has_a_file_of_its_own() -> None:
    for room, names in (("checks", CHECKS), ("graders", GRADERS)):
        for name in names:
            assert (ROOT / "ftgate" / room / f"{name.replace('-', '_')}.py").is_file(), name


def test_no_machine_path_or_package_index_is_named() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    for name in tracked.stdout.splitlines():
        file = ROOT / name
        if file.suffix in (".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".json", "") and file.is_file():
            text = file.read_text(errors="replace")
            assert "index-" + "url" not in text, name
            assert "/home/" + "runner" not in text, name


def test_every_port_has_an_honest_fake() -> None:
    """mypy holds the shapes; this holds that none is left out."""
    from ftgate import ports
    from tests import fakes

    protocols = {name for name, kind in vars(ports).items() if getattr(kind, "_is_protocol", False)} - {
        "Protocol"
    }
    tested_with_the_real_one = {"DataStream", "Task", "Reader", "Documents", "ExampleSchema"}
    known = {"BaseModels": "FakeModels", "RunStore": "FakeRuns"}
    assert len(protocols) > 10
    for name in protocols - tested_with_the_real_one:
        assert hasattr(fakes, known.get(name, f"Fake{name}")), name
