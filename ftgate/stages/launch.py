"""launch: what this run must train, written down for other machines."""

from collections.abc import Callable

from ftgate.errors import InputError
from ftgate.ports import Ports
from ftgate.stages.inputs import planned_settings
from ftgate.stages.pipeline import advance, concerned, stored
from ftgate.stages.train import train
from ftgate.values.launching import LaunchRequest, WrittenJob


def launch_request(ports: Ports, written: Callable[[], tuple[WrittenJob, ...]]) -> LaunchRequest | None:
    """The jobs that training would start with these ports, whose trainer only writes them; None when all is known.

    The run stays as it is. Raises InputError when it has nothing to train.
    """
    run = stored(ports.runs)
    if "preflight" not in run.stages and "validate" in run.stages and concerned(run, "preflight"):
        run = advance(run, "preflight", ports)
    if "validate" not in run.stages or not concerned(run, "train"):
        raise InputError(
            "this run has nothing to train: it is not validated, not concerned, or known to be wrong",
            advice=f"See `ftgate validate --out {ports.runs.where}` and `ftgate preflight --out {ports.runs.where}`.",
        )
    settings = planned_settings(ports, run.plan)
    if ports.hosted(settings) is not None:
        raise InputError(
            f"{settings.base_model} is trained by a service: there is nothing to launch",
            advice=f"Train it with `ftgate train --out {ports.runs.where}`.",
        )
    train(run, ports)
    jobs = written()
    if not jobs:
        return None
    return LaunchRequest(jobs=jobs, launch=settings.training.launch, python="", gpus=0, store="", collect="")
