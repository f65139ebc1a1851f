"""Documents cannot drift: tables, commands, options, exit codes and inputs of README and docs are the program's own."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from ruamel.yaml import YAML

from ftgate.checks import CHECKS
from ftgate.cli.main import _COMMANDS, _SUMMARIES, cli
from ftgate.errors import ExitCode
from ftgate.graders import GRADERS
from ftgate.report.noise import noise_table
from ftgate.values.noise import Noise
from ftgate.values.training_settings import TrainingSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = {
    path.relative_to(ROOT): path.read_text()
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
GATE = YAML(typ="safe").load((ROOT / ".github" / "workflows" / "gate.yml").read_text())


def blocks(language: str) -> list[str]:
    return [
        block
        for page in PAGES.values()
        for block in re.findall(rf"^```{language}\n(.*?)^```", page, re.M | re.S)
    ]


def table(header: str) -> list[list[str]]:
    """Cells of the rows below a header line."""
    [page] = [page for page in PAGES.values() if header in page]
    after = page.split(header, 1)[1].split("\n\n", 1)[0]
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
    section = README.split("\n## Graders", 1)[1].split("\n##", 1)[0]
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
    for name, page in PAGES.items():
        for target in re.findall(r"\]\(([^)#]+)\)", page):
            assert target.startswith("https://") or (ROOT / name.parent / target).exists(), target
    pages = {(ROOT / target).resolve() for target in re.findall(r"\]\((docs/[^)#]+)\)", README)}
    assert pages == {ROOT / name for name in PAGES if name.parent.name == "docs"}


def test_the_contents_are_the_sections() -> None:
    titles = re.findall(r"^## (.+)$", README, re.M)
    anchors = [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles]
    assert re.findall(r"\[([^]]+)\]\(#([^)]+)\)", README) == list(zip(titles, anchors, strict=True))


def test_every_command_is_told() -> None:
    told = {shlex.split(line)[1] for line in commands() if line.startswith("ftgate ")}
    assert set(_COMMANDS) - told == {"demo", "completion"}
    assert "make demo" in README and "`ftgate completion bash`" in README


def test_every_setting_that_is_named_exists() -> None:
    schema = json.loads((ROOT / "schemas" / "settings.schema.json").read_text())
    for page in PAGES.values():
        for section, key in re.findall(r"`(policy|data|evaluation|judge|training)\.(\w+)", page):
            entry = schema["properties"][section]
            entry = schema["$defs"][entry["$ref"].split("/")[-1]] if "$ref" in entry else entry
            assert key in entry["properties"], f"{section}.{key}"


def test_nobody_is_told_to_install_by_name() -> None:
    """The name on the package index is another project's; only a clone, or a commit, is this one."""
    package = [path.read_text() for path in (ROOT / "ftgate").rglob("*.py")]
    for text in [*PAGES.values(), *package]:
        assert not re.search(r"pip install [^\n`]*\bftgate\b", text)


def test_the_false_alarms_are_those_that_were_measured() -> None:
    measured = msgspec.json.decode((ROOT / "benchmarks" / "noise.json").read_bytes(), type=Noise)
    assert noise_table(measured) in README
    assert measured.same.blocked <= 0.05 * measured.same.pairs
    whole, half = measured.others[:2]
    assert whole.blocked >= 0.95 * whole.pairs and half.blocked >= 0.95 * half.pairs


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


def test_the_contributor_s_map_leads_somewhere() -> None:
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
    for cell in re.findall(r"^\| [^|]+ \| ([^|]+ \| [^|]+) \|$", text, re.M)[1:]:
        for side in cell.split("|"):
            paths = re.findall(r"`([^`]+)`", side)
            for path in paths:
                assert (ROOT / path).exists() or (ROOT / paths[0]).parent.joinpath(path).exists(), path


def test_the_training_of_the_readme_is_valid() -> None:
    from ftgate.edges.yaml_files import Documents

    found = [block for block in blocks("yaml") if block.startswith("training:")]
    assert found
    for block in found:
        plain = f"base_model: m\ndata: {{train: [a]}}\n{block}"
        settings = Documents().settings("README.yaml", plain.encode())
        assert settings.training != TrainingSettings()


def test_every_reason_of_the_preflight_is_told() -> None:
    said: set[str] = set()
    for path in (ROOT / "ftgate" / "decide").glob("*.py"):
        said |= set(re.findall(r'[(,] f?"(preflight\.[a-z{}-]+)"', path.read_text()))
    said = said - {"preflight.hint", "preflight.{name}"} | {"preflight.minutes", "preflight.cost"}
    assert len(said) > 10
    first = [row.split("|")[1] for row in _reason_rows().splitlines()[1:]]
    assert said == {name for cell in first for name in re.findall(r"`([^`]+)`", cell)}


def _reason_rows() -> str:
    return PAGES[Path("docs/training.md")].split("| reason | when | outcome |\n", 1)[1].split("\n\n", 1)[0]
