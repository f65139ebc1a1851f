"""Launch files as text, for a person to read and to submit: a Slurm script, a Kubernetes manifest, a plain script.

Each has a plan for signals: whoever stops it sends SIGTERM early enough that all ranks save, and the next start goes on
from there. The number of processes is the recipe's, so that the examples of a step stay the same.
"""

import re
from collections.abc import Mapping
from shlex import quote
from typing import Any

from ftgate.decide.launch import (
    NO_TELEMETRY,
    OWN_STORE,
    Meeting,
    Raw,
    command,
    fsdp_environment,
    plain,
    shell,
)
from ftgate.values.launching import LaunchRequest, WrittenJob

GRACE = 60
"""Seconds between the signal and the end: a checkpoint of an adapter takes a few."""

PORT = 29_500
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")
_DIRECTIVE = re.compile(r"[a-z][a-z-]*")
_SECRETS = "OPENAI_API_KEY GITHUB_TOKEN GH_TOKEN ACTIONS_RUNTIME_TOKEN"

_TRAIN = """\
running=
stopped=
# shellcheck disable=SC2329 # the trap calls it
stop() {
  stopped=1
  # Every rank saves a checkpoint and ends; a second signal would cut that short.
  [ -z "$running" ] || kill -TERM "$running" 2>/dev/null || true
}
trap stop TERM INT

train() {
  [ -z "$stopped" ] || return 0
  # shellcheck disable=SC2016 # each node expands it for itself
  %s &
  running=$!
  # A signal ends `wait` early: it is asked again until the process has really gone.
  while :; do
    status=0
    wait "$running" || status=$?
    kill -0 "$running" 2>/dev/null || break
  done
  running=
  [ "$status" -eq 0 ] || failed=$status
}

failed=0
"""


def slurm(request: LaunchRequest) -> str:
    """An sbatch script. Raises ValueError when a value cannot stand in it."""
    first = request.jobs[0]
    directives: dict[str, Any] = {
        "job-name": f"ftgate-{first.key[:12]}",
        "nodes": request.launch.nodes,
        "ntasks-per-node": 1,
        **({"gpus-per-node": request.gpus} if request.gpus else {}),
        "signal": f"B:TERM@{GRACE}",
        "open-mode": "append",
        **request.directives,
    }
    lines = [_directive(name, value) for name, value in directives.items()]
    return "\n".join(
        [
            "#!/bin/bash",
            *lines,
            "#SBATCH --requeue",
            *_about(request, f"sbatch FILE, then: {request.collect}"),
            "set -euo pipefail",
            "",
            'FTGATE_HOST=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed -n 1p)',
            f"FTGATE_PORT=$(({_port(request)} + SLURM_JOB_ID % 1000))",
            "export FTGATE_HOST FTGATE_PORT",
            *_exports(request),
            "",
            _TRAIN
            % _in_shell(request, "srun --kill-on-bad-exit=0 bash -c", "$SLURM_JOB_ID", "$SLURM_NODEID"),
            *_calls(request),
            'if [ -n "$stopped" ]; then',
            "  # Out of time, or preempted: the same job goes on later from the checkpoint.",
            '  scontrol requeue "$SLURM_JOB_ID"',
            "fi",
            'exit "$failed"',
            "",
        ]
    )


def script(request: LaunchRequest) -> str:
    """A POSIX script, started once on every node."""
    several = request.launch.nodes > 1
    meeting = [
        f'FTGATE_HOST="${{FTGATE_HOST:{_host(request)}}}"',
        f'FTGATE_PORT="${{FTGATE_PORT:-{_port(request)}}}"',
        'FTGATE_NODE="${FTGATE_NODE:?the number of this node, from 0}"',
        "export FTGATE_HOST FTGATE_PORT FTGATE_NODE",
    ]
    start = "FTGATE_NODE=0 sh FILE (1, 2, ... on the others)" if several else "sh FILE"
    return "\n".join(
        [
            "#!/bin/sh",
            *_about(request, f"{start}, then: {request.collect}"),
            "set -eu",
            *(["", *meeting] if several else []),
            *_exports(request),
            "",
            _TRAIN % _in_shell(request, "sh -c", f"ftgate-{request.jobs[0].key[:12]}", "$FTGATE_NODE"),
            *_calls(request),
            'exit "$failed"',
            "",
        ]
    )


def kubernetes(request: LaunchRequest) -> list[dict[str, Any]]:
    """The documents of a manifest: for each training an indexed Job, and a headless Service where nodes must meet."""
    documents: list[dict[str, Any]] = []
    for job in request.jobs:
        name = f"ftgate-{job.key[:12]}"
        if request.launch.nodes > 1:
            documents.append(_service(name))
        documents.append(_job(request, job, name))
    return documents


