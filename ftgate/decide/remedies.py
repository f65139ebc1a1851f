"""What would change the verdict: for each reason that blocks, what a person can do about it."""

REMEDIES = {
    "findings": "repair the lines named; `ftgate validate` shows them with their place",
    "validation": "run `ftgate validate` on this run",
    "preflight.dropped": "shorten or split the examples named, repair those that cannot be rendered, or raise "
    "`training.max_length`",
    "preflight.untrained": "shorten what stands before the replies; `ftgate tokens` shows what carries loss",
    "preflight.stop-token": "look at an example with `ftgate tokens`; the template must end a turn within the loss",
    "preflight.template": "pin `base_revision` on the base branch, and serve with the same template",
    "preflight.steps": "add examples, or lower `training.batch_size` or `training.accumulation`",
    "preflight.schedule": "correct `training.learning_rate` or `training.warmup` on the base branch",
    "preflight.storage": "set `training.launch.quant_storage: bfloat16` on the base branch",
    "preflight.empty": "repair the examples named: not one of them can be trained",
    "preflight.memory": "set `training.method: qlora`, `training.checkpointing: true`, a smaller `training.batch_size` "
    "or `training.max_length`",
    "preflight.unchecked": "set what is missing on the base branch (`training.preflight`), or take the ceiling out",
    "preflight": "raise the ceiling in `training.preflight` on the base branch, or train fewer examples or epochs",
    "preflight.lost": "see what the trainer left out, and run `ftgate preflight` again",
    "training.failed": "read the failure; the data or `training` in the settings has to change",
    "training": "run `ftgate train` on this run",
    "baseline.failed": "repair the training data on the base branch first",
    "evaluation": "run `ftgate evaluate` on this run",
    "sentinel": "train again; if it stays so, method and base model do not fit each other",
    "sentinel.identical": "see that the engine loads adapters (`ftgate engine check --adapter DIR`); evaluate again",
    "sentinel.same-adapter": "empty the store and train again: one of the two was never trained",
    "export": "set `training.export.form` to merged-dequantised, or to adapter on the base as it was trained",
    "regression.broken": "read what broke and correct the examples that teach it; a prompt that is itself wrong is "
    "changed on the base branch",
    "regression.ungraded": "see why they were not graded (a judge that is down, a broken expectation), and run again",
    "regression.powerless": "add regression prompts that the baseline passes, twenty to fifty",
    "regression": "add regression prompts on the base branch, twenty to fifty",
    "spot-check.failed": "read the completions that were turned down, and correct the examples that teach them",
    "spot-check": "`ftgate spot-check` makes the page; `ftgate spot-check --votes FILE` reads the votes",
    "forgetting": "mix five to ten percent general examples into the training data",
    "held-out.worse": "look at the held-out examples that were lost, by label; a wider `policy.margin` accepts more",
    "held-out.undecided": "hold more examples out on the base branch, or widen `policy.margin`",
    "scores.worse": "look at the held-out examples whose score fell; a wider `policy.score_margin` accepts more",
    "scores.missing": "see why the judge gave no scores, and run again",
    "scores.undecided": "hold more examples out on the base branch, ask for more `judge.votes`, or widen "
    "`policy.score_margin`",
    "scores": "read completions of the held-out set for what the judge says of them",
    "correctness.low": "the data does not teach enough yet; `policy.min_correctness` says what is enough",
    "correctness": "hold more examples out on the base branch, or ask for less: `policy.min_correctness`",
    "held-out": "hold 10 to 20 % of the examples out on the base branch: `ftgate split`",
}
"""By reason id, or by what stands before its dots: the longest that fits is taken."""


def remedy(id: str) -> str:
    """What to do about a reason; empty when nothing is known."""
    parts = id.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((REMEDIES[name] for name in names if name in REMEDIES), "")
