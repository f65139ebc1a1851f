"""More than one process: writes the job, runs the launcher, shows what rank 0 tells, and reads the result.

No process of it is a shell. A signal is handed on once, so that every rank saves; ftgate waits for that.
"""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from os import getpid, killpg
from pathlib import Path

from ftgate.decide import launch as deciding
from ftgate.edges import job_file, trackers
from ftgate.edges.launch_progress import Follower
from ftgate.edges.qlora import CHECKPOINT_SECONDS
from ftgate.edges.signals import Stopping, listening
from ftgate.errors import FtgateError, InputError, OutsideError, SettingsError
from ftgate.ports import Progress, Trainer, TrainingJob
from ftgate.values.launching import WrittenJob
from ftgate.values.training import Training

_POLL = 0.1  # seconds between two looks at the processes
_PATIENCE = 30.0  # seconds that they have to save after a signal; GitHub itself ends the job after ten
_TAIL = 5  # lines of a dead rank's log
_ENDED = re.compile(
    r"^[ \t]*rank {0,20}: {0,20}(\d{1,9}) \(local_rank.*\n[ \t]*exitcode {0,20}: {0,20}(-?\d{1,9})",
    re.MULTILINE,
)


class LaunchingTrainer:
    """Port Trainer: `inner` for a recipe of one process, torchrun or accelerate for more, a person for other nodes.

    `outer` is ftgate's own environment, of which the processes get what torch needs; `checkpoint_seconds` are those of
    QloraTrainer.
    """

    def __init__(
        self, inner: Trainer, outer: Mapping[str, str], *, checkpoint_seconds: float = CHECKPOINT_SECONDS
    ) -> None:
        self._inner = inner
        self._outer = outer
        self._seconds = checkpoint_seconds

    def memory(self) -> int | None:
        return self._inner.memory()

    def versions(self) -> Mapping[str, str]:
        return self._inner.versions()

    def train(self, job: TrainingJob, progress: Progress) -> Training:
        """Raises SettingsError for what cannot be launched, OutsideError when a rank died and stayed dead."""
        trackers.check(job.report_to, job.tracker_options)
        _check(job)
        found = _found(job)
        if found is not None and (job.launch.nodes > 1 or found.failure is None):
            return _taken(job, found)
        if job.recipe.processes == 1:
            return self._inner.train(job, progress)
        if job.launch.nodes > 1:
            raise _waiting(job)
        self.versions()
        _enough_gpus(job.launch.processes)
        return self._launched(job, progress)

    def _launched(self, job: TrainingJob, progress: Progress) -> Training:
        file = job_file.write_job(job)
        folder = file.parent
        for old in folder.glob("*.log"):
            old.unlink()
        options = {
            "--ftgate-logs": folder,
            "--ftgate-parent": getpid(),
            "--ftgate-checkpoints": self._seconds,
        }
        worker = (str(file), *(str(part) for option in options.items() for part in option))
        arguments = deciding.command(job.launch, job.recipe, sys.executable, worker)
        told = deciding.environment(self._outer, job.recipe, job.launch, job.report_to)
        progress.say(f"{job.label}: {job.launch.processes} processes, {job.launch.launcher}")
        with Follower(folder / job_file.PROGRESS, progress) as follower, listening() as stopping:
            code = _run(arguments, told, folder / "launcher.log", (follower, stopping))
        training = job_file.read_result(folder, job.key)
        if training is not None:
            return _taken(job, training)
        raise job_file.read_error(folder) or _dead(job, folder, code)


class JobWriter:
    """Port Trainer that trains nothing: the jobs that it was asked for lie in their workspaces, for other machines."""

    def __init__(self, inner: Trainer) -> None:
        self._inner = inner
        self.written: dict[str, WrittenJob] = {}

    def memory(self) -> int | None:
        return self._inner.memory()

    def versions(self) -> Mapping[str, str]:
        return self._inner.versions()

    def train(self, job: TrainingJob, progress: Progress) -> Training:
        """A training that failed, so that nothing keeps it."""
        _check(job)
        found = _found(job)
        if found is None or found.failure is not None:
            file = job_file.write_job(job)
            self.written[job.key] = WrittenJob(
                key=job.key, label=job.label, file=str(file.resolve()), recipe=job.recipe
            )
        return Training(
            key=job.key,
            commit=job.commit,
            adapter="",
            adapter_sha256="",
            examples=len(job.examples),
            data_sha256="",
            recipe=job.recipe,
            failure="written for other machines",
        )


