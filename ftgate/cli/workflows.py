"""The workflow that a repository calls the gate with, as `ftgate init --github` writes it and the README shows it."""

from importlib import resources
from pathlib import Path

CALLER = ".github/workflows/ftgate.yml"
COPY = ".github/workflows/gate.yml"

_CALLER = """\
name: ftgate
on: # zizmor: ignore[dangerous-triggers] the pull request is only read, as git objects
  pull_request_target: {types: [opened, synchronize, reopened, edited]}
  merge_group:
  push: {branches: [main]} # your default branch
  issue_comment: {types: [created]}
  workflow_dispatch:
    inputs:
      pull-request: {description: Number of the pull request to judge, required: true}
permissions: {}
jobs:
  gate: # the check to require is "gate / ftgate"
    name: gate
    permissions:
      actions: write # /ftgate retry runs failed jobs again
      contents: write # the branch of baselines, after a merge
      issues: write # reactions to commands
      pull-requests: write # the comment
    uses: <USES>
    with:
      pull-request: ${{ inputs.pull-request }}
      runs-on: '["self-hosted", "gpu"]'
<WITH>\
    secrets:
      OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}
      OPENAI_BASE_URL: ${{ secrets.OPENAI_BASE_URL }}
      HF_TOKEN: ${{ secrets.HF_TOKEN }}
"""


def caller(commit: str, gate: str | None = None) -> str:
    """The caller of a gate that installs ftgate at `commit`: of the copy beside it, or of the one in repository `gate`.

    GitHub gives a called workflow self-hosted runners only where caller and called belong to one owner, hence the copy.
    https://docs.github.com/actions/reference/workflows-and-actions/reusing-workflow-configurations#self-hosted-runners
    """
    if gate is not None:
        return _filled(f"{gate}/.github/workflows/gate.yml@{commit}", "")
    return _filled(
        f"./{COPY} # zizmor: ignore[self-repository] older runners know this form",
        f"      ftgate-repository: ftgate/ftgate\n      ftgate-commit: {commit}\n",
    )


def gate_workflow() -> str:
    """The reusable workflow: from the wheel, or beside the package in a checkout."""
    packaged = resources.files("ftgate") / "workflows" / "gate.yml"
    source = Path(__file__).parents[2] / ".github" / "workflows" / "gate.yml"
    return packaged.read_text() if packaged.is_file() else source.read_text()


def _filled(uses: str, inputs: str) -> str:
    return _CALLER.replace("<USES>", uses).replace("<WITH>", inputs)
