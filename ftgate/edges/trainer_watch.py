"""What happens between two steps: progress, losses that are not finite, the held-out loss, checkpoints, the end."""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ftgate.decide.overfitting import Measured, best, overfitting
from ftgate.decide.pace import loss_curve
from ftgate.edges import ranks
from ftgate.edges.checkpoints import Checkpoints, Kept
from ftgate.edges.held_out_loss import HeldOut
from ftgate.edges.signals import Stopping
from ftgate.edges.telling import Telling
from ftgate.edges.trainer_model import odd_weights, write_weights
from ftgate.ports import Task
from ftgate.values.training import BaseModel, LossPoint, Recipe


class Ended(Exception):
    """The training that was taken up again had come to its end already."""


class Watch:
    """Of one attempt. `steps` are those after which the held-out loss is measured; trackers hear of it by `telling`."""

    def __init__(
        self, recipe: Recipe, base: BaseModel, held_out: HeldOut, steps: frozenset[int], telling: Telling
    ) -> None:
        self._recipe = recipe
        self._base = base
        self._held_out = held_out
        self._steps = steps
        self._telling = telling
        self._shown = 0
        self._began, self._kept = time.monotonic(), Kept()
        self.failure: str | None = None
        self.stopped = ""
        self.trainer: Any = None

    def start(self, task: Task, checkpoints: Checkpoints, stopping: Stopping, kept: Kept) -> None:
        """`kept` is what was known when the training ended before."""
        self._task = task
        self._checkpoints = checkpoints
        self._stopping = stopping
        self._began = time.monotonic()
        self._kept = kept
        self._leaving = False
        self._step_began, self._batches = self._began, 0

    @property
    def kept(self) -> Kept:
        """All that must be known to go on from here."""
        seconds = self._kept.seconds + time.monotonic() - self._began
        events = (*self._kept.events, *self._held_out.events)
        return replace(self._kept, seconds=seconds, events=events)

    @property
    def measured(self) -> tuple[Measured, ...]:
        """The held-out measurements so far, in order."""
        return self._kept.measured

    def curve(self) -> tuple[LossPoint, ...]:
        """Of the whole training, also where it was interrupted."""
        history = [entry for entry in self.trainer.state.log_history if "loss" in entry]
        return loss_curve(
            {int(entry["step"]): float(entry["loss"]) for entry in history},
            {int(entry["step"]): float(entry["epoch"]) for entry in history},
            {point.step: point.loss for point in self.measured},
        )

    def callback(self) -> Any:
        """What Trainer calls. It is thin: transformers must not be loaded for the rest."""
        from transformers import TrainerCallback

        watch = self

        class Callback(TrainerCallback):  # type: ignore[misc]
            def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                watch.begin(state)

            def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                watch.step_begins()

            def on_substep_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                watch.batch_ends()

            def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                watch.show(state.global_step)

            def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
                watch.hear(state, logs or {}, control)

            def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                watch.saved(state.global_step)

        return Callback()

    def begin(self, state: Any) -> None:
        """Measures what a signal had left unmeasured, so that the training goes on as if there had been none."""
        self.show(state.global_step)
        if self._due(state):
            self._measure(state)
        if state.global_step >= state.max_steps or self.failure or self._ends():
            raise Ended

    def step_begins(self) -> None:
        """An optimiser step."""
        self._step_began, self._batches = time.monotonic(), 0

    def batch_ends(self) -> None:
        """Half a step cannot be kept: where there is no time for the rest, the last checkpoint must do."""
        self._batches += 1
        if not self._stopping.requested:
            return
        each = (time.monotonic() - self._step_began) / self._batches
        rest = each * (self._recipe.accumulation - self._batches)
        if rest + self._checkpoints.writing_seconds > self._stopping.seconds_left:
            raise KeyboardInterrupt

    def show(self, reached: int) -> None:
        """A step is done."""
        self._task.advance(reached - self._shown)
        self._shown = reached

    def hear(self, state: Any, logs: Mapping[str, Any], control: Any) -> None:
        """Trainer's figures: of a step, or of all at the end."""
        self._telling.log(state.global_step, logs)
        if "loss" in logs:
            self.step_ends(state, logs, control)

    def note(self, *events: str) -> None:
        """What did not go straight."""
        self._kept = replace(self._kept, events=(*self._kept.events, *events))

    def step_ends(self, state: Any, logs: Mapping[str, Any], control: Any) -> None:
        """After every optimiser step, when its loss is known."""
        self.note(*self._telling.look())
        self._look(state.global_step, logs)
        measured = self.failure is None and self._due(state)
        if measured:
            self._measure(state)
        if self.failure is not None:
            control.should_training_stop = True
            return
        stop, save = ranks.any_rank(
            self._stopping.requested, ranks.of_first(self._checkpoints.due(measured=measured))
        )
        self._leaving = stop
        control.should_save |= stop or save
        control.should_training_stop |= not stop and self._ends()

    def saved(self, step: int) -> None:
        """Trainer has written a draft of a checkpoint."""
        ranks.barrier()
        if self.trainer.args.should_save:
            self._checkpoints.keep(step, self.kept)
        ranks.barrier()
        if self._leaving:
            raise KeyboardInterrupt

    def _look(self, step: int, logs: Mapping[str, Any]) -> None:
        for name, said in (("loss", "loss"), ("grad_norm", "norm of the gradients")):
            if name in logs and not math.isfinite(float(logs[name])) and self.failure is None:
                self.failure = f"{said} is {float(logs[name])} at step {step}"

    def _due(self, state: Any) -> bool:
        done = self.measured[-1].step if self.measured else 0
        return bool(self._held_out.examples) and state.global_step in self._steps - {done}

    def _measure(self, state: Any) -> None:
        found = self._held_out.losses(self.trainer.model, self._autocast, lambda: self._leave_early())
        if found is None:
            return  # it is measured when the training is taken up again
        step, since = state.global_step, self.measured[-1].step if self.measured else 0
        train = [entry["loss"] for entry in state.log_history if "loss" in entry and entry["step"] > since]
        point = Measured(
            step=step,
            epoch=state.epoch,
            train=math.fsum(train) / len(train),
            held_out=ranks.of_first(found),
            tokens=self._held_out.tokens,
        )
        if not math.isfinite(point.loss):
            self.failure = f"held-out loss is {point.loss} at step {step}"
            return
        self._kept = replace(self._kept, measured=(*self.measured, point))
        self._telling.log(step, {"eval_loss": point.loss})
        if best(self.measured) is point and self._recipe.keep == "best":
            self.failure = odd_weights(self.trainer.model)
            write_weights(self.trainer, self._base, self._recipe, self._checkpoints.best)

    def _leave_early(self) -> bool:
        return ranks.any_rank(self._stopping.requested)[0]

    def _autocast(self) -> Any:
        return self.trainer.accelerator.autocast()

    def _ends(self) -> bool:
        reason = overfitting(self.measured)
        if not reason:
            return False
        if self._recipe.stop_overfitting:
            self.stopped = reason
        elif not any(event.startswith("overfitting") for event in self._kept.events):
            self.note(reason)
        return bool(self.stopped)

    def best_weights(self) -> tuple[int, Path] | None:
        """Step and folder of the weights of the lowest held-out loss; None where the last ones are kept."""
        chosen = best(self.measured) if self._recipe.keep == "best" else None
        return (chosen.step, self._checkpoints.best) if chosen else None
