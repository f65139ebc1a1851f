"""A disk that fills while weights are written: told as what it is, nothing is left that could be taken for whole."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from ftgate.ports import ExportJob
from ftgate.values.training import BaseModel
from tests.edges.test_export import base, export_job, exports, store
from tests.edges.trainings import hard_job

__all__ = ["base", "export_job", "exports", "store"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def test_a_disk_that_fills_while_it_is_written_is_told_and_nothing_is_left(
    export_job: ExportJob, tmp_path: Path
) -> None:
    """No file of a child may grow beyond a megabyte, which to it is a disk that is full; the weights have four."""
    wanted = replace(export_job, form="merged-16bit", target=tmp_path / "out")
    (tmp_path / "job").write_bytes(pickle.dumps(wanted))
    child = subprocess.run(
        [sys.executable, "-c", _WRITES_A_MEGABYTE, str(tmp_path / "job")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert child.returncode == 4, child.stderr
    assert f"{tmp_path / 'out'}: cannot be written" in child.stderr and "--to" in child.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["job"]


_WRITES_A_MEGABYTE = """
import pickle, resource, sys
from pathlib import Path
from ftgate.edges.export import LocalExporter
from ftgate.errors import OutsideError
from tests.fakes import FakeProgress

job = pickle.loads(Path(sys.argv[1]).read_bytes())
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    LocalExporter(Path()).export(job, FakeProgress())
except OutsideError as error:
    sys.exit(print(error.message, error.advice, file=sys.stderr) or 4)
"""


@pytest.mark.parametrize(
    ("most", "said"),
    [(500_000, "Error while serializing"), (1_000_000, "the state of the training")],
    ids=["weights", "optimizer"],
)
def test_a_disk_that_fills_while_it_is_trained_is_no_bug_of_ftgate(
    base: BaseModel, tmp_path: Path, most: int, said: str
) -> None:
    """Weights have 875,512 bytes, the state of the optimizer twice as many."""
    (tmp_path / "job").write_bytes(pickle.dumps(hard_job(base, tmp_path / "w", rank=16, evaluations=1)))
    child = subprocess.run(
        [sys.executable, "-c", _TRAINS, str(tmp_path / "job"), str(most)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert child.returncode == 4, child.stderr
    assert said in child.stderr and "Is the disk full?" in child.stderr
    assert not (tmp_path / "w" / "adapter").exists()


_TRAINS = """
import pickle, resource, sys
from pathlib import Path
from ftgate.edges.qlora import QloraTrainer
from ftgate.errors import OutsideError
from tests.fakes import FakeProgress

job, most = pickle.loads(Path(sys.argv[1]).read_bytes()), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
try:
    QloraTrainer(checkpoint_seconds=0).train(job, FakeProgress())
except OutsideError as error:
    sys.exit(print(error.message, error.advice, file=sys.stderr) or 4)
"""
