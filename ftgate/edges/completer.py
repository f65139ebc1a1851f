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

from msgspec.structs import replace

from ftgate.edges import loading
from ftgate.edges.artefact import is_adapter
from ftgate.edges.tokens import prompt_ids
from ftgate.edges.weights import demand_adapter, demand_fit, distance, lora_b_norm
from ftgate.edges.whole_model import load_whole
from ftgate.errors import OutsideError
from ftgate.ports import CompletionJob, Progress, Sampling
from ftgate.values.evaluation import Completion, Prompt, Sentinel
from ftgate.values.training import BaseModel

_PROBES = 4  # prompts on which the sentinel compares logits
_BATCHES = "static, sorted by length, padded left"


class LocalCompleter:
    """Port Completer. Keeps the base and every adapter loaded until another base is asked for.

    A model that is whole by itself (all weights trained, or merged) takes the place of the base: one is loaded at a
    time.
    """

    def __init__(self) -> None:
        self._loaded: tuple[str, str] | None = None
        self._checked: set[Path] = set()
        self._base_logits: dict[tuple[str, ...], list[Any]] = {}
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
        """A whole model is compared with the base, which is loaded after it, once for all arms."""
        with loading.quiet():
            model, probes = self._prepare(job), job.prompts[:_PROBES]
            tuned = [self._logits(model, prompt) for prompt in probes]
            if self._whole(job) is None:
                with model.disable_adapter():
                    untuned = [self._logits(model, prompt) for prompt in probes]
            else:
                untuned = self._of_base(job)
            apart = [float((one - other).abs().max()) for one, other in zip(tuned, untuned, strict=True)]
            return Sentinel(lora_b_norm=_learned(job), logit_difference=max(apart, default=None))

    def _of_base(self, job: CompletionJob) -> list[Any]:
        ids = tuple(prompt.id for prompt in job.prompts[:_PROBES])
        known = (job.base_model.sha256, job.method, *ids)
        if known not in self._base_logits:
            base = self._prepare(replace(job, adapter=None, merged=None))
            self._base_logits[known] = [self._logits(base, prompt) for prompt in job.prompts[:_PROBES]]
        return self._base_logits[known]

    def _prepare(self, job: CompletionJob) -> Any:
        whole = self._whole(job)
        wanted = (job.base_model.sha256, job.method if whole is None else str(whole))
        if self._loaded != wanted:
            self._model = self._tokenizer = self._loaded = None
            free()
            self._tokenizer = loading.load_tokenizer(job.base_model, "left")
            if whole is None:
                self._model = loading.load_model(job.base_model, job.method).eval()
            else:
                self._model = load_whole(whole, job.base_model)
            self._loaded = wanted
        if whole is None and job.adapter is not None:
            self._activate(job.adapter, job.base_model)
        return self._model

    def _whole(self, job: CompletionJob) -> Path | None:
        """The folder of the model that is asked instead of the base, where there is one."""
        if job.merged is not None:
            return job.merged
        return None if job.adapter is None or is_adapter(job.adapter) else job.adapter

    def _activate(self, adapter: Path, base: BaseModel) -> None:
        from peft import PeftModel

        if adapter not in self._checked:
            demand_adapter(adapter, base)
            demand_fit(self._model, adapter)
            self._checked.add(adapter)
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

    def _logits(self, model: Any, prompt: Prompt) -> Any:
        """Of the token after a prompt: vocabulary, float32, on the CPU."""
        import torch

        ids = torch.tensor([prompt_ids(self._tokenizer, prompt.messages)], device=model.device)
        with torch.inference_mode():
            return model(input_ids=ids, use_cache=False).logits[0, -1].float().cpu()


def free() -> None:
    """What was loaded before, on the GPU too: two models may not fit."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _learned(job: CompletionJob) -> float | None:
    """Zero where nothing was learned: of the adapter, merged or not, else of all weights."""
    if job.adapter is None or is_adapter(job.adapter):
        return lora_b_norm(job.adapter)
    return distance(job.adapter, Path(job.base_model.location))


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


def _demand_same_keys(model: Any, name: str, stored: set[str], adapter: Path) -> None:
    """PEFT only warns about keys that do not match, and then the base would be evaluated in disguise."""
    expected = {key.replace(f".{name}.", ".") for key in model.state_dict() if f".{name}." in key}
    if expected != stored:
        odd = sorted(expected ^ stored)[0]
        raise OutsideError(
            f"{adapter}: the adapter does not fit the base model ({len(expected ^ stored)} keys differ, e.g. {odd})",
            advice="Delete its folder in the store; the next run trains it again.",
        )
