"""Runs whose held-out set a judge graded: a pair of scores a prompt, None where the judge gave none."""

from collections.abc import Sequence

from msgspec.structs import replace

from ftgate.values.evaluation import Arm, ArmEvaluation, Completion, Grade, Item, Outcome, Prompt
from ftgate.values.judging import CanaryResult, Judgement, Judging
from ftgate.values.run import Run
from tests.decide.builders import ACTIVE, item, prompt, run

Score = int | None
CRITERIA = ("correctness", "format", "completeness")
GOOD = tuple(
    CanaryResult(judge="j", kind="verbatim", prompt=f"p{n}", low=5, high=5, score=5, state="scored")
    for n in range(20)
)


def graded(id: str, correctness: Score, **others: int) -> Item:
    """A completion as a judge scored it; format and completeness are 5 unless said otherwise."""
    outcome = (
        Outcome.UNGRADED if correctness is None else Outcome.PASSED if correctness >= 4 else Outcome.FAILED
    )
    scores = {"format": 5, "completeness": 5} | others | {"correctness": correctness or 0}
    judgement = Judgement(scores=scores if correctness else {}, votes=())
    grade = Grade(grader="judge", outcome=outcome, reason="so", score=correctness, judgement=judgement)
    return Item(prompt=id, completion=Completion(text="x", finish="stop", tokens=1), grades=(grade,))


def judged_run(
    pairs: Sequence[tuple[Score, Score]], groups: Sequence[str] = (), regression: Sequence[str] = ("PP",) * 30
) -> Run:
    """A run of regression prompts by rule and held-out prompts h0, h1, ... by judge, reference and candidate."""
    made = run(regression, [])
    assert made.evaluation
    prompts = tuple(asked(f"h{n}", groups[n] if groups else None) for n in range(len(pairs)))
    arms: dict[str, ArmEvaluation] = {}
    for name, arm in made.evaluation.arms.items():
        side = 1 if name == Arm.CANDIDATE.value else 0
        said = tuple(graded(f"h{n}", pair[side]) for n, pair in enumerate(pairs))
        arms[name] = replace(arm, items=(*arm.items, *said))
    evaluation = replace(
        made.evaluation,
        prompts=(*made.evaluation.prompts, *prompts),
        arms=arms,
        judging=Judging(canaries=GOOD),
    )
    return replace(made, evaluation=evaluation)


def asked(id: str, group: str | None = None) -> Prompt:
    return replace(prompt(id, "held-out"), expect={"judge": True}, group=group)


def of_differences(differences: Sequence[int], base: int = 5) -> Run:
    """Scores `base` for the reference, and for the candidate whatever the difference makes of it, within 1 to 5."""
    pairs = []
    for difference in differences:
        reference = base if difference <= 0 else max(1, 5 - difference)
        pairs.append((reference, max(1, min(5, reference + difference))))
    return judged_run(pairs)


__all__ = ["ACTIVE", "asked", "graded", "item", "judged_run", "of_differences"]
