"""How regression prompts did in the last promotions, and which of them are asked no more."""

from ftgate.decide.rulings import Rulings, count, names, note
from ftgate.values.baseline import History
from ftgate.values.comparison import Past
from ftgate.values.evaluation import Arm, Evaluation, Outcome
from ftgate.values.run import Run

LOOKED_BACK = 5
_LETTERS = {Outcome.PASSED: "P", Outcome.FAILED: "F", Outcome.UNGRADED: "U"}


def outcomes(evaluation: Evaluation, arm: Arm) -> dict[str, str]:
    """A letter for each regression prompt, for the ledger; one without a completion is ungraded."""
    items = evaluation.items(arm)
    return {
        id: _LETTERS[items[id].outcome if id in items else Outcome.UNGRADED]
        for id in dict.fromkeys(evaluation.ids("regression"))
    }


def past(history: History | None, prompts: tuple[str, ...]) -> tuple[Past, ...]:
    """These prompts in the last promotions that asked them, the newest first; not those that none did.

    A prompt is known by its id alone: an expectation that was changed since is the same prompt.
    """
    if history is None:
        return ()
    looked = [promotion.outcomes for promotion in reversed(history.promotions[-LOOKED_BACK:])]
    found = {id: "".join(given[id] for given in looked if id in given) for id in prompts}
    return tuple(Past(prompt=id, outcomes=letters) for id, letters in found.items() if letters)


def removed(history: History | None, evaluation: Evaluation) -> tuple[str, ...]:
    """Regression prompts that the last promotion was asked and that the base branch has no more."""
    if history is None or not history.promotions:
        return ()
    asked = set(evaluation.ids("regression"))
    return tuple(sorted(id for id in history.promotions[-1].outcomes if id not in asked))


def told(run: Run) -> Rulings:
    """Prompts come from the base branch, so that one which is gone was removed there, by somebody's merge."""
    if run.evaluation is None:
        return
    if gone := removed(run.history, run.evaluation):
        text = (
            f"{count(len(gone), 'regression prompt')} of the last promotion "
            f"{'is' if len(gone) == 1 else 'are'} missing, removed on the base branch since: {names(gone)}"
        )
        yield note("evaluate", "regression.removed", text)
