"""Rules about a service that tunes (base_model `hosted:NAME`): how long it lives, what it costs, whose fault a failed
job is, and which of its jobs is ours.

Dates are OpenAI's own, from https://developers.openai.com/api/docs/deprecations as it stood in November 2026.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import msgspec
from msgspec import Struct

from ftgate.values.training import BaseModel, Basis, Recipe
from ftgate.values.training_settings import Preflight, Prices, TrainingSettings

PREFIX = "hosted:"
EPOCHS = 3
MAX_LENGTH = 65_536
"""Tokens of a training example at OpenAI's (gpt-4o and gpt-4.1 families); it cuts longer ones."""
BYTES_PER_TOKEN = 4
"""OpenAI's rule of thumb: about four characters of English are a token. https://help.openai.com/articles/4936856"""

_OPENAI = "api.openai.com"
LAST_DAY = date(2027, 1, 6)
"""The last day on which OpenAI's own service takes new jobs from anybody."""
_FAMILIES = ("gpt-4.1", "gpt-4o")
_FAMILIES_END = date(2027, 1, 14)
_SOON = timedelta(days=90)
CHOOSE = (
    "Name another service in training.hosted.base_url, or train on a GPU of your own: give base_model a Hub id "
    "(QLoRA)."
)
LOCKED_OUT = (
    "OpenAI takes jobs only from organisations that ran one before 2026-05-07 and used a tuned model in the 60 days "
    "before 2026-07-02, and from nobody after 2027-01-06."
)

_DATA_PARAMETERS = ("training_file", "validation_file")
_DATA_CODES = (
    "invalid_training_file",
    "invalid_validation_file",
    "invalid_file",
    "invalid_n_examples",
    "unsafe",
    "moderation",
)
_APPLIES = {"epochs", "batch_size", "max_length", "seed"}
_NO_CHOICE = {
    "method",
    "preflight",
    "launch",
    "hosted",
    "export",
    "report_to",
    "tracker_options",
    "memory_gib",
}
_KEY_SHOWN = 12


class Failed(Struct, frozen=True, kw_only=True):
    """Why a job failed, in the service's words; `param` names the parameter that was wrong, where it says so."""

    code: str | None = None
    message: str | None = None
    param: str | None = None


class HostedJob(Struct, frozen=True, kw_only=True):
    """A fine-tuning job as the service tells of it. `created_at` is in seconds since 1970."""

    id: str
    status: str
    model: str = ""
    fine_tuned_model: str | None = None
    training_file: str = ""
    validation_file: str | None = None
    result_files: tuple[str, ...] = ()
    created_at: float = 0
    trained_tokens: int | None = None
    error: Failed | None = None
    metadata: Mapping[str, str] = {}

    @property
    def ended(self) -> bool:
        """Whether the service will do nothing more about it."""
        return self.status in ("succeeded", "failed", "cancelled")


def name_of(base_model: str) -> str | None:
    """The service's name of a `hosted:NAME`; None for every other base model."""
    return base_model.removeprefix(PREFIX) if base_model.startswith(PREFIX) else None


def suffix(settings: TrainingSettings, key: str) -> str:
    """What the tuned model's name ends in: by its key a job is found although everything else about it was lost."""
    return "-".join(part for part in (settings.hosted.suffix[:27], key[:_KEY_SHOWN]) if part)


def file_name(key: str, kind: str) -> str:
    """Name of an uploaded file; `kind` is "" for the training data. The same key always has the same content."""
    return f"ftgate-{key[:32]}{f'-{kind}' if kind else ''}.jsonl"


def ours(job: HostedJob, key: str, files: Iterable[str]) -> bool:
    """Whether a job is the training of this key: by its metadata, by its training file, or by its model's name. Not
    every service keeps all three."""
    tuned = job.fine_tuned_model or ""
    return (
        job.metadata.get("ftgate-key") == key or job.training_file in set(files) or key[:_KEY_SHOWN] in tuned
    )


def closed(host: str, model: str, today: str, shutdown: str | None = None) -> str:
    """Why no job may be begun today (ISO 8601): the service takes none any more, or what it would make could not be
    asked. Empty when one may."""
    day = date.fromisoformat(today[:10])
    if is_openai(host) and day > LAST_DAY:
        return f"OpenAI's own service takes no new fine-tuning jobs after {LAST_DAY}, and today is {day}"
    end = ends(host, model, shutdown)
    if end is not None and day >= end:
        return f"{model} and every model tuned from it was shut down by {host} on {end}, and today is {day}"
    return ""


