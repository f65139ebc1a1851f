"""A recipe of several processes, and a request for a launch file."""

from typing import Any

from msgspec.structs import replace

from ftgate.decide.recipe import resolve
from ftgate.values.launching import LaunchRequest, WrittenJob
from ftgate.values.training import BaseModel, Basis, Recipe
from ftgate.values.training_settings import Launch, TrainingSettings

BASE = BaseModel(
    name="m/8b", revision="r", sha256="b" * 64, parameters=8_000_000_000, location="/m", max_length=8192
)


def recipe(processes: int = 2, **changes: Any) -> Recipe:
    resolved = resolve(TrainingSettings(), BASE, Basis(examples=500))
    return replace(resolved, **{"processes": processes, "strategy": "ddp", **changes})


def request(launch: Launch, **changes: Any) -> LaunchRequest:
    chosen = recipe(
        launch.processes * launch.nodes,
        batch_size=2,
        accumulation=1,
        strategy=launch.strategy,
        quant_storage=launch.quant_storage,
    )
    jobs = tuple(
        WrittenJob(
            key=letter * 64,
            label=f"training {name}",
            file=f"/shared/ft gate/work/{letter * 64}/launch/job.json",
            recipe=chosen,
        )
        for letter, name in (("a", "baseline"), ("c", "candidate"))
    )
    fields: dict[str, Any] = {
        "jobs": jobs,
        "launch": launch,
        "python": "/opt/ftgate/bin/python",
        "gpus": launch.processes,
        "store": "/shared/ft gate",
        "collect": "ftgate train --out out --store '/shared/ft gate'",
        "image": "registry.example/ftgate:1",
        "volumes": {"/shared/ft gate": "ftgate"},
        "directives": {"partition": "gpu", "time": "2:00:00"},
    }
    return LaunchRequest(**{**fields, **changes})
