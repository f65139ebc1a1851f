"""Tunes a model at a service: checks, uploads, begins one job per key, follows it to its end, and cleans up."""

from msgspec.structs import replace

from ftgate.decide import hosted, hosted_lines
from ftgate.edges.hosted_api import Service
from ftgate.edges.hosted_files import RefusedData
from ftgate.edges.hosted_follow import Ended, Following, Overdue, stoppable, undisturbed
from ftgate.edges.hosted_job import Case, KeyedJob
from ftgate.edges.hosted_outcome import outcome
from ftgate.errors import OutsideError
from ftgate.ports import Clock, Progress, TrainingJob
from ftgate.values.training import Training
from ftgate.values.training_settings import TrainingSettings

_VERSION = "1"  # raised whenever a service is asked for something else from the same recipe


class HostedTrainer:
    """Port Trainer, at a service."""

    def __init__(self, model: str, service: Service, settings: TrainingSettings, clock: Clock) -> None:
        self._model = model
        self._service = service
        self._settings = settings
        self._clock = clock

    def memory(self) -> int | None:
        """A service tells nobody."""
        return None

    def versions(self) -> dict[str, str]:
        """What this asks for, and of whom. What the service trains with it tells nobody."""
        return {"ftgate-hosted": _VERSION, "host": self._service.host}

    def train(self, job: TrainingJob, progress: Progress) -> Training:
        """Tunes, or goes on with the job that this key has. The adapter is a record of the tuned model, hosted.json.

        The data's own faults, a loss that is no number and a price above the ceiling are a `failure`. Ctrl-C and
        SIGTERM cancel the job at the service.
        """
        started = self._clock.seconds()
        case = Case(
            model=self._model,
            service=self._service,
            settings=self._settings,
            job=job,
            progress=progress,
            clock=self._clock,
        )
        if why := hosted_lines.refusal(job.examples, job.held_out, job.recipe.max_length):
            return replace(_blank(case), failure=why)
        keyed = KeyedJob(case)
        with stoppable():
            try:
                trained = _trained(case, keyed)
            except KeyboardInterrupt:
                with undisturbed():
                    progress.say(keyed.stop())
                raise
        return replace(trained, seconds=round(self._clock.seconds() - started, 1))


def _trained(case: Case, keyed: KeyedJob) -> Training:
    """The training, whether it is begun here or goes on."""
    blank = replace(_blank(case), tokens=keyed.tokens)
    hosts, preflight = case.settings.hosted, case.settings.preflight
    known = keyed.known()
    if known is None:
        if why := hosted.too_dear(keyed.tokens, preflight):
            return replace(blank, failure=why)
        try:
            known = keyed.begin()
        except RefusedData as error:
            keyed.over(forget=True)
            return replace(blank, failure=error.message)
    following = Following(case.service, case.job.label, case.progress, case.clock)
    try:
        ended = following.to_the_end(
            known.id, hosts.poll_seconds, hosts.deadline_hours * 3600, hosts.timeout_seconds
        )
    except Overdue:
        keyed.over(forget=True)
        raise
    found = _found(case, keyed, ended, blank)
    if bill := hosted.priced(found.trained_tokens, preflight.prices if found.trained_tokens else None):
        keyed.tell(f"cost about {bill}")
    return replace(found, events=(*keyed.events, *found.events))


def _found(case: Case, keyed: KeyedJob, ended: Ended, blank: Training) -> Training:
    """What came of it. A job that ended without a model is over: the next run begins anew."""
    lost = ended.job.status != "succeeded" or not ended.job.fine_tuned_model
    if ended.job.status == "succeeded" and lost:
        keyed.dismiss(ended.job.id)
    try:
        found = outcome(case.service, ended, blank, case.model, case.job.workspace)
    except OutsideError:
        if lost:
            keyed.over(forget=True)
        raise
    keyed.over(forget=lost)
    return found


def _blank(case: Case) -> Training:
    return Training(
        key=case.job.key,
        commit=case.job.commit,
        adapter="",
        adapter_sha256="",
        examples=len(case.job.examples),
        data_sha256="",
        recipe=case.job.recipe,
        form="hosted",
        hardware=case.service.host,
    )
