"""Trainer and completer of a hosted base model, from the settings."""

from collections.abc import Callable

from ftgate.decide.hosted import inapplicable
from ftgate.edges.hosted_api import Service
from ftgate.edges.hosted_completer import HostedCompleter
from ftgate.edges.hosted_trainer import HostedTrainer
from ftgate.edges.judge_api import Address
from ftgate.errors import SettingsError
from ftgate.ports import Clock
from ftgate.values.settings import ServerSettings, Settings


def hosted_trainer(
    settings: Settings, place: Address, keyed: Callable[[], Address], clock: Clock
) -> HostedTrainer:
    """`keyed` gives the place with its key. Raises SettingsError for settings that a service would not heed."""
    training, limits = settings.training, settings.training.preflight
    problems = [f"training.{name}: a service that tunes chooses it itself" for name in inapplicable(training)]
    if limits.max_cost is not None and (limits.prices is None or limits.prices.per_million_tokens is None):
        problems.append("training.preflight.max_cost: needs prices.per_million_tokens of the service")
    if problems:
        raise SettingsError("\n".join(problems), advice="Correct training in ftgate.yaml.")
    service = Service(place.host, keyed, training.hosted.timeout_seconds)
    return HostedTrainer(place.model, service, training, clock)


def hosted_completer(settings: Settings, place: Address, keyed: Callable[[], Address]) -> HostedCompleter:
    """The service that tunes answers for all arms. Of `evaluation.server` its limits count, not its place."""
    asked = settings.evaluation.server or ServerSettings()
    if asked.base_url is not None or asked.base is not None:
        raise SettingsError(
            "evaluation.server: the service of a hosted base_model answers for all arms, under its own names",
            advice="Take base_url and base out of evaluation.server.",
        )
    return HostedCompleter(asked, place.model, place.host, keyed)
