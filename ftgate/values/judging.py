"""What judges say: replies and their states, the votes of a grade, who was asked, and canaries."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from ftgate.values.digest import digest

State = Literal[
    "scored",
    "transport_error",
    "schema_invalid",
    "refusal",
    "truncated",
    "out_of_range",
    "not_asked",
    "other_judge",
    "invalid_judge",
]
"""`not_asked`: deadline or spend cap; `other_judge`: the server had another model by then; `invalid_judge`: the judge
failed its canaries. Everything but `scored` is a reply without scores."""

Structure = Literal["json_schema", "tool", "json_object"]


class Reply(Struct, frozen=True, kw_only=True):
    """One vote of one judge. `scores` holds 1..5 by criterion and is empty unless the state is "scored".

    `judge` is the label of who was asked, `served` what the server said that it is.
    """

    state: State
    judge: str
    served: str = ""
    vote: int = 0
    scores: Mapping[str, int] = {}
    rationale: str = ""
    detail: str = ""
    cached: bool = False


class Judgement(Struct, frozen=True, kw_only=True):
    """The votes behind one grade: the lower median by criterion, and how far the votes on correctness lie apart."""

    scores: Mapping[str, int]
    votes: tuple[Reply, ...]
    spread: int = 0


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a server was seen to do: how it binds a reply to a schema, and which parameters it accepts."""

    structure: Structure
    temperature: bool
    seed: bool


class JudgeRecord(Struct, frozen=True, kw_only=True):
    """Who judged. `served_model` and `fingerprint` are the server's own words; the digests are the question's."""

    label: str
    model: str
    host: str
    served_model: str
    fingerprint: str
    capabilities: Capabilities
    prompt_sha256: str
    schema_sha256: str

    @property
    def served(self) -> str:
        """Model and fingerprint as the server names them."""
        return f"{self.served_model} {self.fingerprint}".strip()

    @property
    def identity(self) -> str:
        """SHA-256 over all of it: grades of two identities are never compared with each other."""
        return digest(
            [
                self.model,
                self.host,
                self.served_model,
                self.fingerprint,
                self.capabilities.structure,
                self.capabilities.temperature,
                self.capabilities.seed,
                self.prompt_sha256,
                self.schema_sha256,
            ]
        )


CanaryKind = Literal[
    "verbatim", "paraphrase", "wrong-value", "empty", "off-topic", "constant", "verbose-wrong", "injection"
]


class CanaryResult(Struct, frozen=True, kw_only=True):
    """A completion of known score, and what the judge gave for its correctness (None: nothing that counts)."""

    judge: str
    kind: CanaryKind
    prompt: str
    low: int
    high: int
    score: int | None
    state: State

    @property
    def right(self) -> bool:
        """Whether the score lies where it must; no score is an error of the judge too."""
        return self.score is not None and self.low <= self.score <= self.high


class Usage(Struct, frozen=True, kw_only=True):
    """What asking took. `cost` is in the currency of the prices, None without prices."""

    calls: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None


class Judging(Struct, frozen=True, kw_only=True):
    """The judge's part of an evaluation. `unavailable` says why there was no judge, "" where there was one."""

    judges: tuple[JudgeRecord, ...] = ()
    canaries: tuple[CanaryResult, ...] = ()
    unavailable: str = ""
    usage: Usage = Usage()
    changed: bool = False
    """Whether a server changed its model midway, so that everything was asked again."""


LEVELS = 5
"""Scores are 1 to LEVELS."""


class Estimate(Struct, frozen=True, kw_only=True):
    """A number with its 95 % interval; None where the labels do not determine it."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Agreement(Struct, frozen=True, kw_only=True):
    """People against a judge. Passed is a score of at least `pass_score`.

    `true_pass` and `false_pass` are the shares of what people pass, and fail, that the judge passes. `unread` labels
    have no grade of the judge and are in no number. `counts` maps "human,judge" to how often.
    """

    labels: int
    unread: int
    pass_score: int
    kappa: Estimate
    accuracy: Estimate
    true_pass: Estimate
    false_pass: Estimate
    counts: Mapping[str, int]