def _service(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": _labels(name)},
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {"batch.kubernetes.io/job-name": name},
            "ports": [{"name": "rendezvous", "port": PORT}],
        },
    }


def _job(request: LaunchRequest, job: WrittenJob, name: str) -> dict[str, Any]:
    nodes = request.launch.nodes
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": _labels(name)},
        "spec": {
            "completions": nodes,
            "parallelism": nodes,
            "completionMode": "Indexed",
            "backoffLimit": nodes * (request.launch.max_restarts + 1),
            # A pod that was moved away has not failed: it goes on from the checkpoint.
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
                ]
            },
            "template": {"metadata": {"labels": _labels(name)}, "spec": _pod(request, job, name)},
        },
    }


def _pod(request: LaunchRequest, job: WrittenJob, name: str) -> dict[str, Any]:
    meeting = Meeting(host=f"{name}-0.{name}", port=str(PORT), id=name, rank=Raw("$(JOB_COMPLETION_INDEX)"))
    arguments = command(
        request.launch, job.recipe, request.python, (job.file,), meeting if request.launch.nodes > 1 else None
    )
    mounts = [{"name": f"shared-{n}", "mountPath": path} for n, path in enumerate(request.volumes)]
    claims = [
        {"name": f"shared-{n}", "persistentVolumeClaim": {"claimName": claim}}
        for n, claim in enumerate(request.volumes.values())
    ]
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "subdomain": name,
        "containers": [
            {
                "name": "train",
                "image": request.image,
                "command": [str(each) if isinstance(each, Raw) else _inert(each) for each in arguments],
                "env": [{"name": n, "value": _inert(v)} for n, v in _told(request).items()],
                **({"resources": {"limits": {"nvidia.com/gpu": str(request.gpus)}}} if request.gpus else {}),
                # Processes of one node speak through /dev/shm, of which a container has 64 MB.
                "volumeMounts": [*mounts, {"name": "shm", "mountPath": "/dev/shm"}],  # noqa: S108 - its name
            }
        ],
        "volumes": [*claims, {"name": "shm", "emptyDir": {"medium": "Memory"}}],
    }


def _labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "ftgate", "app.kubernetes.io/instance": name}


def _inert(text: str) -> str:
    """Kubernetes expands $(NAME) in commands and values; $$( is a plain one."""
    return str(text).replace("$(", "$$(")


def _told(request: LaunchRequest) -> Mapping[str, str]:
    fsdp = request.launch.launcher == "torchrun" and request.jobs[0].recipe.strategy == "fsdp"
    own = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    return {**NO_TELEMETRY, **OWN_STORE, **own, **(fsdp_environment() if fsdp else {})}


def _about(request: LaunchRequest, start: str) -> list[str]:
    recipe = request.jobs[0].recipe
    step = f"{recipe.batch_size} x {recipe.accumulation} accumulated x {recipe.processes} processes"
    return [
        "",
        f"# Start: {plain(start)}",
        "# Every node needs ftgate with its training stack and, at the same paths as here, the base model and",
        f"# {plain(request.store)}. A step takes {recipe.step_examples} examples: {step}.",
    ]


def _exports(request: LaunchRequest) -> list[str]:
    told = [f"export {name}={quote(value)}" for name, value in _told(request).items()]
    return [f"unset {_SECRETS} || true # workers read what a pull request brings", *told]


def _in_shell(request: LaunchRequest, starter: str, id: str, rank: str) -> str:
    """The command of one node; a shell on that node expands what differs there."""
    meeting = None
    if request.launch.nodes > 1:
        name = Raw(f'"{id}"') if id.startswith("$") else id
        meeting = Meeting(
            host=Raw('"$FTGATE_HOST"'), port=Raw('"$FTGATE_PORT"'), id=name, rank=Raw(f'"{rank}"')
        )
    line = shell(command(request.launch, request.jobs[0].recipe, request.python, (Raw('"$1"'),), meeting))
    return f'{starter} {quote("exec " + line)} ftgate "$1"'


def _calls(request: LaunchRequest) -> list[str]:
    return [f"train {quote(job.file)} # {plain(job.label)}" for job in request.jobs]


def _host(request: LaunchRequest) -> str:
    """What a shell takes when nobody names another host."""
    host = (request.launch.rendezvous or "").rpartition(":")[0]
    if not host:
        return "?the first node, as the others reach it"
    if not _HOST.fullmatch(host):
        raise ValueError(f"training.launch.rendezvous: {host!r} is no host")
    return f"-{host}"


def _port(request: LaunchRequest) -> int:
    port = (request.launch.rendezvous or "").rpartition(":")[2]
    return int(port) if port.isdigit() else PORT


def _directive(name: str, value: Any) -> str:
    if not _DIRECTIVE.fullmatch(name):
        raise ValueError(f"{name!r} is no option of sbatch")
    return f"#SBATCH --{name}={quote(plain(value))}"
