"""One execution and all that it learned. Reports and verdicts read this and nothing else."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct

from ftgate.errors import ExitCode
from ftgate.values.baseline import Drift, History, Origin
from ftgate.values.dataset import DataFile
from ftgate.values.evaluation import Comparison, Evaluation
from ftgate.values.finding import Finding, Severity
from ftgate.values.judging import JudgeRecord
from ftgate.values.preflight import Readiness
from ftgate.values.settings import Policy
from ftgate.values.slices import Slice
from ftgate.values.spot_check import SpotCheck
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
    "waived" when it would block and a maintainer accepts it.

    `remedy` says what would change it; empty where there is nothing to do.
    """

    id: str
    severity: Severity
    text: str
    decides: VerdictOutcome = VerdictOutcome.PASS
    remedy: str = ""


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


class Shift(Struct, frozen=True, kw_only=True):
    """How many examples have this label or system prompt, before and after."""

    name: str
    before: int
    after: int


class Distribution(Struct, frozen=True, kw_only=True):
    """How examples are spread over labels or system prompts.

    `before` and `after` count the different ones; `new` counts the examples with one that was not there before.
    `moved` is the share of the examples that would have to change sides to undo the change (half the sum of the
    absolute differences of the shares), None where a side is empty. `shifts`: at most eight, what moved most first.
    """

    before: int
    after: int
    new: int
    moved: float | None
    shifts: tuple[Shift, ...]


class Size(Struct, frozen=True, kw_only=True):
    """How much is trained in one pass: tokens with the base model's template, or characters of the messages."""

    unit: Literal["tokens", "characters"]
    before: int
    after: int


class DataDiff(Struct, frozen=True, kw_only=True):
    """Training examples matched by content between merge base and head.

    An example is changed when its prompt is on both sides with another reply, or its question and reply are under
    another system prompt: those are `reprompted`. Samples: at most five each. `labels` is None where the outputs are
    no labels.
    """

    before: int
    after: int
    added: int
    removed: int
    changed: int
    reprompted: int = 0
    size: Size | None = None
    labels: Distribution | None = None
    systems: Distribution | None = None
    samples: Mapping[str, tuple[Sample, ...]] = {}


class Rate(Struct, frozen=True, kw_only=True):
    """Findings of one check on the merge base and on the head; `new` of those on the head are this pull request's."""

    check: str
    before: int
    after: int
    new: int
    examples_before: int
    examples_after: int


class Preview(Struct, frozen=True, kw_only=True):
    """What the settings of the pull request would say of its data once they are merged. Nothing is decided by it.

    `counts` (by severity) and the first `findings` are of what the rules in force do not say; `gone` counts what only
    they say. `problem` says why there is no preview, and is "" where there is one.
    """

    problem: str = ""
    files: int = 0
    examples: int = 0
    counts: Mapping[str, int] = {}
    gone: int = 0
    findings: tuple[Finding, ...] = ()


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
    judges: tuple[JudgeRecord, ...] = ()


class Run(Struct, frozen=True, kw_only=True):
    """`stages` lists what has finished, in order; a part is None until its stage has run.

    `seal` is the digest of the evidence, which is all but comparison and verdict: those are made anew from it.
    `origin` says where the baseline comes from, `history` is the ledger of promotions as it was found, and `drift`
    the candidate against the best of them.
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
    preview: Preview | None = None
    data_sha256: str = ""
    admission: Admission | None = None
    waivers: tuple[Waiver, ...] = ()
    jobs: Mapping[str, str] = {}
    doubts: tuple[Doubt, ...] = ()
    preflight: Readiness | None = None
    recipe: Recipe | None = None
    baseline: Training | None = None
    candidate: Training | None = None
    evaluation: Evaluation | None = None
    comparison: Comparison | None = None
    spot_check: SpotCheck | None = None
    origin: Origin | None = None
    history: History | None = None
    drift: tuple[Drift, ...] = ()
    slices: tuple[Slice, ...] = ()
    verdict: Verdict | None = None
    cost: Cost = Cost()
    provenance: Provenance
    seal: str = ""
