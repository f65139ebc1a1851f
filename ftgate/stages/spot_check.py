"""spot-check: a page for a blinded reading, and what the reader said, read into the run."""

from pathlib import Path

from msgspec.structs import replace

from ftgate.decide.spot_check import draw, opened, seal
from ftgate.errors import InputError
from ftgate.ports import RunStore
from ftgate.report.spot_check import spot_check_page
from ftgate.stages.decide import decide
from ftgate.stages.pipeline import stored
from ftgate.stages.publish import publish
from ftgate.values.evaluation import Evaluation
from ftgate.values.run import Run
from ftgate.wire import key_of, to_json, votes_of

PAGE, KEY = "spot-check.html", "spot-check.key.json"


def make(runs: RunStore, salt: str, completions: int) -> Path:
    """Writes page and key beside run.json; returns where the page is. Raises InputError without an evaluation."""
    run = stored(runs)
    evaluation = _evaluation(run)
    key = draw(evaluation, salt, completions)
    runs.write(KEY, to_json(key).decode())
    return runs.write(PAGE, spot_check_page(evaluation, key, seal(key), run.plan.behavior))


def read(runs: RunStore, votes: bytes, where: str) -> Run:
    """The run with the reading in it, decided and rendered again.

    Raises InputError when there is no key, or when key, votes and run do not belong together.
    """
    run, key = stored(runs), runs.read(KEY)
    if key is None:
        raise InputError(
            f"there is no {KEY} in the directory", advice="Make a page: ftgate spot-check --out DIR"
        )
    found = opened(key_of(key, KEY), votes_of(votes, where), _evaluation(run))
    done = decide(replace(run, spot_check=found))
    runs.save(done)
    publish(done, runs)
    return done


def _evaluation(run: Run) -> Evaluation:
    if run.evaluation is None:
        raise InputError(
            "this run has no completions to read", advice="Run `ftgate evaluate --out DIR` first."
        )
    return run.evaluation
