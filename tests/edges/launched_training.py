"""`python -m tests.edges.launched_training WORKSPACE`: a training of two processes, as a process that may be signalled.

Prints DIGEST when it is through, and INTERRUPTED with code 130 when a signal stopped it.
"""

import os
import sys
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.launch import LaunchingTrainer
from ftgate.edges.qlora import QloraTrainer
from ftgate.ports import TrainingJob
from ftgate.values.training_settings import Launch
from tests.edges.trainings import hard_job, weights
from tests.fakes import FakeProgress


def job_of(workspace: Path, processes: int, *, launch: Launch | None = None, **changes: Any) -> TrainingJob:
    """22 examples, 8 in a step: with two processes the last round has two examples and two blanks."""
    base = BaseModels().resolve(BUNDLED, None)
    several = {"batch_size": 4 // processes, "accumulation": 2, "processes": processes, "epochs": 2}
    strategy = "ddp" if processes > 1 else "single"
    job = hard_job(base, workspace, **(several | {"strategy": strategy} | changes))
    return replace(job, launch=launch or Launch(processes=processes))


def long_job(workspace: Path) -> TrainingJob:
    """18 steps with dropout, whose random numbers must go on where they were: time enough to be stopped midway."""
    return job_of(workspace, 2, epochs=6)


def trainer() -> LaunchingTrainer:
    """A checkpoint after every step."""
    return LaunchingTrainer(QloraTrainer(checkpoint_seconds=0), os.environ, checkpoint_seconds=0)


def main(workspace: Path) -> int:
    try:
        training = trainer().train(long_job(workspace), FakeProgress())
    except KeyboardInterrupt:
        print("INTERRUPTED")
        return 130
    assert training.failure is None, training.failure
    print(weights(workspace))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
