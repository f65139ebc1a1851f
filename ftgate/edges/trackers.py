"""Trackers that hear of the losses when the settings name them. transformers' callbacks log; what else they would tell
(arguments with paths, the model's configuration, the console) is replaced by recipe and digests.

They are called in threads of their own (telling.py), on the first process alone. What they say of settings or of this
machine becomes Unconfigured; whatever a server says or does not say is no reason to train nothing.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib import util
from pathlib import Path
from typing import Any

from ftgate.decide import tracking
from ftgate.edges.telling import OPENING, Unconfigured
from ftgate.errors import SettingsError
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


def callbacks(job: TrainingJob) -> Mapping[str, Any]:
    """Callbacks of transformers' trainer for the trackers of a job, by name. Raises SettingsError as `check` does."""
    check(job.report_to, job.tracker_options)
    return {name: _made(name, job) for name in job.report_to}


def _made(name: Tracker, job: TrainingJob) -> Any:
    try:
        return _MAKERS[name](job)
    except ImportError as error:
        raise SettingsError(
            f"training.report_to names {name}, which is not installed as a whole: {error}",
            advice=f"Install it, in the clone of ftgate: pip install '.[{name}]'",
        ) from error


def _about(job: TrainingJob) -> dict[str, tracking.Scalar]:
    return tracking.about(job.key, job.commit, job.base_model, job.recipe, (job.examples, job.held_out))


def _name(job: TrainingJob) -> str:
    return tracking.run_name(job.label, job.key)


def _project(job: TrainingJob) -> str:
    return job.tracker_options.get("project", tracking.PROJECT)


def _directory(job: TrainingJob, below: str) -> Path:
    folder = Path(job.tracker_options.get("directory", tracking.DIRECTORY)).expanduser() / below
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise Unconfigured(f"training.tracker_options.directory cannot be written to: {error}") from error
    return folder


def _wandb(job: TrainingJob) -> Any:
    import wandb
    from transformers.integrations import WandbCallback

    options: Any = job.tracker_options

    class Callback(WandbCallback):  # type: ignore[misc]
        def setup(self, args: Any, state: Any, model: Any, **_: Any) -> None:
            self._initialized = True
            folder = _directory(job, "wandb")
            if wandb.run is not None:
                wandb.finish()
            try:
                _logged_in(wandb, options.get("mode"))
                wandb.init(
                    project=_project(job),
                    entity=options.get("entity"),
                    mode=options.get("mode"),
                    dir=str(folder),
                    name=_name(job),
                    id=job.key[:32],
                    resume="allow",
                    config=_about(job),
                    settings=_discreet(wandb),
                )
            except (wandb.errors.UsageError, ValueError) as error:
                raise Unconfigured(str(error)) from error
            wandb.define_metric("train/global_step")
            wandb.define_metric("*", step_metric="train/global_step", step_sync=True)

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if wandb.run is not None:
                wandb.finish()

    return Callback()


def _discreet(wandb: Any) -> Any:
    """Without the console, the command line, paths, the machine and its load, the packages and the code."""
    return wandb.Settings(
        console="off",
        silent=True,
        program="ftgate",
        disable_git=True,
        disable_code=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_disable_stats=True,
        x_save_requirements=False,
        # Else its end waits for this long at an address where nobody answers, and the process with it.
        init_timeout=min(float(wandb.setup().settings.init_timeout), OPENING),
    )


def _logged_in(wandb: Any, mode: str | None) -> None:
    """Asks this machine alone. Where it is not, wandb would ask the terminal, in the middle of everything."""
    if (mode or wandb.setup().settings.mode) in ("offline", "disabled"):
        return
    if "prompt" in inspect.signature(wandb.login).parameters and not wandb.login(verify=False, prompt=False):
        raise Unconfigured("nobody is logged in: set WANDB_API_KEY, run `wandb login`, or set mode: offline")


def _mlflow(job: TrainingJob) -> Any:
    import mlflow
    from transformers.integrations import MLflowCallback

    class Callback(MLflowCallback):  # type: ignore[misc]
        def setup(self, args: Any, state: Any, model: Any) -> None:
            self._initialized, self._async_log, self._log_artifacts = True, False, False
            self._auto_end_run = (
                False  # MLflow's own way ends it when this object is collected, in any thread
            )
            try:
                self._begin()
            except mlflow.exceptions.RestException:
                raise  # the server's word
            except mlflow.exceptions.MlflowException as error:
                if error.error_code != "INVALID_PARAMETER_VALUE":
                    raise
                raise Unconfigured(str(error)) from error

        def _begin(self) -> None:
            if uri := job.tracker_options.get("tracking_uri"):
                mlflow.set_tracking_uri(uri)
            elif not mlflow.is_tracking_uri_set():
                mlflow.set_tracking_uri(f"sqlite:///{_directory(job, 'mlflow').resolve() / 'mlflow.db'}")
            if mlflow.active_run() is not None:
                mlflow.end_run()
            mlflow.set_experiment(_project(job))
            mlflow.start_run(run_name=_name(job), tags={"ftgate.key": job.key})
            mlflow.log_params(_about(job))

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            mlflow.end_run()

    return Callback()


def _tensorboard(job: TrainingJob) -> Any:
    from torch.utils.tensorboard import SummaryWriter
    from transformers.integrations import TensorBoardCallback

    class Callback(TensorBoardCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            folder = _directory(job, "tensorboard") / f"{job.label.replace(' ', '-')}-{job.key[:12]}"
            self.tb_writer = SummaryWriter(log_dir=str(folder))
            told = "\n".join(f"    {name}: {value}" for name, value in _about(job).items())
            self.tb_writer.add_text("ftgate", told)

    return Callback()


def _trackio(job: TrainingJob) -> Any:
    import trackio
    from huggingface_hub.errors import LocalTokenNotFoundError
    from transformers.integrations import TrackioCallback

    class Callback(TrackioCallback):  # type: ignore[misc]
        def setup(self, args: Any, state: Any, model: Any, **_: Any) -> None:
            self._initialized = True
            try:
                trackio.init(
                    project=_project(job),
                    name=_name(job),
                    space_id=job.tracker_options.get("space"),
                    config=_about(job),
                    resume="allow",
                    embed=False,
                )
            except (ValueError, LocalTokenNotFoundError) as error:
                raise Unconfigured(str(error)) from error

    return Callback()


_MAKERS: Mapping[Tracker, Callable[[TrainingJob], Any]] = {
    "wandb": _wandb,
    "mlflow": _mlflow,
    "tensorboard": _tensorboard,
    "trackio": _trackio,
}
