"""What outlives a run: one record per promoted training, and a ledger with one line per promotion."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from ftgate.values.evaluation import ArmEvaluation
from ftgate.values.training import Training

BASELINE_FORMAT = "ftgate.baseline/1"

Set = Literal["regression", "held-out"]
Source = Literal["data branch", "store", "trained", "none"]


class Baseline(Struct, frozen=True, kw_only=True):
    """What a promoted run learned, without the adapter: enough to compare with it on a machine that has no store.

    `commit` is the commit of the default branch whose data was trained, `pull_request` the number that brought it,
    `ftgate` the version and `created` the time (UTC, ISO 8601) of the promotion.
    """

    format: str = BASELINE_FORMAT
    key: str
    training: Training
    arms: tuple[ArmEvaluation, ...]
    data_sha256: str
    commit: str
    pull_request: int | None = None
    ftgate: str
    created: str


class Tally(Struct, frozen=True, kw_only=True):
    """How many prompts of a set passed. `measure` names the prompts, expectations and judge: rates of two measures
    are never compared. `graded` below `total` means that the rate is not known."""

    passed: int
    graded: int
    total: int
    measure: str

    @property
    def rate(self) -> float | None:
        """Share that passed; None of nothing, or when something was not graded."""
        return self.passed / self.total if self.total and self.graded == self.total else None


class Promotion(Struct, frozen=True, kw_only=True):
    """One line of the ledger: what stood on the default branch from this commit on.

    `outcomes` has a letter for each regression prompt: P passed, F failed, U ungraded.
    """

    commit: str
    key: str
    data_sha256: str
    examples: int
    regression: Tally
    held_out: Tally
    created: str
    pull_request: int | None = None
    outcomes: Mapping[str, str] = {}

    def tally(self, set: Set) -> Tally:
        """The tally of a set of prompts."""
        return self.regression if set == "regression" else self.held_out


class Origin(Struct, frozen=True, kw_only=True):
    """Where the baseline of a run comes from. `problem` says what is wrong with a record that was not used.

    `commit`, `pull_request`, `created` and `ftgate` are those of the record on the data branch.
    """

    source: Source
    said: str
    problem: str = ""
    commit: str = ""
    pull_request: int | None = None
    created: str = ""
    ftgate: str = ""


class History(Struct, frozen=True, kw_only=True):
    """The ledger as a run found it, oldest first. `problem` says what of it could not be read."""

    promotions: tuple[Promotion, ...] = ()
    problem: str = ""


class Drift(Struct, frozen=True, kw_only=True):
    """The candidate against the best promotion of the same measure; `incomparable` promotions had another one.

    `drop` is positive when the candidate is worse, in passed prompts per prompt; `beyond` when the policy would not
    accept it in one step.
    """

    set: Set
    now: Tally
    best: Promotion | None
    drop: float | None
    beyond: bool
    incomparable: int
