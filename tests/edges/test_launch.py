"""Two processes over gloo, started by the real launchers, each with one thread: real trainings of the bundled model."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.decide.launch import WORKER
from ftgate.edges import job_file
from ftgate.edges.launch import JobWriter, LaunchingTrainer
from ftgate.edges.qlora import QloraTrainer
from ftgate.errors import InputError, OutsideError, SettingsError
from ftgate.values.training import Training
from ftgate.values.training_settings import Launch
from tests.edges.launched_training import job_of, long_job, trainer
from tests.edges.trainings import EXAMPLES, weights
from tests.fakes import FakeProgress, FakeTrainer

pytestmark = [
    pytest.mark.slow,
    # Libraries under test warn about themselves; ftgate's own warnings stay errors elsewhere.
    pytest.mark.filterwarnings("default"),
]

COMMAND = [sys.executable, "-m", "tests.edges.launched_training"]
Trained = tuple[Training, Path]
# Measured on these 22 examples, 6 steps at a rate of 5e-3: 5e-6 with NF4, below 1e-6 without.
CLOSE = 1e-4


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    workspace = tmp_path_factory.mktemp("single")
    return trainer().train(job_of(workspace, 1, dropout=0.0), FakeProgress()), workspace


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    workspace = tmp_path_factory.mktemp("double")
    return trainer().train(job_of(workspace, 2, dropout=0.0), FakeProgress()), workspace


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """As a process of its own, which may print one line."""
    workspace = tmp_path_factory.mktemp("uninterrupted")
    done = subprocess.run([*COMMAND, str(workspace)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{weights(workspace)}\n"
    training = job_file.read_result(workspace / "launch", "key-of-this-training")
    assert training is not None
    return training, workspace


def apart(one: Path, other: Path) -> float:
    """Norm of the difference of two adapters, in norms of the first."""
    from safetensors.torch import load_file

    first, second = (load_file(str(w / "adapter" / "adapter_model.safetensors")) for w in (one, other))
    assert first.keys() == second.keys()
    squares = sum(float(((first[name] - second[name]).double() ** 2).sum()) for name in first)
    norm = sum(float((first[name].double() ** 2).sum()) for name in first)
    return float((squares / norm) ** 0.5)


def test_two_processes_lose_what_one_loses_though_the_examples_do_not_divide(
    single: Trained, double: Trained
) -> None:
    """Were an example counted twice to fill a batch up, the last step of each epoch would differ in the first digit."""
    one, two = single[0], double[0]
    assert (one.failure, two.failure) == (None, None)
    assert one.recipe.step_examples == two.recipe.step_examples == 8
    assert [point.train for point in two.curve] == [point.train for point in one.curve]
    assert [point.held_out for point in two.curve] == [point.held_out for point in one.curve]
    assert (
        (two.steps, two.examples, two.tokens) == (one.steps, one.examples, one.tokens) == (6, 22, one.tokens)
    )
    assert two.best_step == one.best_step
    assert 0 < apart(single[1], double[1]) < CLOSE


def test_rank_0_alone_writes_and_no_rank_prints(double: Trained) -> None:
    workspace = double[1]
    assert sorted(path.name for path in workspace.iterdir()) == ["adapter", "checkpoints", "launch"]
    assert sorted(path.name for path in (workspace / "launch").iterdir()) == [
        "launcher.log",
        "progress.jsonl",
        "rank-0.log",
        "rank-1.log",
        "result.json",
    ]
    assert sorted(path.name for path in (workspace / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    # The random numbers of each rank are part of a checkpoint: without them it could not go on exactly.
    of_ranks = {path.name for path in workspace.glob("checkpoints/checkpoint-*/*") if "_1" in path.name}
    assert of_ranks == {"rng_state_1.pth"}
    told = (workspace / "launch" / "progress.jsonl").read_text().splitlines()
    assert len([line for line in told if '"task"' in line]) == 1
    said = [(workspace / "launch" / f"rank-{rank}.log").read_text().splitlines() for rank in (0, 1)]
    assert not [line for log in said for line in log if "kernels" not in line]


def ranks(workspace: Path) -> dict[int, int]:
    """Process ids of the workers of a training, by rank."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdigit() else []
            if WORKER.encode() in command and str(workspace).encode() in b"\0".join(command):
                told = dict(
                    pair.split(b"=", 1)
                    for pair in (folder / "environ").read_bytes().split(b"\0")
                    if b"=" in pair
                )
                if b"RANK" in told:
                    found[int(told[b"RANK"])] = int(folder.name)
        except OSError:
            continue  # it has ended meanwhile
    return found


def wait_for(what: Callable[[], bool], seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.02)
    return False


def steps_done(workspace: Path) -> int:
    """Whole checkpoints written so far, by the number of the last."""
    folders = workspace.glob("checkpoints/checkpoint-*/ftgate.manifest.json")
    return max((int(folder.parent.name.rpartition("-")[2]) for folder in folders), default=0)


