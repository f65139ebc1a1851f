"""`ftgate launch`: from a validated run to a file that trains it elsewhere, and back."""

import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ftgate.edges import job_file
from ftgate.edges.store import DirectoryStore
from tests.cli.test_preflight import begun
from tests.commands import Command, commanding

NODES = "training: {launch: {nodes: 2, processes: 2}}\n"


@pytest.fixture
def ftgate(capfd: pytest.CaptureFixture[str]) -> Command:
    return commanding(capfd)


def launch(ftgate: Command, root: Path, *options: str) -> tuple[str, Path]:
    repository, out = begun(ftgate, root, NODES)
    store = root / "the store"
    said = ftgate("launch", *options, "--repo", repository, "--out", out, "--store", store)
    assert said.code == 0, said.err
    return said.out, store


def test_slurm_gets_a_script_with_a_job_for_each_arm(ftgate: Command, tmp_path: Path) -> None:
    text, store = launch(
        ftgate, tmp_path, "--for", "slurm", "--sbatch", "partition=gpu", "--python", "/opt/py"
    )
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    assert "#SBATCH --nodes=2" in text and "#SBATCH --partition=gpu" in text
    assert "exec /opt/py -m torch.distributed.run --nnodes 2" in text
    assert "# training baseline" in text and "# training candidate" in text
    jobs = sorted(store.glob(f"work/*/launch/{job_file.JOB}"))
    assert len(jobs) == 2
    assert all(f"'{file}'" in text for file in jobs)
    read = [job_file.read_job(file) for file in jobs]
    assert {job.recipe.processes for job in read} == {4}
    # What one process would take in a step.
    assert {job.recipe.step_examples for job in read} == {8}
    assert {job.label for job in read} == {"training baseline", "training candidate"}


def test_the_run_waits_for_the_results_and_says_so(ftgate: Command, tmp_path: Path) -> None:
    _, store = launch(ftgate, tmp_path, "--for", "shell")
    said = ftgate("train", "--repo", tmp_path / "repository", "--out", tmp_path / "out", "--store", store)
    assert said.code == 2
    assert "2 nodes train it" in said.err and "ftgate launch --for slurm" in said.err
    assert not list(store.glob("trainings/*"))


@pytest.mark.slow
def test_what_the_script_has_trained_is_taken_up_and_never_launched_again(
    ftgate: Command, tmp_path: Path
) -> None:
    """One process on one node, so that the script itself trains it here; the files are those of any number."""
    repository, out = begun(ftgate, tmp_path, "training: {epochs: 1, launch: {processes: 2}}\n")
    store, options = tmp_path / "the store", ("--for", "shell", "--no-gpu", "--python", sys.executable)
    where = ("--repo", repository, "--out", out, "--store", store)
    text = ftgate("launch", *options, *where).out
    assert text.count("--nproc-per-node 2") == 1
    subprocess.run(["sh"], input=text, text=True, check=True, capture_output=True)
    assert len(list(store.glob("work/*/launch/result.json"))) == 2
    again = ftgate("launch", *options, *where)
    assert (again.out, again.code) == ("", 0)
    said = ftgate("train", *where)
    assert said.code == 0, said.err
    assert len(list(store.glob("trainings/*/record.json"))) == 2
    for record in store.glob("trainings/*/record.json"):
        training = DirectoryStore(store).find_training(record.parent.name)
        assert training is not None and training.recipe.processes == 2 and training.failure is None
    assert "nothing to launch" in ftgate("launch", *options, *where).err


def test_kubernetes_gets_documents_that_name_image_and_claim(ftgate: Command, tmp_path: Path) -> None:
    text, store = launch(
        ftgate,
        tmp_path,
        "--for",
        "kubernetes",
        "--image",
        "r.example/f:1",
        "--volume",
        f"ftgate={tmp_path}",
        "--no-gpu",
    )
    documents = list(YAML(typ="safe", pure=True).load_all(text))
    assert [document["kind"] for document in documents] == ["Service", "Job"] * 2
    pod = documents[1]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "r.example/f:1"
    assert pod["containers"][0]["command"][-1].startswith(str(store))
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "ftgate"}
    assert "resources" not in pod["containers"][0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--for", "kubernetes"), "--image and at least one --volume"),
        (("--for", "slurm", "--sbatch", "partition"), "NAME=VALUE is wanted"),
        (("--for", "slurm", "--sbatch", "bad name=x"), "is no option of sbatch"),
        (("--for", "slurm", "--sbatch", "comment=a\nb"), "cannot stand in a launch file"),
    ],
)
def test_what_cannot_be_written_is_refused(
    options: tuple[str, ...], said: str, ftgate: Command, tmp_path: Path
) -> None:
    repository, out = begun(ftgate, tmp_path, NODES)
    told = ftgate("launch", *options, "--repo", repository, "--out", out, "--store", tmp_path / "store")
    assert (told.code, told.out) == (2, "")
    assert said in told.err


def test_nodes_meet_in_no_bucket(ftgate: Command, tmp_path: Path) -> None:
    repository, out = begun(ftgate, tmp_path, NODES)
    where = ("--repo", repository, "--out", out, "--store", "s3://bucket/team")
    said = ftgate("launch", "--for", "slurm", *where)
    assert said.code == 2 and "a directory that all of them share" in said.err
    assert "--store /shared/ftgate" in said.err


def test_a_run_that_is_not_validated_has_nothing_to_launch(ftgate: Command, tmp_path: Path) -> None:
    repository, _ = begun(ftgate, tmp_path)
    said = ftgate("launch", "--for", "shell", "--repo", repository, "--out", tmp_path / "none")
    assert said.code == 2 and "there is no run.json" in said.err
