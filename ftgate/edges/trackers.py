"""Trackers that hear of the losses when the settings name them. transformers' callbacks log; what else they would tell
(arguments with paths, the model's configuration, the console) is replaced by recipe and digests.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import util
from pathlib import Path
from typing import Any

from ftgate.decide import tracking
from ftgate.errors import OutsideError, SettingsError
from ftgate.ports import TrainingJob
from ftgate.values.training_settings import Tracker

_MODULES: Mapping[Tracker, str] = {
    "wandb": "wandb",
    "mlflow": "mlflow",
    "tensorboard": "tensorboard",
    "trackio": "trackio",
}


def check(report_to: Sequence[Tracker], options: Mapping[str, str]) -> None:
    """Raises SettingsError when an option is unknown or a package is missing, before anything is trained."""
    if found := tracking.problems(report_to, options):
        raise SettingsError("\n".join(found), advice="docs/scaling.md has the options of every tracker.")
    missing = [name for name in report_to if util.find_spec(_MODULES[name]) is None]
    if missing:
        raise SettingsError(
            f"training.report_to names {', '.join(missing)}, which is not installed",
            advice=f"Install it, in the clone of ftgate: pip install '.[{','.join(missing)}]'",
        )


def callbacks(job: TrainingJob) -> list[Any]:
    """Callbacks of transformers' trainer for the trackers of a job; only rank 0 of them speaks."""
    check(job.report_to, job.tracker_options)
    return [_MAKERS[name](job) for name in job.report_to]


def _about(job: TrainingJob) -> dict[str, tracking.Scalar]:
    return tracking.about(job.key, job.commit, job.base_model, job.recipe, (job.examples, job.held_out))


def _name(job: TrainingJob) -> str:
    return tracking.run_name(job.label, job.key)


def _project(job: TrainingJob) -> str:
    return job.tracker_options.get("project", tracking.PROJECT)


def _directory(job: TrainingJob, below: str) -> Path:
    folder = Path(job.tracker_options.get("directory", tracking.DIRECTORY)).expanduser() / below
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _refused(tracker: Tracker, error: Exception) -> OutsideError:
    return OutsideError(
        f"training.report_to: {tracker} cannot be told: {error}",
        advice="Correct its settings, log in to it, or take it out of training.report_to.",
    )


def _wandb(job: TrainingJob) -> Any:
    import wandb
    from transformers.integrations import WandbCallback

    class Callback(WandbCallback):  # type: ignore[misc]
        def setup(self, args: Any, state: Any, model: Any, **_: Any) -> None:
            self._initialized = True
            if not state.is_world_process_zero:
                return
            options: Any = job.tracker_options
            if wandb.run is not None:
                wandb.finish()
            try:
                wandb.init(
                    project=_project(job),
                    entity=options.get("entity"),
                    mode=options.get("mode"),
                    dir=str(_directory(job, "wandb")),
                    name=_name(job),
                    id=job.key[:32],
                    resume="allow",
                    config=_about(job),
                    settings=wandb.Settings(console="off", disable_git=True, disable_code=True, silent=True),
                )
            except (wandb.errors.Error, ValueError) as error:
                raise _refused("wandb", error) from error
            wandb.define_metric("train/global_step")
            wandb.define_metric("*", step_metric="train/global_step", step_sync=True)

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.is_world_process_zero and wandb.run is not None:
                wandb.finish()

    return Callback()


def _mlflow(job: TrainingJob) -> Any:
    import mlflow
    from transformers.integrations import MLflowCallback

    class Callback(MLflowCallback):  # type: ignore[misc]
        def setup(self, args: Any, state: Any, model: Any) -> None:
            self._initialized, self._async_log, self._log_artifacts = True, False, False
            if not state.is_world_process_zero:
                return
            if uri := job.tracker_options.get("tracking_uri"):
                mlflow.set_tracking_uri(uri)
            elif not mlflow.is_tracking_uri_set():
                mlflow.set_tracking_uri(f"sqlite:///{_directory(job, 'mlflow').resolve() / 'mlflow.db'}")
            if mlflow.active_run() is not None:
                mlflow.end_run()
            try:
                mlflow.set_experiment(_project(job))
                mlflow.start_run(run_name=_name(job), tags={"ftgate.key": job.key})
                mlflow.log_params(_about(job))
            except (mlflow.exceptions.MlflowException, OSError) as error:
                raise _refused("mlflow", error) from error
            self._auto_end_run = True

    return Callback()


def _tensorboard(job: TrainingJob) -> Any:
    from torch.utils.tensorboard import SummaryWriter
    from transformers.integrations import TensorBoardCallback

    class Callback(TensorBoardCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if not state.is_world_process_zero:
                return
            folder = _directory(job, "tensorboard") / f"{job.label.replace(' ', '-')}-{job.key[:12]}"
            self.tb_writer = SummaryWriter(log_dir=str(folder))
            told = "\n".join(f"    {name}: {value}" for name, value in _about(job).items())
            self.tb_writer.add_text("ftgate", told)

    return Callback()


def _trackio(job: TrainingJob) -> Any:
    import trackio
    from transformers.integrations import TrackioCallback

    class Callback(TrackioCallback):  # type: ignore[misc]
        def setup(self, args: Any, state: Any, model: Any, **_: Any) -> None:
            self._initialized = True
            if not state.is_world_process_zero:
                return
            try:
                trackio.init(
                    project=_project(job),
                    name=_name(job),
                    space_id=job.tracker_options.get("space"),
                    config=_about(job),
                    resume="allow",
                    embed=False,
                )
            except (ValueError, OSError) as error:
                raise _refused("trackio", error) from error

    return Callback()


_MAKERS: Mapping[Tracker, Callable[[TrainingJob], Any]] = {
    "wandb": _wandb,
    "mlflow": _mlflow,
    "tensorboard": _tensorboard,
    "trackio": _trackio,
}
