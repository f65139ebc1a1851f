"""What speaks against evidence from another machine: it is about something else, or it is not what was asked.

Only training and evaluation are taken from such a run, and only where these agree with what git says. A machine that
trains could still invent completions; it cannot pass off those of other data, other prompts or another commit.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ftgate.decide import serving
from ftgate.decide.keys import prompts_digest
from ftgate.decide.preflight import sane
from ftgate.decide.recipe import resolve
from ftgate.errors import SettingsError
from ftgate.values.evaluation import Arm, Evaluation, Prompt
from ftgate.values.preflight import Facts
from ftgate.values.run import Plan, Run
from ftgate.values.settings import Settings
from ftgate.values.training import Recipe, Training
from ftgate.values.trust import Doubt

_COMPARED = ("head", "merge_base", "settings_path", "settings_sha256", "policy", "changed", "applicable")


class Known(Struct, frozen=True, kw_only=True):
    """What git says on this machine. A digest is None where there is no example to train on; `after` counts those of
    the head."""

    settings: Settings
    before_sha256: str | None
    after_sha256: str | None
    held_out_sha256: str
    prompts: tuple[Prompt, ...]
    after: int
    sample: tuple[Prompt, ...] = ()


def doubts(trusted: Run, arrived: Run, known: Known) -> tuple[Doubt, ...]:
    """Everything that cannot be believed, in words; empty when the evidence is about the same thing."""
    foreign = list(_foreign(trusted, arrived))
    if foreign:
        return tuple(Doubt(id="foreign", text=text) for text in foreign)
    return tuple(Doubt(id="forged", text=text) for text in _forged(trusted.plan, arrived, known))


def _foreign(trusted: Run, arrived: Run) -> Iterator[str]:
    # The base branch may have moved since: what counts are its rules and where the two meet, and these are compared.
    for name in _COMPARED:
        mine, theirs = getattr(trusted.plan, name), getattr(arrived.plan, name)
        if mine != theirs:
            shown = f": {theirs[:12]} instead of {mine[:12]}" if isinstance(mine, str) else ""
            yield f"the run that arrived is not about this pull request, its {name.replace('_', ' ')} differs{shown}"
    if trusted.provenance.ftgate != arrived.provenance.ftgate:
        yield f"the run was made by another ftgate than {trusted.provenance.ftgate}"


def _forged(plan: Plan, arrived: Run, known: Known) -> Iterator[str]:
    trained = arrived.candidate is not None or arrived.baseline is not None
    if trained and arrived.provenance.held_out_sha256 != known.held_out_sha256:
        yield "the trainings used another held-out set than the base branch's"
    model = arrived.provenance.base_model
    if trained and (model is None or model.name != known.settings.base_model):
        yield f"the base model is not {known.settings.base_model}"
    pinned = known.settings.base_revision
    if trained and model is not None and pinned is not None and model.revision != pinned:
        yield f"the base model is not at the revision {pinned}"
    yield from _preflight(plan, arrived, known)
    yield from _training("candidate", arrived.candidate, plan.head, known.after_sha256)
    yield from _training("baseline", arrived.baseline, plan.merge_base, known.before_sha256)
    if arrived.candidate is not None and arrived.baseline is None and known.before_sha256 is not None:
        yield "the baseline is missing, although the merge base has data to train on"
    if arrived.evaluation is not None:
        yield from _evaluation(arrived.evaluation, known.prompts)
        yield from serving.forged(arrived.evaluation, known.settings)
        sampled = arrived.evaluation.known_already
        asked = prompts_digest(sampled.prompts if sampled else ())
        if asked != prompts_digest(known.sample):
            yield "other training examples were put to the base than those that this data gives"
        elif sampled and [item.prompt for item in sampled.items] != [prompt.id for prompt in known.sample]:
            yield "the base did not answer the training examples that it was asked"


def _preflight(plan: Plan, arrived: Run, known: Known) -> Iterator[str]:
    """What is trained was looked at before, and is what was looked at. Limits and estimates are made anew anyway."""
    ready, candidate = arrived.preflight, arrived.candidate
    if ready is None:
        if candidate is not None:
            yield "the candidate was trained without a preflight"
        return
    facts = ready.facts
    if (
        facts.commit != plan.head
        or facts.data_sha256 != known.after_sha256
        or facts.basis.examples != known.after
    ):
        yield f"the preflight is of other data than that of {plan.head[:12]}"
    elif not sane(facts):
        yield "the numbers of the preflight contradict each other"
    elif facts.base_model.name != known.settings.base_model or not _pinned_as(facts, known.settings):
        yield f"the preflight is of another base model than {known.settings.base_model}"
    elif problem := _without_recipe(facts, known.settings):
        yield f"the settings have no recipe for what the preflight saw: {problem}"
    elif candidate is not None:
        yield from _as_foreseen(arrived, facts, candidate, known.settings)


def _without_recipe(facts: Facts, settings: Settings) -> str:
    try:
        resolve(settings.training, facts.base_model, facts.basis)
    except SettingsError as error:
        return error.message
    return ""


def _pinned_as(facts: Facts, settings: Settings) -> bool:
    pinned = settings.base_revision
    hosted = settings.base_model.startswith("hosted:")
    return facts.hosted == hosted and (pinned is None or facts.base_model.revision == pinned)


def _as_foreseen(arrived: Run, facts: Facts, candidate: Training, settings: Settings) -> Iterator[str]:
    basis = candidate.basis
    if facts.base_model != arrived.provenance.base_model:
        yield "the preflight is of another base model than the training"
    elif basis is None or (basis.examples, basis.tokenised, basis.template) != (
        facts.basis.examples,
        facts.basis.tokenised,
        facts.basis.template,
    ):
        yield "the candidate was trained on other tokens than the preflight saw"
    elif _plain(resolve(settings.training, facts.base_model, facts.basis)) != _plain(candidate.recipe):
        yield "the candidate was trained by another recipe than the settings ask for"


def _plain(recipe: Recipe) -> Recipe:
    return replace(recipe, reasons={})


def _training(arm: str, training: Training | None, commit: str, data: str | None) -> Iterator[str]:
    if training is None:
        return
    if data is None or training.data_sha256 != data:
        yield f"the {arm} was trained on other data than that of {commit[:12]}"
    if training.commit != commit:
        yield f"the {arm} is of another commit than {commit[:12]}"


def _evaluation(evaluation: Evaluation, prompts: Sequence[Prompt]) -> Iterator[str]:
    if prompts_digest(evaluation.prompts) != prompts_digest(prompts):
        yield "the arms answered other prompts than the base branch's"
        return
    known = {prompt.id for prompt in prompts}
    for name, arm in evaluation.arms.items():
        if name not in set(Arm) or arm.arm.value != name:
            yield "there is an arm that nobody asked for"
        elif strange := [i.prompt for i in (*arm.items, *arm.samples) if i.prompt not in known]:
            yield f"the {name} answered {len(strange)} prompts that nobody asked"
