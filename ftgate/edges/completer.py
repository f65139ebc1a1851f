"""Completions by transformers: one loaded base for all arms, same batches, same dtype.

Batches are static. transformers can batch continuously (`generate_batch`), which follows PEFT's adapters and gave the
same tokens as `generate` on a small model; but it was never seen to do so with bitsandbytes' NF4 on a GPU, where it
would pay, and on a CPU it is slower by far. Whoever wants continuous batching has `evaluation.engine: server`.
"""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from ftgate.edges import loading
from ftgate.edges.tokens import prompt_ids
from ftgate.errors import OutsideError
from ftgate.ports import CompletionJob, Progress, Sampling
from ftgate.values.evaluation import Completion, Prompt, Sentinel

_PROBES = 4  # prompts on which the sentinel compares logits
_BATCHES = "static, sorted by length, padded left"


class LocalCompleter:
    """Port Completer. Keeps the base and every adapter loaded until another base is asked for."""

    def __init__(self) -> None:
        self._loaded: tuple[str, str] | None = None
        self._model: Any = None
        self._tokenizer: Any = None

    def versions(self) -> Mapping[str, str]:
        """Libraries, device and dtype. Attention follows from transformers and torch, quantisation from the method."""
        libraries = loading.versions()
        engine = f"transformers {libraries['transformers']}"
        return {**libraries, "engine": engine, "batches": _BATCHES, **_device()}

    def complete(self, job: CompletionJob, progress: Progress) -> list[Completion]:
        with loading.quiet():
            model = self._prepare(job)
            rendered = [prompt_ids(self._tokenizer, prompt.messages) for prompt in job.prompts]
            # Sorted by length once, the same for every arm: padding, and with it rounding, cannot differ by arm.
            order = sorted(range(len(rendered)), key=lambda index: (len(rendered[index]), index))
            answers: dict[int, Completion] = {}
            with progress.task(job.label, len(order)) as task, self._base(model, job), _drawing(job.sampling):
                for start in range(0, len(order), job.batch_size):
                    batch = order[start : start + job.batch_size]
                    texts = self._generate(model, [rendered[index] for index in batch], job)
                    answers.update(zip(batch, texts, strict=True))
                    task.advance(len(batch))
            return [answers[index] for index in range(len(rendered))]

    def prompt_tokens(self, job: CompletionJob) -> list[int]:
        """How many tokens each prompt of a job has."""
        with loading.quiet():
            self._prepare(job)
            return [len(prompt_ids(self._tokenizer, prompt.messages)) for prompt in job.prompts]

    def sentinel(self, job: CompletionJob) -> Sentinel:
        with loading.quiet():
            model = self._prepare(job)
            probes = job.prompts[:_PROBES]
            difference = max((self._difference(model, prompt) for prompt in probes), default=None)
            return Sentinel(lora_b_norm=lora_b_norm(job.adapter), logit_difference=difference)

    def _prepare(self, job: CompletionJob) -> Any:
        wanted = (job.base_model.sha256, job.method)
        if self._loaded != wanted:
            self._model = self._tokenizer = None
            gc.collect()
            self._tokenizer = loading.load_tokenizer(job.base_model, "left")
            self._model = loading.load_model(job.base_model, job.method).eval()
            self._loaded = wanted
        if job.adapter is not None:
            self._activate(job.adapter)
        return self._model

    def _activate(self, adapter: Path) -> None:
        from peft import PeftModel

        stored = loading.adapter_keys(adapter)
        # PEFT keeps adapters by name in a module tree, where a dot would cut the name.
        name = str(adapter).replace(".", "_")
        if not hasattr(self._model, "peft_config"):
            self._model = PeftModel.from_pretrained(self._model, str(adapter), adapter_name=name).eval()
        elif name not in self._model.peft_config:
            self._model.load_adapter(str(adapter), adapter_name=name)
        self._model.set_adapter(name)
        _demand_same_keys(self._model, name, stored, adapter)

    def _base(self, model: Any, job: CompletionJob) -> Any:
        if job.adapter is None and hasattr(model, "peft_config"):
            return model.disable_adapter()
        return nullcontext()

    def _generate(self, model: Any, batch: Sequence[list[int]], job: CompletionJob) -> list[Completion]:
        import torch
        from transformers import GenerationConfig

        ends = _end_tokens(model, self._tokenizer)
        inputs = self._tokenizer.pad({"input_ids": list(batch)}, return_tensors="pt").to(model.device)
        config = GenerationConfig(
            **_decoding(job.sampling),
            max_new_tokens=job.max_new_tokens,
            eos_token_id=ends,
            pad_token_id=self._tokenizer.pad_token_id,
        )
        with torch.inference_mode():
            produced = model.generate(**inputs, generation_config=config)
        width = inputs["input_ids"].shape[1]
        return [self._completion(tokens, ends) for tokens in produced[:, width:].tolist()]

    def _completion(self, tokens: list[int], ends: list[int]) -> Completion:
        stop = next((index for index, token in enumerate(tokens) if token in ends), None)
        kept = tokens if stop is None else tokens[:stop]
        text = self._tokenizer.decode(kept, skip_special_tokens=True)
        return Completion(text=text, finish="length" if stop is None else "stop", tokens=len(kept))

    def _difference(self, model: Any, prompt: Prompt) -> float:
        import torch

        ids = torch.tensor([prompt_ids(self._tokenizer, prompt.messages)], device=model.device)
        with torch.inference_mode():
            with_adapter = model(input_ids=ids, use_cache=False).logits[0, -1].float()
            with model.disable_adapter():
                without = model(input_ids=ids, use_cache=False).logits[0, -1].float()
        return float((with_adapter - without).abs().max())


