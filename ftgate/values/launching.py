"""What is written for another machine to train."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from ftgate.values.training import Recipe
from ftgate.values.training_settings import Launch

Scheduler = Literal["slurm", "kubernetes", "shell"]


class WrittenJob(Struct, frozen=True, kw_only=True):
    """A training that waits to be run: `key` names it, `file` is its job.json as all nodes see it."""

    key: str
    label: str
    file: str
    recipe: Recipe


class LaunchRequest(Struct, frozen=True, kw_only=True):
    """What a launch file is rendered from.

    `gpus` is those of one node, 0 on processors. `store` is the directory that all nodes share, `volumes` the
    Kubernetes claims by the path they are mounted at, `directives` further lines for Slurm (`partition`: `gpu`).
    `collect` is the command that continues the run afterwards.
    """

    jobs: tuple[WrittenJob, ...]
    launch: Launch
    python: str
    gpus: int
    store: str
    collect: str
    image: str = ""
    volumes: Mapping[str, str] = {}
    directives: Mapping[str, str] = {}
