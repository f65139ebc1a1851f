"""One execution and all that it learned. Reports and verdicts read this and nothing else."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from ftgate.errors import ExitCode
from ftgate.values.dataset import DataFile
from ftgate.values.evaluation import Comparison, Evaluation
from ftgate.values.finding import Finding, Severity
from ftgate.values.settings import Policy
from ftgate.values.training import BaseModel, Recipe, Training
from ftgate.values.trust import Admission, Doubt, Waiver

RUN_SCHEMA = "ftgate.run/1"


class Request(Struct, frozen=True, kw_only=True):
    """What the caller asks for: two revisions, and where the settings stand in the base branch."""

    base: str
    head: str
    settings_path: str = "ftgate.yaml"


class VerdictOutcome(StrEnum):
    """What the gate says."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not-applicable"
    WAIVED = "waived"

    @property
    def exit_code(self) -> ExitCode:
        """Not-applicable is green: nothing that the gate protects has changed. So is waived: a maintainer answers."""
        return {"fail": ExitCode.FAIL, "inconclusive": ExitCode.INCONCLUSIVE}.get(self.value, ExitCode.PASS)


class Reason(Struct, frozen=True, kw_only=True):
    """Why; `id` is stable, so that a waiver can name it. `decides` is the outcome that this reason alone asks for:
    "waived" when it would block and a maintainer accepts it."""

    id: str
    severity: Severity
    text: str
    decides: VerdictOutcome = VerdictOutcome.PASS


class Verdict(Struct, frozen=True, kw_only=True):
    """`decided_by` is the stage whose evidence decided; `reasons` come worst first."""

    outcome: VerdictOutcome
    decided_by: str
    reasons: tuple[Reason, ...]


class Protected(Struct, frozen=True, kw_only=True):
    """A file that the gate reads from the base branch and that this pull request changes."""

    path: str
    role: str
    change: str


class Plan(Struct, frozen=True, kw_only=True):
    """What this pull request is and whether the gate is concerned. All ids are full commit SHAs.

    `settings_sha256` binds the run to the base branch's settings; `settings_path` is where they stand.
    """

    base: str
    head: str
    merge_base: str
    settings_path: str
    settings_sha256: str
    applicable: bool
    why: str
    changed: tuple[str, ...]
    protected: tuple[Protected, ...]
    policy: Policy
    behavior: str = ""


class Sample(Struct, frozen=True, kw_only=True):
    """One example of a data diff: prompt and reply as text; `before` is the old reply of a changed example."""

    place: str
    prompt: str
    reply: str
    before: str | None = None


class DataDiff(Struct, frozen=True, kw_only=True):
    """Training examples matched by content between merge base and head.

    An example is changed when its prompt is on both sides with another reply. Samples: at most five each.
    """

    before: int
    after: int
    added: int
    removed: int
    changed: int
    samples: Mapping[str, tuple[Sample, ...]] = {}


class Rate(Struct, frozen=True, kw_only=True):
    """Findings of one check on the merge base and on the head; `new` of those on the head are this pull request's."""

    check: str
    before: int
    after: int
    new: int
    examples_before: int
    examples_after: int


class Cost(Struct, frozen=True, kw_only=True):
    """Seconds per stage of this execution, tokens trained, and seconds that reuse saved."""

    seconds: Mapping[str, float] = {}
    trained_tokens: int = 0
    saved_seconds: float = 0.0
    judge_calls: int = 0


class Provenance(Struct, frozen=True, kw_only=True):
    """What would be needed to do it again."""

    ftgate: str
    created: str
    base_model: BaseModel | None = None
    held_out_sha256: str = ""
    prompts_sha256: str = ""
    versions: Mapping[str, str] = {}
    generation: Mapping[str, Any] = {}


class Run(Struct, frozen=True, kw_only=True):
    """`stages` lists what has finished, in order; a part is None until its stage has run.

    `data_sha256` is the digest of the training files' bytes on the head, which waivers name. `admission`, `waivers`
    and `jobs` (a workflow's jobs and their results) are facts from GitHub, and empty on a laptop. `doubts` are what
    was found wrong with evidence from another machine.
    """

    schema: str = RUN_SCHEMA
    stages: tuple[str, ...] = ()
    plan: Plan
    files: tuple[DataFile, ...] = ()
    findings: tuple[Finding, ...] = ()
    rates: tuple[Rate, ...] = ()
    diff: DataDiff | None = None
    data_sha256: str = ""
    admission: Admission | None = None
    waivers: tuple[Waiver, ...] = ()
    jobs: Mapping[str, str] = {}
    doubts: tuple[Doubt, ...] = ()
    recipe: Recipe | None = None
    baseline: Training | None = None
    candidate: Training | None = None
    evaluation: Evaluation | None = None
    comparison: Comparison | None = None
    verdict: Verdict | None = None
    cost: Cost = Cost()
    provenance: Provenance
