"""ftgate launch: a file that trains this run's adapters on other machines."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ftgate.cli import options
from ftgate.errors import ExitCode, InputError, SettingsError

if TYPE_CHECKING:
    from ftgate.values.launching import LaunchRequest, Scheduler


@click.command(
    epilog="""\b
Examples:
  ftgate launch --for slurm --store /shared/ftgate > train.sbatch
  sbatch train.sbatch && ftgate train --store /shared/ftgate        (once the job has ended)
  ftgate launch --for slurm --sbatch partition=gpu --sbatch time=2:00:00 --store /shared/ftgate
  ftgate launch --for kubernetes --image registry.example/ftgate:1 --volume ftgate=/shared --store /shared/ftgate
  ftgate launch --for shell > train.sh"""
)
@click.option(
    "--for",
    "scheduler",
    type=click.Choice(["slurm", "kubernetes", "shell"]),
    required=True,
    help="Who starts it.",
)
@options.repo
@options.out
@options.store
@click.option(
    "--python", metavar="PATH", default="python3", show_default=True, help="Interpreter of the nodes."
)
@click.option("--no-gpu", is_flag=True, help="Ask for no GPU: the nodes train on their processors.")
@click.option("--sbatch", multiple=True, metavar="NAME=VALUE", help="A further line for Slurm; repeatable.")
@click.option("--image", metavar="NAME", default="", help="Container image with ftgate (kubernetes).")
@click.option(
    "--volume", multiple=True, metavar="CLAIM=PATH", help="Claim to mount (kubernetes); repeatable."
)
@options.quiet
def launch(
    scheduler: "Scheduler",
    repo: Path,
    out: Path,
    store: Path | str | None,
    python: str,
    no_gpu: bool,
    sbatch: tuple[str, ...],
    image: str,
    volume: tuple[str, ...],
    quiet: bool,
) -> int:
    """Prints a launch file for another machine or several.

    Writes the job of each adapter that this run must train into the store, which all nodes share, and prints a file
    that a person submits. Afterwards `ftgate train` takes the results up and the run goes on.
    """
    from ftgate.cli import wiring
    from ftgate.stages.launch import launch_request

    if scheduler == "kubernetes" and not (image and volume):
        raise InputError(
            "--for kubernetes needs --image and at least one --volume",
            advice="e.g. --image registry.example/ftgate:1 --volume ftgate=/shared",
        )
    if isinstance(store, str):
        raise SettingsError(
            f"--store {store}: nodes train in a directory that all of them share, not at a URL",
            advice="Name one, e.g. --store /shared/ftgate.",
        )
    root = (store or wiring.default_store()).resolve()
    ports, writer = wiring.job_writer(repo, out=out, store=root, quiet=quiet)
    request = launch_request(ports, lambda: tuple(writer.written.values()))
    if request is None:
        ports.progress.say("nothing to launch: every adapter of this run is known")
        return ExitCode.PASS
    from msgspec.structs import replace

    request = replace(
        request,
        python=python,
        gpus=0 if no_gpu else request.launch.processes,
        store=str(root),
        collect=shlex.join(
            ["ftgate", "train", "--out", str(out), *(["--store", str(store)] if store else [])]
        ),
        image=image,
        volumes={path: claim for claim, path in _pairs("--volume", volume)},
        directives=dict(_pairs("--sbatch", sbatch)),
    )
    click.echo(_rendered(scheduler, request), nl=False)
    ports.progress.say(f"Submit it; when it has ended: {request.collect}")
    return ExitCode.PASS


def _rendered(scheduler: "Scheduler", request: "LaunchRequest") -> str:
    from ftgate.decide import launch_files
    from ftgate.edges.manifests import manifest_text

    try:
        if scheduler == "slurm":
            return launch_files.slurm(request)
        if scheduler == "shell":
            return launch_files.script(request)
        return manifest_text(launch_files.kubernetes(request))
    except ValueError as error:
        raise SettingsError(str(error), advice="Change it: the file would not say what is meant.") from error


def _pairs(option: str, given: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in given]
    for name, sign, value in pairs:
        if not (name and sign and value):
            raise InputError(f"{option} {name}{sign}{value}: NAME=VALUE is wanted")
    return [(name, value) for name, _, value in pairs]
