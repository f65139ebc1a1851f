"""Loads the base model the same way for training and for every arm: same quantisation, dtype and device."""

import logging
import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from ftgate.errors import InputError, OutsideError
from ftgate.values.training import BaseModel

_FETCH = "Fetch the base model again, or choose another base_model; code that a model brings is never run."
_SMALLER = (
    "Its weights do not fit: take training.method: qlora, a smaller base_model, or a GPU with more memory, and see "
    "that nothing else runs on it."
)
_OUT_OF_MEMORY = (
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "can't allocate memory",
    "not enough memory",
)
_LIBRARIES = ("torch", "transformers", "peft", "trl", "bitsandbytes", "datasets", "accelerate", "tokenizers")


def versions() -> dict[str, str]:
    """Versions of the training stack. Raises InputError when it is not installed."""
    try:
        return {name: metadata.version(name) for name in _LIBRARIES}
    except metadata.PackageNotFoundError as error:
        raise InputError(
            f"training needs {error.name}, which is not installed",
            advice="Install the training stack, in the clone of ftgate: pip install '.[train]'",
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps the libraries' own chatter and progress bars off the screen; errors still come as exceptions.

    TRL tells huggingface.co about every trainer that is made (model type, GPU, number of processes): not from here.
    """
    import datasets
    import huggingface_hub.constants
    import transformers

    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in ("trl", "peft", "accelerate", "bitsandbytes", "torch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def load_tokenizer(base: BaseModel, padding_side: str) -> Any:
    """The base model's own tokenizer, with a pad token."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            base.location, padding_side=padding_side, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutsideError(f"{base.name}: the tokenizer cannot be loaded: {error}", advice=_FETCH) from error
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise OutsideError(f"{base.name}: the tokenizer has no vocabulary", advice=_FETCH)
    if tokenizer.chat_template is None:
        raise InputError(
            f"{base.name}: the tokenizer has no chat template",
            advice="Choose a chat model as base_model: training and inference must share its template.",
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(
    base: BaseModel,
    method: str,
    *,
    dtype: str | None = None,
    quant_storage: str = "uint8",
    gpu: int | None = 0,
) -> Any:
    """The base model: NF4 with double quantisation for qlora, else as it is.

    `dtype` is that of weights that are not quantised and of computing: bfloat16 on a GPU and float32 elsewhere unless
    it is given. `quant_storage` is what 4-bit weights are packed in. `gpu` is None where
    FSDP is to place the weights. Raises OutsideError when weights are damaged or
    memory does not suffice.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    on_gpu = torch.cuda.is_available()
    if not on_gpu:
        # Tiny quantised matrix products lose more to thread hand-over than they gain.
        torch.set_num_threads(1)
    chosen = getattr(torch, dtype or ("bfloat16" if on_gpu else "float32"))
    quantisation = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=chosen,
        bnb_4bit_quant_storage=getattr(torch, quant_storage),
    )
    try:
        return AutoModelForCausalLM.from_pretrained(
            base.location,
            dtype=chosen,
            quantization_config=quantisation if method == "qlora" else None,
            device_map=None if on_gpu and gpu is None else {"": gpu if on_gpu else "cpu"},
            use_safetensors=True,
            trust_remote_code=False,
        )
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        short = isinstance(error, RuntimeError) and out_of_memory(error)
        raise OutsideError(
            f"{base.name}: the model cannot be loaded: {error}", advice=_SMALLER if short else _FETCH
        ) from error


def out_of_memory(error: RuntimeError) -> bool:
    """Whether memory did not suffice: PyTorch says it in several ways, and not all have a type of their own."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or any(said in str(error) for said in _OUT_OF_MEMORY)


def hardware() -> str:
    """What this process computes on, for a person."""
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name(torch.cuda.current_device()))
    return f"{_processor()}, 1 thread"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def adapter_keys(adapter: Path) -> set[str]:
    """Names of the weights in an adapter directory. Raises OutsideError when it is not a readable adapter."""
    from safetensors import SafetensorError, safe_open

    file = adapter / "adapter_model.safetensors"
    try:
        with safe_open(str(file), "pt") as weights:
            return set(weights.keys())
    except (OSError, SafetensorError) as error:
        raise OutsideError(
            f"{file}: not a readable adapter: {error}",
            advice="Delete its folder in the store; the next run trains it again.",
        ) from error
