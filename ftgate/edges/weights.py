"""Looks into weights before anything loads them: whose they are, what they are called, their shapes and numbers.

PEFT and transformers only warn about weights that do not fit, and then the base would be evaluated in disguise.
"""

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ftgate.edges.artefact import ADAPTER_WEIGHTS, covered
from ftgate.errors import OutsideError
from ftgate.values.training import ADAPTER_CONFIG, BaseModel

_DTYPES = ("F32", "BF16", "F16")
_AGAIN = "Delete its folder in the store; the next run trains it again."
_MUST_BE = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "bias": "none", "init_lora_weights": True}
_MAY_BE = (
    "base_model_name_or_path",
    "inference_mode",
    "lora_alpha",
    "lora_dropout",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "r",
    "revision",
    "target_modules",
    "use_rslora",
)
"""All that ftgate sets, and what means nothing without a setting that it never sets. Each other one changes what is
computed, or names code or further weights to load; a PEFT of tomorrow will have more of them."""


def demand_adapter(folder: Path, base: BaseModel) -> None:
    """Raises OutsideError unless this is a LoRA adapter of this base, as ftgate writes them, with finite weights."""
    if ADAPTER_WEIGHTS not in covered(folder):
        raise _refused(folder, "it is not an adapter")
    rank = _configured(folder, base)
    for key, tensor in _tensors(folder / ADAPTER_WEIGHTS):
        if not key.endswith((".lora_A.weight", ".lora_B.weight")):
            raise _refused(folder, f"foreign weights: {key}")
        shape = list(tensor.shape)
        if len(shape) != 2 or shape[0 if ".lora_A." in key else 1] != rank:
            raise _refused(folder, f"{key} has the shape {shape}, which is not of rank {rank}")
        demand_finite(folder, key, tensor)


def demand_fit(model: Any, folder: Path) -> None:
    """Raises OutsideError unless every LoRA pair of the adapter belongs to a module of this size, none is alone, and
    every module that its configuration names has one.

    `model` is the base, with or without adapters of PEFT around it.
    """
    modules = {_plain(name): module for name, module in model.named_modules()}
    found: dict[str, set[str]] = {}
    for key, tensor in _tensors(folder / ADAPTER_WEIGHTS):
        name, side = key.removeprefix("base_model.model.").rsplit(".lora_", 1)
        module = modules.get(name)
        size = getattr(module, "in_features" if side.startswith("A") else "out_features", None)
        if size is None:
            raise _misfit(folder, f"the base model has no linear module {name}")
        if tensor.shape[1 if side.startswith("A") else 0] != size:
            raise _misfit(folder, f"{key} has the shape {list(tensor.shape)}, the module takes {size}")
        found.setdefault(name, set()).add(side[0])
    alone = [name for name, sides in found.items() if len(sides) != 2]
    if alone or not found:
        raise _misfit(folder, f"{alone[0]} has one of two matrices" if alone else "it has no weights")
    _demand_as_configured(
        folder, [name for name, each in modules.items() if hasattr(each, "in_features")], found
    )


def _demand_as_configured(folder: Path, linear: Iterable[str], found: Container[str]) -> None:
    """PEFT leaves a module without weights as the base has it, and weights of a module that is not named unused."""
    targets = json.loads((folder / ADAPTER_CONFIG).read_bytes()).get("target_modules")
    if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
        raise _misfit(folder, f"its target_modules are {targets!r}, no list of names")
    ends = tuple(f".{target}" for target in targets)
    for name in linear:
        named = f".{name}".endswith(ends)
        if named and name not in found:
            raise _misfit(folder, f"{name} has no weights, and the configuration names it")
        if name in found and not named:
            raise _misfit(folder, f"{name} has weights, and the configuration does not name it")


def demand_finite(folder: Path, name: str, tensor: Any) -> None:
    """Raises OutsideError for NaN and infinity: such weights answer, and their answers mean nothing."""
    if not bool(tensor.isfinite().all()):
        raise _refused(folder, f"{name} is not finite")


def lora_b_norm(adapter: Path | None) -> float | None:
    """Euclidean norm over all LoRA-B weights: zero for an adapter that was never trained."""
    if adapter is None:
        return None
    squares = (
        float(t.float().pow(2).sum()) for key, t in _tensors(adapter / ADAPTER_WEIGHTS) if "lora_B" in key
    )
    return float(sum(squares) ** 0.5)


def distance(model: Path, base: Path) -> float:
    """Euclidean norm of what training added to all weights of a model: zero for one that was never trained.

    Weights under a name that the base does not have (a head that shares the embeddings) are left out.
    """
    from safetensors import safe_open

    where: dict[str, Path] = {}
    for file in sorted(base.glob("*.safetensors")):
        with safe_open(str(file), "pt") as weights:
            where |= dict.fromkeys(weights.keys(), file)
    total, compared = 0.0, 0
    for file in sorted(model.glob("*.safetensors")):
        for key, tensor in _tensors(file):
            if key in where:
                with safe_open(str(where[key]), "pt") as weights:
                    total += float((tensor.float() - weights.get_tensor(key).float()).pow(2).sum())
                compared += 1
    if not compared:
        raise _misfit(model, "none of its weights has a name of the base model's")
    return float(total**0.5)


def _configured(folder: Path, base: BaseModel) -> int:
    """The rank. Raises OutsideError for a configuration that is not one of ftgate's adapters of this base."""
    try:
        plain: Any = json.loads((folder / ADAPTER_CONFIG).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(folder, f"{ADAPTER_CONFIG} cannot be read: {error}") from error
    if not isinstance(plain, Mapping):
        raise _refused(folder, f"{ADAPTER_CONFIG} is no object")
    for key, value in _MUST_BE.items():
        if plain.get(key) != value:
            raise _refused(folder, f"its {key} is {plain.get(key)!r}, not {value}")
    for key, value in plain.items():
        if value and key not in _MUST_BE and key not in _MAY_BE:
            raise _refused(folder, f"its configuration sets {key}")
    of = plain.get("base_model_name_or_path"), plain.get("revision")
    if of[0] != base.name or of[1] not in (base.revision, None):
        raise _refused(folder, f"it belongs to the base model {of[0]!r} at {of[1]!r}, not to {base.name}")
    rank = plain.get("r")
    if not isinstance(rank, int) or rank < 1:
        raise _refused(folder, f"its rank is {rank!r}")
    return rank


def _tensors(file: Path) -> Iterator[tuple[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(file), "pt") as weights:
            for key in sorted(weights.keys()):
                if (dtype := weights.get_slice(key).get_dtype()) not in _DTYPES:
                    raise _refused(file.parent, f"{key} has the type {dtype}")
                yield key, weights.get_tensor(key)
    except (OSError, SafetensorError) as error:
        raise OutsideError(f"{file}: not readable weights: {error}", advice=_AGAIN) from error


def _plain(name: str) -> str:
    """PEFT wraps a linear module: its name without the wrapping."""
    return name.removeprefix("base_model.model.").removesuffix(".base_layer")


def _refused(folder: Path, why: str) -> OutsideError:
    return OutsideError(f"{folder}: the artefact is refused: {why}", advice=_AGAIN)


def _misfit(folder: Path, why: str) -> OutsideError:
    return OutsideError(f"{folder}: it does not fit the base model: {why}", advice=_AGAIN)
