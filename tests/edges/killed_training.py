"""`python -m tests.edges.killed_training WORKSPACE SEED KILLS`: trains, is killed at random moments, and goes on.

Every attempt is a process of its own, forked from one that has loaded the libraries and computed nothing. Prints what
the last attempt, which nobody kills, has recorded, as JSON.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from ftgate.edges import loading
from ftgate.edges.base_model import BUNDLED, BaseModels
from ftgate.edges.qlora import QloraTrainer
from tests.edges.trainings import hard_job, weights
from tests.fakes import FakeProgress


def train(workspace: Path) -> None:
    """One attempt, with a checkpoint after every step."""
    base = BaseModels().resolve(BUNDLED, None)
    training = QloraTrainer(checkpoint_seconds=0).train(hard_job(base, workspace), FakeProgress())
    told = {
        "curve": [[p.step, p.epoch, p.train, p.held_out] for p in training.curve],
        "best_step": training.best_step,
        "events": list(training.events),
        "failure": training.failure,
        "steps": training.steps,
        "weights": weights(workspace),
    }
    (workspace / "told.json").write_text(json.dumps(told))


def main(workspace: Path, seed: int, kills: int) -> None:
    import peft
    import transformers
    import trl  # noqa: F401 - the libraries are loaded once, for all attempts
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig  # noqa: F401
    from trl import SFTConfig, SFTTrainer  # noqa: F401

    assert peft.__version__ and transformers.__version__
    loading.versions()
    moments = random.Random(seed)
    for attempt in range(kills + 1):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                train(workspace)
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        if attempt < kills:
            seen = sum(1 for _ in workspace.glob("checkpoints/checkpoint-*/ftgate.manifest.json"))
            until = time.monotonic() + 60
            # From its first checkpoint on, a moment that falls into a step, a measurement or the writing of one.
            while (
                time.monotonic() < until and not (workspace / "checkpoints" / "draft").is_dir() and not seen
            ):
                time.sleep(0.01)
            time.sleep(moments.uniform(0.2, 2.2))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if attempt == kills:
            assert status == 0, status
    print((workspace / "told.json").read_text())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
