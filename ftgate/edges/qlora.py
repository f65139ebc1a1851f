"""Trains with TRL, PEFT and bitsandbytes, goes on where it stopped, and makes itself fit into memory."""

import gc
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ftgate.decide.pace import measured_steps, smaller_batch, steps_per_epoch
from ftgate.edges import loading, ranks, telling, trackers
from ftgate.edges.checkpoints import Checkpoints, Found
from ftgate.edges.held_out_loss import HeldOut
from ftgate.edges.signals import listening
from ftgate.edges.tokens import Tokenized, label
from ftgate.edges.trainer_model import build, collator, computed_in, odd_weights, write_weights
from ftgate.edges.trainer_watch import Ended, Watch
from ftgate.errors import OutsideError
from ftgate.ports import Progress, Task, TrainingJob
from ftgate.values.dataset import Example
from ftgate.values.training import Recipe, Training

_VERSION = "2"  # raised whenever this file changes what is learned from the same recipe
CHECKPOINT_SECONDS = 180.0


class QloraTrainer:
    """Port Trainer on this machine: the GPU when there is one, else one CPU thread.

    `checkpoint_seconds` pass between two checkpoints at most; 0 keeps every step.
    """

    def __init__(self, *, checkpoint_seconds: float = CHECKPOINT_SECONDS) -> None:
        self._seconds = checkpoint_seconds

    def memory(self) -> int | None:
        """Of the first GPU."""
        import torch

        return int(torch.cuda.get_device_properties(0).total_memory) if torch.cuda.is_available() else None

    def versions(self) -> Mapping[str, str]:
        return {"ftgate-trainer": _VERSION, **loading.versions()}

    def train(self, job: TrainingJob, progress: Progress) -> Training:
        self.versions()
        with loading.quiet():
            tokenizer = loading.load_tokenizer(job.base_model, "right")
            training = Training(
                key=job.key,
                commit=job.commit,
                adapter="",
                adapter_sha256="",
                examples=0,
                data_sha256="",
                recipe=job.recipe,
                hardware=loading.hardware(),
                form="full" if job.recipe.method == "full" else "adapter",
            )
            rows, out = _rows(tokenizer, job.examples, job.recipe.max_length)
            held_out, unmeasured = _rows(tokenizer, job.held_out, job.recipe.max_length)
            training = replace(training, examples=len(job.examples) - len(out), dropped=len(out))
            if not rows:
                return replace(
                    training, failure=f"no example can be trained: {out[0] if out else 'there is none'}"
                )
            attempts = _Attempts(job, tokenizer, rows, held_out, self._seconds)
            if job.recipe.compute_dtype != computed_in(job.recipe):
                attempts.tell(
                    f"computed in {computed_in(job.recipe)}: {job.recipe.compute_dtype} is for a GPU"
                )
            for what, left in (("dropped", out), ("held out and not measured", unmeasured)):
                if left:
                    attempts.tell(f"{what}: {len(left)} examples, the first {left[0]}")
            return attempts.run(training, progress)


def _rows(tokenizer: Any, examples: Sequence[Example], longest: int) -> tuple[list[Tokenized], list[str]]:
    """What is trained on, and which examples cannot be: none is trained in part."""
    rows: list[Tokenized] = []
    out: list[str] = []
    for example, labelled in zip(examples, label(tokenizer, examples), strict=True):
        most = max((len(row.input_ids) for row in labelled.rows), default=0)
        if labelled.refused:
            out.append(labelled.refused.message)
        elif most > longest or not any(row.trained for row in labelled.rows):
            why = (
                f"has {most:,} tokens, and training.max_length is {longest:,}"
                if most > longest
                else "has no token that is trained"
            )
            out.append(f"{example.place.path}:{example.place.line} {why}")
        else:
            rows += labelled.rows
    return rows, out


