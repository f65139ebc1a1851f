"""Trains one adapter with TRL, PEFT and bitsandbytes. Stays at the trainer's edge: nothing is patched."""

import json
import math
import shutil
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from ftgate.edges import loading
from ftgate.edges.tokens import Tokenized, tokenize
from ftgate.errors import InputError, OutsideError
from ftgate.ports import Progress, Task, TrainingJob
from ftgate.values.training import BaseModel, LossPoint, Recipe, Training

_VERSION = "1"  # raised whenever this file changes what is learned from the same recipe
_COMPLETE = "ftgate.complete"
_POINTS = 40  # of a loss curve: what a chart can show


class QloraTrainer:
    """Port Trainer on this machine: the GPU when there is one, else one CPU thread."""

    def memory(self) -> int | None:
        """Of the first GPU."""
        import torch

        return int(torch.cuda.get_device_properties(0).total_memory) if torch.cuda.is_available() else None

    def versions(self) -> Mapping[str, str]:
        return {"ftgate-trainer": _VERSION, **loading.versions()}

    def train(self, job: TrainingJob, progress: Progress) -> Training:
        self.versions()
        with loading.quiet():
            return _train(job, progress)


def _train(job: TrainingJob, progress: Progress) -> Training:
    started = time.monotonic()
    tokenizer = loading.load_tokenizer(job.base_model, "right")
    blank = Training(
        key=job.key,
        commit=job.commit,
        adapter="",
        adapter_sha256="",
        examples=0,
        data_sha256="",
        recipe=job.recipe,
    )
    try:
        rendered = [tokenize(tokenizer, example) for example in job.examples]
        held_out = [tokenize(tokenizer, example) for example in job.held_out]
    except InputError as error:
        return _replace(blank, failure=error.message)
    examples = [r for r in rendered if r.trained and len(r.input_ids) <= job.recipe.max_length]
    training = _replace(blank, examples=len(examples), dropped=len(rendered) - len(examples))
    if not examples:
        return _replace(training, failure="no example fits into max_length with a trained token")
    per_epoch = math.ceil(len(examples) / (job.recipe.batch_size * job.recipe.accumulation))
    with progress.task(job.label, per_epoch * job.recipe.epochs) as task:
        watch = _Watch(task)
        trainer, result = _run(job, tokenizer, examples, held_out, watch)
    curve = _curve(trainer.state.log_history)
    failure = watch.failure or _not_finite(trainer.model, curve)
    if failure is None:
        _save(trainer.model, job.base_model, job.workspace / "adapter")
    return _replace(
        training,
        curve=curve,
        steps=int(result.global_step),
        tokens=sum(len(e.input_ids) for e in examples) * job.recipe.epochs,
        trained_tokens=sum(e.trained for e in examples) * job.recipe.epochs,
        seconds=round(time.monotonic() - started, 1),
        failure=failure,
    )


def _replace(training: Training, **changes: Any) -> Training:
    import msgspec

    return msgspec.structs.replace(training, **changes)


def _run(
    job: TrainingJob, tokenizer: Any, examples: list[Tokenized], held_out: list[Tokenized], watch: "_Watch"
) -> tuple[Any, Any]:
    import torch

    try:
        trainer = _build(job, tokenizer, examples, held_out, watch)
        return trainer, trainer.train(resume_from_checkpoint=_last_checkpoint(job.workspace))
    except torch.OutOfMemoryError as error:
        raise OutsideError(
            f"{job.label}: out of memory: {str(error).splitlines()[0]}",
            advice="Halve training.batch_size and double training.accumulation in the settings, then run it again.",
        ) from error


def _build(
    job: TrainingJob, tokenizer: Any, examples: list[Tokenized], held_out: list[Tokenized], watch: "_Watch"
) -> Any:
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback, set_seed
    from trl import SFTTrainer

    set_seed(job.recipe.seed)
    model = loading.load_model(job.base_model, job.recipe.method)
    trainer = SFTTrainer(
        model=model,
        args=_arguments(job, evaluated=bool(held_out)),
        train_dataset=Dataset.from_list([e._asdict() for e in examples]),
        eval_dataset=Dataset.from_list([e._asdict() for e in held_out]) if held_out else None,
        processing_class=tokenizer,
        peft_config=_lora(job.recipe),
        callbacks=[watch.callback()],
    )
    trainer.remove_callback(PrinterCallback)
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:
            # TRL casts adapters to bf16 and PEFT loads them back as fp32: only fp32 throughout resumes exactly.
            parameter.data = parameter.data.to(torch.float32)
    return trainer