def _check(job: TrainingJob) -> None:
    if why := deciding.refusal(job.recipe):
        raise SettingsError(why, advice="Set training.launch.quant_storage: bfloat16.")
    asked = job.launch.processes * job.launch.nodes
    if asked != job.recipe.processes:
        raise SettingsError(
            f"training.launch asks for {asked} processes, the recipe is one of {job.recipe.processes}",
            advice="Start again with `ftgate plan`: the run was planned with other settings.",
        )


def _enough_gpus(processes: int) -> None:
    import torch

    if torch.cuda.is_available() and torch.cuda.device_count() < processes:
        raise SettingsError(
            f"training.launch.processes is {processes}, and this machine has {torch.cuda.device_count()} GPUs",
            advice="Lower it, or send the job elsewhere: ftgate launch --help.",
        )


def _found(job: TrainingJob) -> Training | None:
    return job_file.read_result(job_file.launch_folder(job.workspace), job.key)


def _taken(job: TrainingJob, training: Training) -> Training:
    """The result, whose job is not needed any more: the store keeps no data under review."""
    (job_file.launch_folder(job.workspace) / job_file.JOB).unlink(missing_ok=True)
    return training


def _waiting(job: TrainingJob) -> FtgateError:
    folder = job_file.launch_folder(job.workspace)
    return job_file.read_error(folder) or InputError(
        f"{job.label}: {job.launch.nodes} nodes train it, and {folder / job_file.RESULT} is not there yet",
        advice="Write a launch file (ftgate launch --for slurm --out DIR), submit it, and come back when it has ended.",
    )


def _run(
    arguments: tuple[str, ...], told: Mapping[str, str], log: Path, following: tuple[Follower, Stopping]
) -> int:
    with log.open("wb") as output:
        # In a session of its own: Ctrl-C of a terminal would reach the launcher twice, and the second ends its waiting.
        process = subprocess.Popen(
            arguments,
            env=dict(told),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            _wait(process, *following)
        finally:
            if process.poll() is None:
                # Its ranks see that it is gone, save and end.
                with suppress(ProcessLookupError):
                    killpg(process.pid, signal.SIGKILL)
                process.wait()
    following[0].read()
    return process.returncode


def _wait(process: "subprocess.Popen[bytes]", follower: Follower, stopping: Stopping) -> None:
    """Hands the first signal on, as SIGTERM, and waits until all ranks have saved. The same again ends the waiting."""
    deadline = None
    while process.poll() is None:
        follower.read()
        if stopping.requested and deadline is None:
            process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + _PATIENCE
        elif deadline is not None and time.monotonic() > deadline:
            return
        time.sleep(_POLL)


def _dead(job: TrainingJob, folder: Path, code: int) -> FtgateError:
    """Names the rank that died first, as the launcher tells it, and the end of what it said."""
    launcher = _text(folder / "launcher.log")
    ended = [(int(rank), int(code)) for rank, code in _ENDED.findall(launcher)]
    if not ended:
        return OutsideError(
            f"{job.label}: the launcher ended with code {code}: {_tail(launcher)}", advice=_advice(folder)
        )
    rank, code = min(ended, key=_blame)
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    said = _tail(_text(folder / f"rank-{rank}.log"))
    return OutsideError(
        f"{job.label}: rank {rank} {how}, {job.launch.max_restarts} restarts included"
        + (f": {said}" if said else ""),
        advice=_advice(folder),
    )


def _blame(ended: tuple[int, int]) -> int:
    """Whoever was killed comes before those that lost their peer; SIGTERM is the launcher's own, for the rest of them.

    It names the first that it noticed as the cause, which need not be the first that died.
    """
    _, code = ended
    if code == -signal.SIGTERM:
        return 2
    return 0 if code < 0 else 1


def _advice(folder: Path) -> str:
    return f"The logs of all ranks are in {folder}; the same command goes on from the last checkpoint."


def _text(file: Path) -> str:
    return file.read_text(errors="replace") if file.is_file() else ""


def _tail(text: str) -> str:
    return "\n".join([line for line in text.splitlines() if line.strip()][-_TAIL:])
