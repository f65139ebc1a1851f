"""Documents cannot drift: tables, commands, options, exit codes and inputs of the README are the program's own."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from ftgate.checks import CHECKS
from ftgate.cli.main import _COMMANDS, _SUMMARIES, cli
from ftgate.errors import ExitCode
from ftgate.graders import GRADERS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
GATE = YAML(typ="safe").load((ROOT / ".github" / "workflows" / "gate.yml").read_text())


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def table(header: str) -> list[list[str]]:
    """Cells of the rows below a header line."""
    after = README.split(header, 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in after.strip().splitlines()[1:]]


def first_sentence(doc: str | None) -> str:
    assert doc
    text = " ".join(doc.split())
    return re.split(r"(?<=[.;:])\s", text.partition(": ")[2] or text)[0].rstrip(".;:")


def check_rows() -> list[list[str]]:
    import importlib

    rows = []
    for name in CHECKS:
        module = importlib.import_module(f"ftgate.checks.{name.replace('-', '_')}")
        rows.append([f"`{name}`", first_sentence(module.__doc__)])
    return rows


def input_rows() -> list[list[str]]:
    inputs: dict[str, Any] = GATE["on"]["workflow_call"]["inputs"]
    return [
        [f"`{name}`", f"`{given['default']}`" if given["default"] != "" else "", given["description"]]
        for name, given in inputs.items()
    ]


def test_the_check_table_is_the_registry() -> None:
    assert table("| check | says |\n") == check_rows()


def test_the_input_table_is_the_gate_s() -> None:
    assert table("| input | default | what it does |\n") == input_rows()


def test_the_job_table_is_the_gate_s() -> None:
    rows = table("| job | where | token may | does |\n")
    assert [row[0] for row in rows] == [f"`{name}`" for name in GATE["jobs"]]
    assert [row[1] for row in rows] == [
        "hosted" if job["runs-on"] == "ubuntu-latest" else "your runner" for job in GATE["jobs"].values()
    ]


def test_the_workflow_is_what_init_writes() -> None:
    from ftgate.cli.workflows import caller

    assert caller("COMMIT") in blocks("yaml")


def test_the_exit_codes_are_all_there_and_no_other() -> None:
    assert [int(row[0]) for row in table("| code | means |\n")] == [int(code) for code in ExitCode]


def test_the_graders_are_all_named() -> None:
    section = README.split("## Graders", 1)[1].split("##", 1)[0]
    for name in GRADERS:
        assert f"`{name}`" in section


def commands() -> list[str]:
    lines = [line.split("  #")[0].strip() for block in blocks("bash") for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.mark.parametrize("line", commands())
def test_every_command_in_the_readme_exists(line: str) -> None:
    words = shlex.split(line)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.M)
    elif words[0] == "pip":
        extra = re.search(r"\[(\w+)\]", words[-1])
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert extra is None or extra[1] in project["optional-dependencies"]
    else:
        assert words[0] == "ftgate"
        context = click.Context(cli)
        command = cli.get_command(context, words[1])
        assert command is not None
        with command.make_context(words[1], words[2:], parent=context):
            pass


def test_every_command_has_a_summary_and_none_is_left_over() -> None:
    assert list(_COMMANDS) == list(_SUMMARIES)


def test_the_first_screen_has_both_commands() -> None:
    first = "\n".join(README.splitlines()[:20])
    assert "make demo" in first and "make test" in first


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_contributor_s_example_check_works() -> None:
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
    code = re.search(r"```python\n(.*?)```", text, re.S)
    assert code is not None
    import textwrap

    from ftgate.checks.base import Context
    from tests.checks_examples import conversation

    names: dict[str, Any] = {}
    exec(compile(textwrap.dedent(code[1]), "CONTRIBUTING.md", "exec"), names)
    check = names["Shouting"](Context())
    assert [f.check for f in check.see(conversation("hi", "LOUD"))] == ["shouting"]
    assert list(check.see(conversation("hi", "calm"))) == []


def test_the_example_prompt_is_valid() -> None:
    from ftgate.edges.yaml_files import Documents

    prompts = [block for block in blocks("yaml") if block.startswith("- id")]
    assert prompts
    for block in prompts:
        Documents().prompts("README.yaml", block.encode())


def test_the_judge_of_the_readme_is_valid() -> None:
    from ftgate.edges.yaml_files import Documents

    [block] = [block for block in blocks("yaml") if block.startswith("judge:")]
    settings = Documents().settings("README.yaml", f"base_model: m\ndata: {{train: [a]}}\n{block}".encode())
    assert settings.judge is not None and settings.judge.limits.max_cost