def kill_at(workspace: Path, step: int, rank: int) -> threading.Thread:
    """Kills a rank once a step has been kept."""

    def kill() -> None:
        if wait_for(lambda: steps_done(workspace) >= step):
            os.kill(ranks(workspace)[rank], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


@pytest.mark.parametrize("rank", [1, 0])
def test_a_rank_that_is_killed_starts_again_with_all_and_ends_with_the_same_adapter(
    rank: int, tmp_path: Path, uninterrupted: Trained
) -> None:
    killer = kill_at(tmp_path, 2, rank)
    progress = FakeProgress()
    training = trainer().train(long_job(tmp_path), progress)
    killer.join()
    assert training.failure is None
    assert any(event.startswith("went on from step") for event in training.events)
    assert weights(tmp_path) == weights(uninterrupted[1])
    assert [point.train for point in training.curve] == [point.train for point in uninterrupted[0].curve]


def test_a_rank_that_dies_once_too_often_is_named_with_its_signal(tmp_path: Path) -> None:
    killer = kill_at(tmp_path, 1, 1)
    with pytest.raises(OutsideError) as caught:
        trainer().train(job_of(tmp_path, 2, launch=Launch(processes=2, max_restarts=0)), FakeProgress())
    killer.join()
    assert "rank 1 was killed by SIGKILL" in caught.value.message
    assert "goes on from the last checkpoint" in caught.value.advice
    assert wait_for(lambda: not ranks(tmp_path), 30)


@pytest.fixture
def running(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A training of two processes that has kept a step."""
    process = subprocess.Popen(
        [*COMMAND, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert wait_for(lambda: steps_done(tmp_path) >= 1)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_to_ftgate_stops_all_ranks_at_a_checkpoint_and_the_next_start_goes_on(
    number: signal.Signals, running: "subprocess.Popen[str]", tmp_path: Path, uninterrupted: Trained
) -> None:
    began = time.monotonic()
    running.send_signal(number)
    said, _ = running.communicate(timeout=60)
    assert (said, running.returncode) == ("INTERRUPTED\n", 130)
    assert time.monotonic() - began < 45  # a step and a checkpoint; a busy machine takes its time
    assert not ranks(tmp_path)
    assert steps_done(tmp_path) > 0
    assert not (tmp_path / "launch" / job_file.RESULT).exists()
    training = trainer().train(long_job(tmp_path), FakeProgress())
    assert any(event.startswith("went on from step") for event in training.events)
    assert weights(tmp_path) == weights(uninterrupted[1])


def test_ranks_whose_ftgate_is_gone_do_not_train_on(running: "subprocess.Popen[str]", tmp_path: Path) -> None:
    running.kill()
    assert wait_for(lambda: not ranks(tmp_path), 60)
    assert not (tmp_path / "launch" / job_file.RESULT).exists()


def test_accelerate_starts_the_same_training(tmp_path: Path, double: Trained) -> None:
    launch = Launch(processes=2, launcher="accelerate")
    training = trainer().train(job_of(tmp_path, 2, dropout=0.0, launch=launch), FakeProgress())
    assert training.failure is None
    assert weights(tmp_path) == weights(double[1])


def test_what_a_rank_raises_comes_back_as_it_was_raised(tmp_path: Path) -> None:
    job = job_of(tmp_path, 2)
    job = replace(job, base_model=replace(job.base_model, location=str(tmp_path / "nowhere")))
    with pytest.raises(OutsideError, match="the tokenizer cannot be loaded"):
        trainer().train(job, FakeProgress())


def test_one_process_is_no_launch(tmp_path: Path) -> None:
    inner = FakeTrainer()
    LaunchingTrainer(inner, {}).train(job_of(tmp_path, 1), FakeProgress())
    assert len(inner.jobs) == 1
    assert not (tmp_path / "launch").exists()


def test_fsdp_with_uint8_is_refused_before_anything_starts(tmp_path: Path) -> None:
    job = job_of(tmp_path, 2, strategy="fsdp", quant_storage="uint8")
    with pytest.raises(SettingsError, match="uint8"):
        trainer().train(job, FakeProgress())
    with pytest.raises(SettingsError, match="recipe is one of 2"):
        trainer().train(job_of(tmp_path, 2, launch=Launch(processes=3)), FakeProgress())
    assert not (tmp_path / "launch").exists()


def test_other_machines_get_the_job_and_give_the_result_back(tmp_path: Path) -> None:
    job = job_of(tmp_path, 2, launch=Launch(processes=1, nodes=2))
    with pytest.raises(InputError, match=r"result\.json is not there yet"):
        trainer().train(job, FakeProgress())
    writer = JobWriter(QloraTrainer())
    assert writer.train(job, FakeProgress()).failure
    (written,) = writer.written.values()
    read = job_file.read_job(Path(written.file))
    assert (read, read.examples) == (job, EXAMPLES[:22])
    result = Training(
        key=job.key, commit="c", adapter="", adapter_sha256="", examples=22, data_sha256="", recipe=job.recipe
    )
    job_file.write_result(Path(written.file).parent, result)
    assert trainer().train(job, FakeProgress()) == result
    again = JobWriter(QloraTrainer())
    again.train(job, FakeProgress())
    assert not again.written
    job_file.write_result(Path(written.file).parent, replace(result, key="of another training"))
    with pytest.raises(InputError, match="is not there yet"):
        trainer().train(job, FakeProgress())


def test_a_damaged_result_is_no_result(tmp_path: Path) -> None:
    job = job_of(tmp_path, 2, launch=Launch(processes=1, nodes=2))
    JobWriter(QloraTrainer()).train(job, FakeProgress())
    (tmp_path / "launch" / job_file.RESULT).write_text('{"schema": "ftgate.result/1"}')
    with pytest.raises(OutsideError, match="damaged"):
        trainer().train(job, FakeProgress())
