"""What came of a job at a service: the training with its losses, or why there is none."""

from pathlib import Path

import msgspec
from msgspec.structs import replace

from ftgate.decide import hosted
from ftgate.decide.hosted import Failed
from ftgate.edges.hosted_api import Service
from ftgate.edges.hosted_follow import Ended
from ftgate.edges.hosted_metrics import Losses, Row, losses, row_of, rows_of
from ftgate.edges.store import write_atomically
from ftgate.errors import OutsideError
from ftgate.values.training import HOSTED_RECORD, HostedModel, Training

_SHOWN = 400


def outcome(service: Service, ended: Ended, blank: Training, base: str, workspace: Path) -> Training:
    """The training; it has a `failure` where the data or the loss is at fault. Raises OutsideError for the rest."""
    job = ended.job
    if job.status == "cancelled":
        raise service.wrong(
            f"the job {job.id} was cancelled there, by somebody else than this run",
            "Run again to begin a new one.",
        )
    if job.status == "failed":
        failed = job.error or Failed()
        said = ", ".join(part for part in (failed.message, failed.code, failed.param) if part)
        said = said[:_SHOWN] or "without a reason"
        if hosted.blames_data(failed):
            return replace(blank, failure=f"{service.host} refused the data: {said}")
        raise service.wrong(f"the job {job.id} failed: {said}")
    if not job.fine_tuned_model:
        raise service.wrong(
            f"the job {job.id} succeeded and names no model",
            "Ask the service what became of it, or run again.",
        )
    if job.fine_tuned_model == base:
        raise service.wrong(f"the job {job.id} names the base model as what it tuned")
    found, events = _losses(service, ended, blank.recipe.epochs)
    record = HostedModel(
        job=job.id,
        model=job.fine_tuned_model,
        base=base,
        host=service.host,
        training_file=job.training_file,
        validation_file=job.validation_file or "",
    )
    if not found.failure:
        write_atomically(workspace / "adapter" / HOSTED_RECORD, msgspec.json.encode(record))
    return replace(
        blank,
        curve=found.curve,
        steps=found.steps,
        best_step=found.steps,
        trained_tokens=job.trained_tokens or 0,
        failure=found.failure or None,
        model=job.fine_tuned_model,
        events=events,
    )


def _losses(service: Service, ended: Ended, epochs: int) -> tuple[Losses, tuple[str, ...]]:
    """From the result files; where there are none, from checkpoints and events."""
    rows: list[Row] = []
    for id in ended.job.result_files:
        content = service.content(id)
        if content is None:
            continue
        try:
            rows += rows_of(content)
        except (ValueError, KeyError, TypeError) as error:
            raise OutsideError(
                f"{service.host}: the losses of the job {ended.job.id} cannot be read: {error}",
                advice="The model is there: run again, and look at the result file at the service.",
            ) from error
    try:
        kept = [row_of(each.step_number, dict(each.metrics)) for each in service.checkpoints(ended.job.id)]
        found = losses(
            [*rows, *(row for row in kept if row), *(() if rows else ended.rows)], epochs, ended.steps
        )
    except ValueError as error:
        raise service.wrong(f"a loss of the job {ended.job.id} is no number: {error}") from error
    return found, () if found.curve or found.failure else ("the service told no losses",)