def outlook(host: str, model: str, today: str, shutdown: str | None = None) -> str:
    """What is known to end soon; empty when nothing is."""
    day, end = date.fromisoformat(today[:10]), ends(host, model, shutdown)
    if end is not None and day < end <= day + _SOON:
        return f"{host} shuts {model} down on {end}, and with it what is tuned from it now"
    return ""


def ends(host: str, model: str, shutdown: str | None) -> date | None:
    """When a model is shut down: as the service says, else as OpenAI announced it. A date that cannot be read says
    nothing."""
    try:
        return date.fromisoformat((shutdown or "")[:10])
    except ValueError:
        return _FAMILIES_END if is_openai(host) and model.startswith(_FAMILIES) else None


def is_openai(host: str) -> bool:
    """Whether a host is OpenAI's own service (eu.api.openai.com is one too)."""
    name = host.partition(":")[0].lower()
    return name == _OPENAI or name.endswith(f".{_OPENAI}")


def tokens_of(content: bytes) -> int:
    """Tokens of a text, estimated from its bytes and rounded up: there is no tokenizer to count with."""
    return -(-len(content) // BYTES_PER_TOKEN)


def cost(tokens: int, prices: Prices | None) -> float | None:
    """What the training of so many tokens (all epochs) costs, in the currency of the prices; None without a price."""
    if prices is None or prices.per_million_tokens is None:
        return None
    return tokens / 1_000_000 * prices.per_million_tokens


def priced(tokens: int, prices: Prices | None) -> str:
    """The cost in words with the day of its price; empty without a price."""
    money = cost(tokens, prices)
    if money is None or prices is None:
        return ""
    return (
        f"{money:,.2f} {prices.currency} ({tokens:,} tokens at {prices.per_million_tokens:g} a million, "
        f"price of {prices.as_of})"
    )


def too_dear(tokens: int, preflight: Preflight) -> str:
    """Why a training of so many tokens (an estimate, all epochs) goes beyond the ceiling; empty when it does not.

    A ceiling without a price cannot be kept, and that refuses too.
    """
    if preflight.max_cost is None:
        return ""
    money = cost(tokens, preflight.prices)
    if money is None:
        return "training.preflight.max_cost is set and prices.per_million_tokens is not: nothing holds it"
    if money > preflight.max_cost:
        ceiling = f"training.preflight.max_cost is {preflight.max_cost:g}"
        return f"the training would cost about {priced(tokens, preflight.prices)}; {ceiling}"
    return ""


def blames_data(failed: Failed) -> bool:
    """Whether a failed job is the data's fault and not the service's or the account's: the service names one of the
    two files as the wrong parameter, or its code is one about their content. What is neither is the outside's."""
    return failed.param in _DATA_PARAMETERS or (failed.code or "").startswith(_DATA_CODES)


def inapplicable(settings: TrainingSettings) -> Sequence[str]:
    """Settings of a training that a service does not let anybody choose: they would be ignored."""
    declared = msgspec.structs.asdict(settings)
    return [
        name for name, value in declared.items() if name not in _APPLIES | _NO_CHOICE and value is not None
    ]


def recipe(settings: TrainingSettings, base_model: BaseModel, basis: Basis) -> Recipe:
    """What is asked of the service. All else about the training is the service's own choice."""
    given = "set in ftgate.yaml"
    epochs = settings.epochs
    batch, rate = settings.batch_size, settings.hosted.learning_rate_multiplier
    service = "chosen by the service"
    return Recipe(
        method="hosted",
        rank=0,
        alpha=0,
        dropout=0.0,
        epochs=EPOCHS if epochs is None else epochs,
        learning_rate=rate or 0.0,
        schedule="constant",
        warmup=0.0,
        batch_size=batch or 0,
        accumulation=1,
        max_length=settings.max_length or base_model.max_length,
        compute_dtype="bfloat16",
        evaluations=0,
        keep="last",
        stop_overfitting=False,
        seed=settings.seed,
        reasons={
            "method": f"{base_model.name} is tuned by a service",
            "epochs": given
            if epochs is not None
            else f"default, {EPOCHS} passes over {basis.examples} examples",
            "batch_size": given if batch is not None else service,
            "learning_rate": f"multiplies the service's own, {given}" if rate is not None else service,
            "max_length": given if settings.max_length is not None else "OpenAI's limit of one example",
            "seed": "training.seed of ftgate.yaml, 42 unless set",
        },
    )
