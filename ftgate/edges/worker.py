"""One rank of a training: reads the job, trains, and as rank 0 writes the result. Started by torchrun or accelerate.

    python -m torch.distributed.run --standalone --nproc-per-node 2 -m ftgate.edges.worker WORKSPACE/launch/job.json

`--ftgate-logs DIR` sends what the rank prints into DIR/rank-N.log, `--ftgate-parent PID` has it save and end once that
process is gone; launchers take shorter names for abbreviations of their own.
This module is the composition root of a process of its own, so it may read its environment.
"""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ftgate.edges import job_file
from ftgate.edges.qlora import CHECKPOINT_SECONDS, QloraTrainer
from ftgate.edges.signals import leave
from ftgate.errors import FtgateError
from ftgate.ports import Progress, Task

_LOOK = 1.0  # seconds between two looks at the parent
_PATIENCE = 20.0  # seconds that a rank whose parent is gone has to save
_STOPPED = 130


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Trains one rank; returns its exit code."""
    parser = argparse.ArgumentParser(prog="ftgate.edges.worker")
    parser.add_argument("job", type=Path)
    parser.add_argument("--ftgate-logs", dest="logs", type=Path)
    parser.add_argument("--ftgate-parent", dest="parent", type=int, default=0)
    parser.add_argument("--ftgate-checkpoints", dest="seconds", type=float, default=CHECKPOINT_SECONDS)
    told = parser.parse_args(arguments)
    folder, rank = told.job.parent, int(environment.get("RANK", "0"))
    if told.logs:
        _redirect(told.logs / f"rank-{rank}.log")
    _watch(told.parent)
    if (folder / job_file.ERROR).exists():
        return 1  # another attempt ends as the first did
    try:
        return _rank(told.job, rank, told.seconds)
    except FtgateError as error:
        job_file.write_error(folder, error)
        print(f"rank {rank}: {error.message}", file=sys.stderr)  # noqa: T201 - its log
        return 1
    except KeyboardInterrupt:
        return _STOPPED


def _rank(file: Path, rank: int, seconds: float) -> int:
    job, folder = job_file.read_job(file), file.parent
    if job_file.read_result(folder, job.key) is not None:
        return 0
    training = QloraTrainer(checkpoint_seconds=seconds).train(job, _progress(folder, rank))
    if rank == 0:
        job_file.write_result(folder, training)
    _leave()
    return 0


def _leave() -> None:
    """Nobody goes before rank 0 has written all."""
    import torch.distributed as distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()


def _progress(folder: Path, rank: int) -> Progress:
    return _FileProgress(folder / job_file.PROGRESS) if rank == 0 else _Silence()


class _FileProgress:
    """Port Progress: lines that the parent shows. Each carries all that was done, so a restart counts nothing twice."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Task]:
        self._write(task=label, total=total)
        yield _Counted(self._write)
        self._write(end=True)

    def say(self, text: str) -> None:
        self._write(say=text)

    def _write(self, **event: object) -> None:
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(job_file.line(**event))


class _Counted:
    def __init__(self, write: Callable[..., None]) -> None:
        self._write, self._done = write, 0

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        self._write(done=self._done)


class _Silence:
    """Port Progress of every other rank."""

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Task]:
        yield _Nothing()

    def say(self, text: str) -> None:
        del text


class _Nothing:
    def advance(self, steps: int = 1) -> None:
        del steps


def _redirect(log: Path) -> None:
    """Standard output and error of this rank, and of whatever its libraries print from C."""
    sys.stdout.flush()
    sys.stderr.flush()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _watch(parent: int) -> None:
    """Ends this rank, with a checkpoint where there is time, once launcher or ftgate has died without a word.

    A rank has a session of its own: no signal of a terminal and no end of a job step would reach it.
    """
    launcher = os.getppid()

    def gone() -> bool:
        return os.getppid() != launcher or (parent > 0 and not _alive(parent))

    def look() -> None:
        while not gone():
            time.sleep(_LOOK)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_PATIENCE)
        os._exit(_STOPPED)

    threading.Thread(target=look, daemon=True).start()


def _alive(process: int) -> bool:
    """A process that nobody has waited for is still listed, as a zombie: it is not alive."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except (OSError, IndexError):
        return True  # of another user, or no Linux
    return state not in ("Z", "X")


def run() -> None:
    """The process: ends with the exit code of `main`, and at once after an interrupt."""
    code = main()
    if code == _STOPPED:
        leave(code)
    sys.exit(code)


if __name__ == "__main__":
    run()
