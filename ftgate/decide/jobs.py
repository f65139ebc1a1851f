"""The jobs of a workflow: one that was skipped or stopped, although the plan asked for it, is no pass.

GitHub counts a skipped job as a success, so nobody else would notice.
"""

from ftgate.decide.rulings import Rulings, fail, unsure
from ftgate.decide.waivers import unwaived_errors
from ftgate.values.run import Run

_UNCONCERNED = ("announce",)
_FOR_TRAINING = ("admit", "train", "evaluate")


def job_rulings(run: Run) -> Rulings:
    """What the results of the jobs say about a run whose data changed."""
    wanted = not unwaived_errors(run)
    for name, result in run.jobs.items():
        if result == "success" or name in _UNCONCERNED or (name in _FOR_TRAINING and not wanted):
            continue
        if name == "admit":
            yield from _admit(run, result)
        elif name in _FOR_TRAINING and run.jobs.get("admit") not in (None, "success"):
            continue  # one reason is enough
        elif result == "failure":
            if name != "validate" or wanted:
                yield unsure(_stage(name), f"job.{name}", f"the job {name} failed; its log says why")
        else:
            text = f"the job {name} was {result}, although the plan asks for it; run the workflow again"
            yield fail(_stage(name), f"job.{name}", text)


def _admit(run: Run, result: str) -> Rulings:
    if run.jobs.get("train") == "success":
        return  # trained without a pull request: a merge queue, or somebody who started it by hand
    if result == "failure":
        why = (
            run.admission.why if run.admission and not run.admission.admitted else "the head was not admitted"
        )
        yield unsure("train", "job.admit", f"waits: {why}")
    else:
        text = f"the job admit was {result}, although the plan asks for training; run the workflow again"
        yield fail("train", "job.admit", text)


def waits(run: Run) -> bool:
    """Whether nothing was trained because nobody has admitted the head yet."""
    return run.jobs.get("admit") == "failure" and run.jobs.get("train") != "success"


def _stage(job: str) -> str:
    return job if job in ("validate", "train", "evaluate") else "decide"
