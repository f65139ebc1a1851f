"""What a tracker is told of a training, and which options it takes. No text of an example is ever among it."""

import difflib
from collections.abc import Mapping, Sequence

import msgspec

from ftgate.values.dataset import Example, dataset_digest
from ftgate.values.training import BaseModel, Recipe
from ftgate.values.training_settings import Tracker

OPTIONS: Mapping[str, str] = {
    "project": "name of the project: wandb, trackio; of the experiment: mlflow",
    "directory": "where local files go: wandb, tensorboard, mlflow without a tracking_uri",
    "entity": "team or user: wandb",
    "mode": "online, offline or shared: wandb",
    "tracking_uri": "the server or database: mlflow",
    "space": "OWNER/NAME of a Hugging Face Space: trackio",
}
"""What `training.tracker_options` may hold; each tracker takes what is its own."""

PROJECT = "ftgate"
DIRECTORY = "ftgate-trackers"
_NAME = 12  # hex digits of a key that a person compares

Scalar = str | int | float | bool


def problems(report_to: Sequence[Tracker], options: Mapping[str, str]) -> list[str]:
    """What is wrong with the options; empty when nothing is."""
    found = []
    for name in options:
        if name not in OPTIONS:
            near = difflib.get_close_matches(name, OPTIONS, n=1)
            said = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(OPTIONS)}"
            found.append(f"training.tracker_options: unknown option {name!r}: {said}")
    if options and not report_to:
        found.append("training.tracker_options are given, and training.report_to names no tracker")
    return found


def run_name(label: str, key: str) -> str:
    """What a person finds the training by: `training candidate 3f2a…`."""
    return f"{label} {key[:_NAME]}"


def about(
    key: str,
    commit: str,
    base_model: BaseModel,
    recipe: Recipe,
    data: tuple[Sequence[Example], Sequence[Example]],
) -> dict[str, Scalar]:
    """Recipe and digests, flat. `data` is training examples and held-out ones, of which only number and digest are
    told."""
    settings = msgspec.to_builtins(recipe)
    del settings["reasons"]
    examples, held_out = data
    return {
        "key": key,
        "commit": commit,
        "base_model": base_model.name,
        "base_revision": base_model.revision,
        "base_sha256": base_model.sha256,
        "examples": len(examples),
        "data_sha256": dataset_digest(examples),
        "held_out_examples": len(held_out),
        "held_out_sha256": dataset_digest(held_out),
        **{f"recipe/{name}": value for name, value in settings.items()},
    }