def _device() -> dict[str, str]:
    """Kernels differ between generations of GPUs, not between two cards of one."""
    import torch

    if not torch.cuda.is_available():
        return {"device": "cpu", "dtype": "float32"}
    major, minor = torch.cuda.get_device_capability(0)
    return {"device": f"cuda sm_{major}{minor}", "dtype": "bfloat16"}


def _decoding(sampling: Sampling | None) -> dict[str, Any]:
    if sampling is None:
        return {"do_sample": False}
    # Nothing is cut off: what the model may say at this temperature is what users may get.
    return {"do_sample": True, "temperature": sampling.temperature, "top_k": 0, "top_p": 1.0}


@contextmanager
def _drawing(sampling: Sampling | None) -> Iterator[None]:
    """Random numbers of a job of their own: what was drawn before changes nothing, on any device."""
    import torch

    if sampling is None:
        yield
        return
    with torch.random.fork_rng():
        torch.manual_seed(sampling.seed)
        yield


def _end_tokens(model: Any, tokenizer: Any) -> list[int]:
    declared = model.generation_config.eos_token_id
    ends = declared if isinstance(declared, list) else [declared]
    return sorted({int(end) for end in [*ends, tokenizer.eos_token_id] if end is not None})


def lora_b_norm(adapter: Path | None) -> float | None:
    """Euclidean norm over all LoRA-B weights: zero for an adapter that was never trained."""
    from safetensors import safe_open

    if adapter is None:
        return None
    total = 0.0
    with safe_open(str(adapter / "adapter_model.safetensors"), "pt") as weights:
        for key in weights.keys():  # noqa: SIM118 - a safetensors file is no mapping
            if "lora_B" in key:
                total += float(weights.get_tensor(key).float().pow(2).sum())
    return float(total**0.5)


def _demand_same_keys(model: Any, name: str, stored: set[str], adapter: Path) -> None:
    """PEFT only warns about keys that do not match, and then the base would be evaluated in disguise."""
    expected = {key.replace(f".{name}.", ".") for key in model.state_dict() if f".{name}." in key}
    if expected != stored:
        odd = sorted(expected ^ stored)[0]
        raise OutsideError(
            f"{adapter}: the adapter does not fit the base model ({len(expected ^ stored)} keys differ, e.g. {odd})",
            advice="Delete its folder in the store; the next run trains it again.",
        )