def _arguments(job: TrainingJob, *, evaluated: bool) -> Any:
    import torch
    from trl import SFTConfig

    recipe, on_gpu = job.recipe, torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(job.workspace / "checkpoints"),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup,
        max_length=recipe.max_length,
        packing=False,
        seed=recipe.seed,
        data_seed=recipe.seed,
        bf16=recipe.compute_dtype == "bfloat16" and on_gpu,
        use_cpu=not on_gpu,
        activation_checkpointing=on_gpu,
        eval_strategy="epoch" if evaluated else "no",
        save_strategy="epoch",
        save_total_limit=1,
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )


def _lora(recipe: Recipe) -> Any:
    from peft import LoraConfig

    return LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules="all-linear",
        bias="none",
        task_type="CAUSAL_LM",
    )


class _Watch:
    """Advances the progress bar, stops at the first loss that is not finite, and marks finished checkpoints."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._shown = 0
        self.failure: str | None = None

    def callback(self) -> Any:
        from transformers import TrainerCallback

        watch = self

        class Callback(TrainerCallback):  # type: ignore[misc]
            def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                watch.step(state.global_step)

            def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
                watch.look(state.global_step, logs or {})
                control.should_training_stop |= watch.failure is not None

            def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
                (folder / _COMPLETE).touch()

        return Callback()

    def step(self, reached: int) -> None:
        self._task.advance(reached - self._shown)
        self._shown = reached

    def look(self, step: int, logs: Mapping[str, Any]) -> None:
        for name in ("loss", "eval_loss"):
            if name in logs and not math.isfinite(float(logs[name])):
                self.failure = (
                    self.failure or f"{name.replace('eval_', 'held-out ')} is {logs[name]} at step {step}"
                )


def _last_checkpoint(workspace: Path) -> str | None:
    """The newest checkpoint that was written to its end.

    Half-written ones are removed: rotation would take one of them for the newest and drop a good one.
    """
    complete = []
    for folder in workspace.glob("checkpoints/checkpoint-*"):
        if (folder / _COMPLETE).is_file():
            complete.append(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    newest = max(complete, key=lambda folder: int(folder.name.rpartition("-")[2]), default=None)
    return str(newest) if newest else None


def _curve(history: list[dict[str, Any]]) -> tuple[LossPoint, ...]:
    """At most _POINTS points and one per held-out evaluation: mean training loss since the point before."""
    losses = {int(h["step"]): float(h["loss"]) for h in history if "loss" in h}
    held_out = {int(h["step"]): float(h["eval_loss"]) for h in history if "eval_loss" in h}
    epochs = {int(h["step"]): float(h["epoch"]) for h in history}
    last = max(losses, default=0)
    ends = sorted({*range(0, last, max(1, math.ceil(last / _POINTS))), *held_out, last} - {0})
    return tuple(
        LossPoint(
            step=end,
            epoch=round(epochs.get(end, 0.0), 2),
            train=_finite_mean([loss for step, loss in losses.items() if start < step <= end]),
            held_out=_finite_mean([held_out[end]] if end in held_out else []),
        )
        for start, end in pairwise([0, *ends])
    )


def _finite_mean(losses: list[float]) -> float | None:
    mean = sum(losses) / len(losses) if losses else math.nan
    return round(mean, 4) if math.isfinite(mean) else None


def _not_finite(model: Any, curve: tuple[LossPoint, ...]) -> str | None:
    import torch

    if not curve or curve[-1].train is None:
        return "no finite training loss was recorded"
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and not bool(torch.isfinite(parameter).all()):
            return f"weights of {name} are not finite"
    return None


def _save(model: Any, base: BaseModel, folder: Path) -> None:
    """Adapter weights and their configuration, nothing else; the base is named, not located."""
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(str(folder), safe_serialization=True)
    (folder / "README.md").unlink(missing_ok=True)
    config = folder / "adapter_config.json"
    plain = json.loads(config.read_text())
    plain["base_model_name_or_path"] = base.name
    plain["revision"] = base.revision
    # A set comes in any order: the same weights must have the same digest.
    plain["target_modules"] = sorted(plain["target_modules"])
    config.write_text(json.dumps(plain, indent=2, sort_keys=True) + "\n")
