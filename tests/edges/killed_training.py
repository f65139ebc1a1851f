"""`python -m tests.edges.killed_training WORKSPACE SEED SIGNAL...`: trains, is stopped at random moments, goes on.

Every attempt is a process of its own, forked from one that has loaded the libraries and computed nothing. Writes what
the last attempt, which nobody stops, has recorded into WORKSPACE/told.json, and how the others ended.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ftgate.edges import loading
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.qlora import QloraTrainer
from ftgate.ports import Task
from tests.edges.trainings import hard_job, weights
from tests.fakes import FakeProgress

_OFTEN = 0.0  # a checkpoint after every step: what is killed says nothing before
_SELDOM = 3600.0


class _Shown(FakeProgress):
    """Tells the parent that the first step begins."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Task]:
        with super().task(label, total) as task:
            file = self._file

            class Shown:
                def advance(self, steps: int = 1) -> None:
                    task.advance(steps)
                    file.touch()

            yield Shown()


def train(workspace: Path, seconds: float) -> None:
    """One attempt."""
    base = BaseModels().resolve(BUNDLED, None)
    trainer = QloraTrainer(checkpoint_seconds=seconds)
    training = trainer.train(hard_job(base, workspace), _Shown(workspace / "begun"))
    told = {
        "curve": [[p.step, p.epoch, p.train, p.held_out] for p in training.curve],
        "best_step": training.best_step,
        "events": list(training.events),
        "failure": training.failure,
        "steps": training.steps,
        "weights": weights(workspace),
    }
    (workspace / "told.json").write_text(json.dumps(told))


def _attempt(workspace: Path, seconds: float) -> int:
    """A process that trains; 0 when it came to the end, 130 when it was interrupted."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            train(workspace, seconds)
            code = 0
        except KeyboardInterrupt:
            code = 130
        finally:
            sys.stderr.flush()
            os._exit(code)
    return child


def main(workspace: Path, seed: int, numbers: list[signal.Signals]) -> None:
    import peft
    import transformers
    import trl
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    loaded = (AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, SFTConfig, SFTTrainer)
    assert all(loaded) and peft.__version__ and transformers.__version__ and trl.__version__
    loading.versions()
    moments, ends = random.Random(seed), []
    for number in numbers:
        (workspace / "begun").unlink(missing_ok=True)
        child = _attempt(workspace, _OFTEN if number is signal.SIGKILL else _SELDOM)
        until = time.monotonic() + 60
        while time.monotonic() < until and not (workspace / "begun").exists():
            time.sleep(0.005)
        time.sleep(moments.uniform(0.0, 1.5))
        asked = time.monotonic()
        os.kill(child, number)
        status = os.waitpid(child, 0)[1]
        ends.append([os.waitstatus_to_exitcode(status), round(time.monotonic() - asked, 2)])
    status = os.waitpid(_attempt(workspace, _SELDOM), 0)[1]
    assert status == 0, status
    (workspace / "ends.json").write_text(json.dumps(ends))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [signal.Signals[name] for name in sys.argv[3:]])