class _Attempts:
    """One training: a first attempt, and another with smaller batches whenever memory did not suffice."""

    def __init__(
        self,
        job: TrainingJob,
        tokenizer: Any,
        examples: Sequence[Tokenized],
        held_out: Sequence[Tokenized],
        seconds: float,
    ) -> None:
        self._job = job
        self._tokenizer = tokenizer
        self._examples = examples
        self._held_out = held_out
        self._checkpoints = Checkpoints(job.workspace, job.key, seconds)
        self._per_epoch = steps_per_epoch(job.recipe, len(examples))
        self._told: tuple[str, ...] = ()
        self._lost: tuple[str, ...] = ()
        self._telling = telling.Telling({}, lambda text: None)

    def tell(self, event: str) -> None:
        """Something that did not go straight."""
        self._told = (*self._told, event)

    def run(self, training: Training, progress: Progress) -> Training:
        """The record of the training; its weights lie in `workspace/adapter` unless it failed."""
        first = ranks.join()
        if first:
            shutil.rmtree(self._job.workspace / "adapter", ignore_errors=True)
            self._telling = telling.Telling(trackers.callbacks(self._job), progress.say)
        for event in self._telling.open():
            self.tell(event)
        _forget_peak()
        patience = telling.LEAVING
        try:
            done = self._finish(training, self._attempts(progress, first=first))
            patience = telling.CLOSING
        finally:
            late = self._telling.close(patience)
        return replace(done, events=(*done.events, *late))

    def _attempts(self, progress: Progress, *, first: bool) -> Watch:
        """The attempt that memory sufficed for."""
        recipe = self._job.recipe
        with progress.task(self._job.label, self._per_epoch * recipe.epochs) as task:
            while True:
                found = self._found(progress, first=first)
                kept = found.kept
                if kept.batch_size and kept.batch_size < recipe.batch_size:
                    recipe = replace(recipe, batch_size=kept.batch_size, accumulation=kept.accumulation)
                watch = self._attempt(recipe, found, task)
                if watch is not None:
                    return watch
                recipe = self._smaller(recipe, progress)
                _free()

    def _found(self, progress: Progress, *, first: bool) -> Found:
        """The checkpoint to go on from; the first process looks, and it tells the others."""
        found: Found = ranks.of_first(self._checkpoints.find() if first else None)
        for event in found.told:
            self.tell(event)
            progress.say(event)
        if found.folder is not None:
            went_on = f"went on from step {found.step}"
            self.tell(went_on)
            progress.say(f"{self._job.label}: {went_on}")
        return found

    def _attempt(self, recipe: Recipe, found: Found, task: Task) -> Watch | None:
        """None when memory did not suffice."""
        held_out = HeldOut(self._held_out, collator(self._tokenizer, recipe), recipe.batch_size)
        steps = measured_steps(self._per_epoch, recipe.epochs, recipe.evaluations)
        watch = Watch(recipe, self._job.base_model, held_out, steps, self._telling)
        folder = str(found.folder) if found.folder else None
        try:
            watch.trainer = build(
                self._job.base_model,
                recipe,
                self._tokenizer,
                self._examples,
                [watch.callback()],
                self._checkpoints.draft,
            )
            kept = replace(
                found.kept,
                events=(*found.kept.events, *_beyond(self._lost, found.kept.events), *self._told),
                batch_size=recipe.batch_size,
                accumulation=recipe.accumulation,
            )
            self._told, self._lost = (), ()
            with listening() as stopping:
                watch.start(task, self._checkpoints, stopping, kept)
                watch.trainer.train(resume_from_checkpoint=folder)
        except Ended:
            pass
        except RuntimeError as error:
            if not loading.out_of_memory(error):
                raise
            self._lost = watch.kept.events or self._lost
            return None
        return watch

    def _smaller(self, recipe: Recipe, progress: Progress) -> Recipe:
        batch = smaller_batch(recipe.batch_size, recipe.accumulation)
        if batch is None or recipe.processes > 1:
            raise OutsideError(
                f"{self._job.label}: out of memory with batches of {recipe.batch_size}"
                f"{' on one of several processes' if recipe.processes > 1 else ''}",
                advice="Set training.checkpointing: true, lower training.max_length or training.batch_size, or take "
                "method qlora, a smaller base_model, or a GPU with more memory.",
            )
        event = (
            f"out of memory with batches of {recipe.batch_size} x {recipe.accumulation}: "
            f"{batch[0]} x {batch[1]} from the last checkpoint on"
        )
        self.tell(event)
        progress.say(f"{self._job.label}: {event}")
        return replace(recipe, batch_size=batch[0], accumulation=batch[1])

    def _finish(self, training: Training, watch: Watch) -> Training:
        curve, steps = watch.curve(), int(watch.trainer.state.global_step)
        failure = watch.failure or odd_weights(watch.trainer.model)
        if failure is None and (not curve or curve[-1].train is None):
            failure = "no finite training loss was recorded"
        best_step = 0 if failure else self._keep(watch, steps)
        seen = steps / (self._per_epoch * self._job.recipe.epochs)
        epochs = self._job.recipe.epochs
        return replace(
            training,
            curve=curve,
            steps=steps,
            tokens=round(seen * epochs * sum(len(each.input_ids) for each in self._examples)),
            trained_tokens=round(seen * epochs * sum(each.trained for each in self._examples)),
            seconds=round(watch.kept.seconds, 1),
            failure=failure,
            best_step=best_step,
            stopped=watch.stopped,
            events=(*watch.kept.events, *([watch.stopped] if watch.stopped else [])),
            peak_memory=_peak(),
        )

    def _keep(self, watch: Watch, steps: int) -> int:
        """Puts the weights that are kept where the store takes them from; the step that they are of."""
        target, chosen = self._job.workspace / "adapter", watch.best_weights()
        if chosen is None:
            write_weights(watch.trainer, self._job.base_model, self._job.recipe, target)
            return steps
        if watch.trainer.args.should_save:
            shutil.copytree(chosen[1], target)
        return chosen[0]


def _beyond(events: Sequence[str], kept: Sequence[str]) -> list[str]:
    """What an attempt had to tell since the checkpoint from which the next one goes on."""
    left = list(events)
    for event in kept:
        if event in left:
            left.remove(event)
    return left


def _forget_peak() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def _peak() -> int:
    """Bytes of one GPU; 0 on a CPU, where nobody counts them."""
    import torch

    return int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else 0


def _free() -> None:
    """What an attempt that failed still holds."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
