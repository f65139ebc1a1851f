"""`python -m tests.edges.tracked_training WORKSPACE PROCESSES`: three steps, through ftgate's own wiring."""

import sys
from pathlib import Path

from ftgate.cli import wiring
from tests.edges.launched_training import job_of
from tests.fakes import FakeProgress, FakeRepository


def main(workspace: Path, processes: int) -> None:
    ports = wiring.build(FakeRepository(), out=workspace / "out", store=workspace / "store", quiet=True)
    training = ports.trainer.train(job_of(workspace, processes, epochs=1), FakeProgress())
    assert training.failure is None, training.failure


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
