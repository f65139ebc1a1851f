"""Prompts, completions, grades, and how candidate and baseline compare."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct

from ftgate.values.dataset import Message
from ftgate.values.judging import Judgement, Judging
from ftgate.values.run_card import Exported

Kind = Literal["regression", "held-out", "training", "probe"]
"""Where a prompt comes from. Regression prompts and held-out examples decide; training examples are put to the base
alone, and probes tell what general ability was lost."""


class Arm(StrEnum):
    """The three models that answer the same prompts."""

    BASE = "base"
    BASELINE = "baseline"
    CANDIDATE = "candidate"


class Prompt(Struct, frozen=True, kw_only=True):
    """A fixed question with an expectation: a regression prompt, an example's prompt, or a probe of general ability.

    `expect` maps grader names to what each is told; `source` is path:line in the base branch. Prompts of one `group`
    (a template, a conversation) are one piece of evidence.
    `expect` maps grader names to what each is told; `source` is path:line in the base branch; `tags` sort prompts
    into slices and change no completion.
    """

    id: str
    kind: Kind
    protects: str
    messages: tuple[Message, ...]
    expect: Mapping[str, Any]
    reference: str | None = None
    source: str = ""
    group: str | None = None
    tags: tuple[str, ...] = ()


class Completion(Struct, frozen=True, kw_only=True):
    """Text that a model returned. `finish` is "stop" at the end-of-turn token, "length" when it was cut."""

    text: str
    finish: Literal["stop", "length"]
    tokens: int


class Question(Struct, frozen=True, kw_only=True):
    """What a judge is asked: system and user text, and the JSON Schema of the reply.

    `fence` stands in both texts and is replaced by a fresh one in every call. `item` and `completion` are digests of
    what is judged, without fences. `votes` 0 means as many as the settings say; the first has the number `first_vote`.
    A `canary` is asked anew whenever anything else is.
    """

    system: str
    user: str
    reply_schema: Mapping[str, object]
    fence: str = ""
    item: str = ""
    completion: str = ""
    first_vote: int = 0
    votes: int = 0
    canary: bool = False


class Outcome(StrEnum):
    """Ungraded is a state of its own: neither a pass nor a zero."""

    PASSED = "passed"
    FAILED = "failed"
    UNGRADED = "ungraded"


class Grade(Struct, frozen=True, kw_only=True):
    """What one grader says. `score` is in 0..1 for deterministic graders, 1..5 for the judge, None if ungraded.

    `judgement` holds the votes of a judge, and those that did not count.
    `fields` holds a score in 0..1 per output field, where the grader looks at fields.
    """

    grader: str
    outcome: Outcome
    reason: str
    score: float | None = None
    judgement: Judgement | None = None
    fields: Mapping[str, float] = {}


class Item(Struct, frozen=True, kw_only=True):
    """One prompt answered by one arm and graded."""

    prompt: str
    completion: Completion
    grades: tuple[Grade, ...]

    @property
    def outcome(self) -> Outcome:
        """Failed when any grade failed, else ungraded when any is or there is none, else passed."""
        outcomes = {grade.outcome for grade in self.grades}
        if Outcome.FAILED in outcomes:
            return Outcome.FAILED
        if not outcomes or Outcome.UNGRADED in outcomes:
            return Outcome.UNGRADED
        return Outcome.PASSED


class Sentinel(Struct, frozen=True, kw_only=True):
    """Proof that the adapter acts: norm of all LoRA-B weights, and the largest logit difference from base
    on probe prompts. Either being zero or not finite means that the base model was evaluated in disguise.

    A model that a service keeps has no LoRA-B (None). `model` and `base` are the ids that it was asked under then, and
    the difference is one of log probabilities, or the share of probes that are answered otherwise."""

    lora_b_norm: float | None
    logit_difference: float | None
    model: str = ""
    base: str = ""


class ArmEvaluation(Struct, frozen=True, kw_only=True):
    """All items of one arm, in the order of the prompts.

    `samples` are fresh answers to regression prompts, several a prompt: drawn at a temperature, or the same
    completion graded again where a judge grades. They tell a prompt that is stable from one that wavers.
    `key` names what was asked, how it was answered and who graded it; `asked` leaves out the graders and the judge.
    `regraded`: the completions are from an earlier run and were graded again.
    `exported` is the form that was asked, None where what was trained was asked itself.
    """

    arm: Arm
    adapter_sha256: str | None
    items: tuple[Item, ...]
    samples: tuple[Item, ...] = ()
    sentinel: Sentinel | None = None
    seconds: float = 0.0
    reused: bool = False
    regraded: bool = False
    key: str = ""
    asked: str = ""
    exported: Exported | None = None


class Shares(Struct, frozen=True, kw_only=True):
    """Regression and held-out prompts that an arm answered, and ids of those whose completion was cut at the token
    limit, is empty, or is the base's byte for byte (None for the base itself, and without it)."""

    answered: int
    cut: tuple[str, ...]
    empty: tuple[str, ...]
    identical: tuple[str, ...] | None


class KnownAlready(Struct, frozen=True, kw_only=True):
    """Training examples that were put to the base alone, and what it said: they judge the data and no arm.

    `errors` are those of the judge that graded them, as far as it was calibrated: shares of right and of wrong
    completions that it passes.
    """

    prompts: tuple[Prompt, ...]
    items: tuple[Item, ...]
    errors: tuple[float, float] | None = None


class Evaluation(Struct, frozen=True, kw_only=True):
    """Everything that was asked and answered. `arms` holds one entry per arm that exists.

    `measures` names, for each kind of prompt, what its pass rates were measured with: only equal ones compare.
    `judging` is None where no prompt asks a judge.
    """

    prompts: tuple[Prompt, ...]
    arms: Mapping[str, ArmEvaluation]
    measures: Mapping[str, str] = {}
    judging: Judging | None = None
    known_already: KnownAlready | None = None

    def items(self, arm: Arm) -> dict[str, Item]:
        """Items of an arm by prompt id; empty when the arm was not evaluated."""
        found = self.arms.get(arm.value)
        return {item.prompt: item for item in found.items} if found else {}

    def samples(self, arm: Arm) -> dict[str, list[Item]]:
        """Fresh answers of an arm by prompt id; empty when none were asked for."""
        found: dict[str, list[Item]] = {}
        for item in self.arms[arm.value].samples if arm.value in self.arms else ():
            found.setdefault(item.prompt, []).append(item)
        return found

    @property
    def deciding(self) -> list[str]:
        """Ids of the prompts whose outcome decides."""
        return [*self.ids("regression"), *self.ids("held-out")]

    def shares(self, arm: Arm) -> Shares | None:
        """What is odd about an arm's completions; None when it answered nothing."""
        items, base = self.items(arm), self.items(Arm.BASE)
        said = {id: items[id].completion for id in dict.fromkeys(self.deciding) if id in items}
        if not said:
            return None
        alike = [i for i, c in said.items() if i in base and base[i].completion.text == c.text]
        return Shares(
            answered=len(said),
            cut=tuple(id for id, completion in said.items() if completion.finish == "length"),
            empty=tuple(id for id, completion in said.items() if not completion.text.strip()),
            identical=None if arm is Arm.BASE or not base else tuple(alike),
        )

    def ids(self, kind: Kind) -> list[str]:
        """Ids of the prompts of a kind, in order."""
        return [prompt.id for prompt in self.prompts if prompt.kind == kind]
