"""Ten pull requests of known outcome on real bank messages, each through `ftgate run`, as a user would.

usage: python -m tests.scenarios BANKING.PY [WORKDIR]
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMIT_TRAINED = 360.0  # seconds for a pull request that trains
LIMIT_NOT_APPLICABLE = 2.0
PLANTED = {
    "camel-case": range(1, 6),
    "contradiction": range(1, 7),
    "leak": range(1, 16),
    "broken-bytes": range(4, 8),
    "secret": range(1, 2),
    "symlink": range(1),
}
CODES = {"pass": 0, "fail": 1, "inconclusive": 3, "not-applicable": 0}

Run = dict[str, Any]


def main(script: Path, work: Path) -> int:
    """Runs all branches; prints a line each; returns 0 when every one came out as expected."""
    if not script.is_file():
        print(f"skipped: {script} is not there (the scenario is not part of this repository)")
        return 0
    repository = work / "bank"
    subprocess.run([sys.executable, str(script), str(repository)], check=True)
    expected = json.loads((repository / ".git" / "EXPECTED.json").read_text())
    wrong = 0
    for branch, wanted in expected.items():
        started = time.monotonic()
        code, run = gate(repository, branch, work)
        seconds = time.monotonic() - started
        problems = compare(branch, wanted, code, run, seconds)
        wrong += bool(problems)
        verdict = run["verdict"]
        print(
            f"{branch:<16} {verdict['outcome']:<15} by {verdict['decided_by']:<9} {seconds:7.1f} s  {rates(run)}"
        )
        for problem in problems:
            print(f"    WRONG: {problem}")
    print(f"{len(expected) - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


def gate(repository: Path, branch: str, work: Path) -> tuple[int, Run]:
    """One pull request through the command line."""
    out = work / "out" / branch
    options = ["--repo", str(repository), "--base", "main", "--head", branch, "--out", str(out)]
    command = [
        sys.executable,
        "-m",
        "ftgate.cli.main",
        "run",
        *options,
        "--store",
        str(work / "store"),
        "--quiet",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if "Traceback" in done.stderr or not (out / "run.json").is_file():
        sys.exit(f"{branch}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    run: Run = json.loads((out / "run.json").read_text())
    run["comment.md"] = (out / "comment.md").read_text()
    return done.returncode, run


def compare(branch: str, wanted: Run, code: int, run: Run, seconds: float) -> list[str]:
    """What differs from the expectation, in words."""
    verdict = run["verdict"]
    trained = "train" in run["stages"]
    checks: dict[str, Callable[[], bool]] = {
        f"outcome {wanted['outcome']} expected": lambda: verdict["outcome"] == wanted["outcome"],
        f"decided by {wanted['decided_by']} expected": lambda: verdict["decided_by"] == wanted["decided_by"],
        "exit code does not match the outcome": lambda: code == CODES[verdict["outcome"]],
        "took too long": lambda: seconds < (LIMIT_TRAINED if trained else 60.0),
        "not every planted line is named": lambda: set(PLANTED.get(branch, ())) <= named_lines(run),
        "trained although validation blocks": lambda: wanted["decided_by"] != "validate" or not trained,
    }
    if branch == "readme-only":
        checks["not applicable within two seconds"] = lambda: seconds < LIMIT_NOT_APPLICABLE
    if branch == "mislabelled":
        checks["three broken prompts expected"] = lambda: len(run["comparison"]["broken"]) >= 3
    if branch in ("mislabelled", "bend-the-rules"):
        checks["the baseline is trained once"] = lambda: bool(run["baseline"]["reused"])
    if branch == "bend-the-rules":
        checks["policy of the base branch"] = lambda: run["plan"]["policy"]["max_broken"] == 2
        for path in ("ftgate.yaml", "regression/intents.yaml"):
            checks[f"{path} named in the comment"] = lambda path=path: path in run["comment.md"]  # type: ignore[misc]
    return [text for text, holds in checks.items() if not holds()]


def named_lines(run: Run) -> set[int]:
    """Lines of error findings in the file that the branches plant into."""
    findings = [
        f for f in run["findings"] if f["path"] == "data/train/more.jsonl" and f["severity"] == "error"
    ]
    return {finding["line"] for finding in findings}


def rates(run: Run) -> str:
    """Passed per arm, held-out and regression."""
    if not run.get("evaluation"):
        return f"{len(run['findings'])} findings"
    kinds = {prompt["id"]: prompt["kind"] for prompt in run["evaluation"]["prompts"]}
    texts = []
    for arm, evaluated in run["evaluation"]["arms"].items():
        passed = [
            i["prompt"] for i in evaluated["items"] if all(g["outcome"] == "passed" for g in i["grades"])
        ]
        held_out = sum(kinds[id] == "held-out" for id in passed)
        texts.append(f"{arm} {held_out}+{len(passed) - held_out}")
    broken = run["comparison"]["broken"]
    total = list(kinds.values()).count("held-out")
    return f"{', '.join(texts)} of {total}+{len(kinds) - total}; broken {len(broken)}"


if __name__ == "__main__":
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp(prefix="ftgate-scenarios-"))
    sys.exit(main(Path(sys.argv[1]), target))
