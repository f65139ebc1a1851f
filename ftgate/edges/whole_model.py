"""Loads a model that is whole by itself: every weight was trained, or an adapter was merged into it."""

import json
from pathlib import Path
from typing import Any

from ftgate.edges.weights import demand_finite
from ftgate.errors import OutsideError
from ftgate.values.training import BaseModel

_AGAIN = "Delete it; the next run makes it again from what is stored."


def load_whole(folder: Path, base: BaseModel) -> Any:
    """The model in `folder`: 16 bit on a GPU, 32 bit on a CPU. Raises OutsideError unless it has the architecture of
    the base, all of its weights and no other, each finite. No code of a model is ever run."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    _demand_same_kind(folder, base)
    on_gpu = torch.cuda.is_available()
    if not on_gpu:
        torch.set_num_threads(1)
    try:
        model, told = AutoModelForCausalLM.from_pretrained(
            str(folder),
            dtype=torch.bfloat16 if on_gpu else torch.float32,
            device_map={"": 0 if on_gpu else "cpu"},
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise _refused(folder, f"it cannot be loaded: {error}") from error
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if odd := sorted(map(str, told.get(what) or ())):
            raise _refused(folder, f"{len(odd)} {what.replace('_', ' ')}, e.g. {odd[0]}")
    for name, parameter in model.named_parameters():
        demand_finite(folder, name, parameter)
    return model.eval()


def _demand_same_kind(folder: Path, base: BaseModel) -> None:
    own, of_base = _config(folder), _config(Path(base.location))
    for key in ("auto_map", "quantization_config"):
        if own.get(key):
            raise _refused(folder, f"its config.json sets {key}")
    for key in ("architectures", "model_type", "vocab_size"):
        if own.get(key) != of_base.get(key):
            raise _refused(
                folder, f"its {key} is {own.get(key)!r}, that of {base.name} is {of_base.get(key)!r}"
            )


def _config(folder: Path) -> dict[str, Any]:
    try:
        plain = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(folder, f"config.json cannot be read: {error}") from error
    if not isinstance(plain, dict):
        raise _refused(folder, "config.json is no object")
    return plain


def _refused(folder: Path, why: str) -> OutsideError:
    return OutsideError(f"{folder}: the model is refused: {why}", advice=_AGAIN)
