"""What the completions of a run say about the engine: cut, empty, and the base's own.

An adapter whose outputs are the base's byte for byte, although its training loss moved, was not asked: the third of the
proofs that an adapter acts, beside LoRA-B and logits, and the only one that looks at what was graded. Where the base
is right already, a good adapter answers the same; so only prompts that the base does not pass can tell.
"""

from math import isfinite

from ftgate.decide.rulings import Rulings, count, names, note, unsure, warn
from ftgate.values.evaluation import Arm, Evaluation, Outcome
from ftgate.values.run import Run
from ftgate.values.training import Training

SAME = 0.95
TELLING = 5
"""Prompts that the base does not pass: with fewer, identical completions may well be chance."""
MOVED = 0.05


def told(run: Run, evaluation: Evaluation) -> Rulings:
    """Reasons about both trained arms, and about cut and empty completions of all."""
    yield from _same_adapter(run)
    for arm, training in ((Arm.BASELINE, run.baseline), (Arm.CANDIDATE, run.candidate)):
        if training is not None and arm.value in evaluation.arms and loss_moved(training):
            yield from _identical(evaluation, arm)
    yield from _odd(evaluation)


def loss_moved(training: Training) -> bool:
    """Whether the training loss is another at the end, by a twentieth of what it was. Unknown is no."""
    losses = [p.train for p in training.curve if p.train is not None and isfinite(p.train)]
    return len(losses) > 1 and abs(losses[0] - losses[-1]) > MOVED * abs(losses[0])


def _same_adapter(run: Run) -> Rulings:
    if run.baseline is None or run.candidate is None:
        return
    if not run.candidate.adapter_sha256 or run.baseline.adapter_sha256 != run.candidate.adapter_sha256:
        return
    named = f"baseline and candidate are one adapter ({run.candidate.adapter_sha256[:12]})"
    if run.baseline.data_sha256 == run.candidate.data_sha256:
        yield note("evaluate", "adapter.same", f"no change: {named}, trained from the same examples")
    else:
        text = f"{named}, though they were trained from different examples"
        yield unsure("evaluate", "sentinel.same-adapter", text)


def _identical(evaluation: Evaluation, arm: Arm) -> Rulings:
    base, own = evaluation.items(Arm.BASE), evaluation.items(arm)
    ids = [id for id in evaluation.deciding if id in base and id in own]
    same = {id for id in ids if base[id].completion.text == own[id].completion.text}
    telling = [id for id in ids if base[id].outcome is not Outcome.PASSED]
    if not ids or len(same) < SAME * len(ids) or len(same.intersection(telling)) < SAME * len(telling):
        return
    text = f"{len(same)} of {count(len(ids), 'completion')} of the {arm} are the base's, byte for byte"
    if len(telling) < TELLING:
        right = (
            f"the base passes all but {len(telling)} of these prompts" if telling else "the base passes them"
        )
        yield warn("evaluate", f"sentinel.unproven.{arm}", f"{text}; {right}, so that it proves nothing")
    else:
        wrong = f"{len(telling)} of them wrong, though the training loss moved"
        yield unsure(
            "evaluate", f"sentinel.identical.{arm}", f"{text}, {wrong}: was the adapter asked at all?"
        )


def _odd(evaluation: Evaluation) -> Rulings:
    """The candidate's cut completions are rule 4's; a reference that was cut makes any candidate look good."""
    for arm in (Arm.BASELINE, Arm.CANDIDATE):
        shares = evaluation.shares(arm)
        if shares is None:
            continue
        if arm is Arm.BASELINE and shares.cut:
            text = f"the token limit cut {count(len(shares.cut), 'completion')} of the {arm}: {names(shares.cut)}"
            yield warn("evaluate", f"evaluation.cut.{arm}", text)
        if shares.empty:
            text = (
                f"{count(len(shares.empty), 'completion')} of the {arm} said nothing: {names(shares.empty)}"
            )
            yield warn("evaluate", f"evaluation.empty.{arm}", text)
