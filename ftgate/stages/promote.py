"""promote: on the default branch, what a run tested becomes the baseline, without training again."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from ftgate import __version__
from ftgate.decide.keys import prompts_digest
from ftgate.decide.promotion import Merged, Promotable, promotable, record
from ftgate.decide.relevance import relevance
from ftgate.errors import InputError
from ftgate.ports import Ports
from ftgate.stages.asking import Asking, questions
from ftgate.stages.evaluate import Evaluator
from ftgate.stages.inputs import Reserved, reserved, settings_at, training_data
from ftgate.stages.judging import Bench
from ftgate.stages.train import ArmTrainer
from ftgate.stages.verdict import invented
from ftgate.values.dataset import Example, dataset_digest
from ftgate.values.evaluation import Arm, ArmEvaluation, Evaluation
from ftgate.values.run import Run
from ftgate.values.settings import Settings

_NEXT = "the next gate run trains the baseline from the default branch"


class Push(Struct, frozen=True, kw_only=True):
    """What was pushed to the default branch. `base` is empty for its first push; `look` asks the store, which needs
    the base model and the training stack, and `train` trains what nobody has trained."""

    base: str
    head: str
    settings_path: str = "ftgate.yaml"
    pull_request: int | None = None
    look: bool = False
    train: bool = False


class Promoted(Struct, frozen=True, kw_only=True):
    """What was done, in sentences; `kept` when the data branch has a new record or line."""

    said: tuple[str, ...]
    kept: bool = False


def promote(push: Push, runs: Mapping[str, Run], ports: Ports) -> Promoted:
    """Keeps the record of the merged data where a run or the store has it. `runs` maps where each is to what it says.

    Raises SettingsError when the merged settings or reserved sets cannot be read, OutsideError when the data branch
    cannot be written.
    """
    head = ports.repository.commit(push.head)
    found = settings_at(ports, head, push.settings_path)
    if found is None:
        return _nothing(f"there is no {push.settings_path} at {head[:12]}")
    settings = found[0]
    before, said = _before(push.base, ports)
    if before and not _concerned(push, settings, (before, head), ports):
        return _nothing("neither the training data nor what judges it changed")
    examples = training_data(ports, head, settings, push.settings_path, head).examples
    if not examples:
        return _nothing("the default branch has no training data")
    kept = reserved(ports, head, settings)
    merged = Merged(
        commit=head,
        settings=settings,
        data_sha256=dataset_digest(examples),
        held_out_sha256=dataset_digest(kept.held_out),
        prompts_sha256=prompts_digest(questions(ports, kept, settings)),
        examples=len(examples),
        pull_request=push.pull_request,
    )
    for where, run in runs.items():
        tested = promotable(run, merged)
        if isinstance(tested, Promotable) and (wrong := next(invented(tested.evaluation), None)):
            tested = wrong.text
        if isinstance(tested, Promotable):
            done = _keep(tested, merged, f"{where} tested exactly what was merged", ports)
            return replace(done, said=(*said, *done.said))
        said.append(f"{where} is not used: {tested}.")
    if push.look or push.train:
        known = _asked(push, settings, kept, examples, ports)
        if isinstance(known, Promotable):
            how = "the store has what was merged" if known.training.reused else "trained here"
            done = _keep(known, merged, how, ports)
            return replace(done, said=(*said, *done.said))
        said.append(known)
    return Promoted(said=(*said, f"Nothing was promoted: {_NEXT}."))


def _nothing(why: str) -> Promoted:
    return Promoted(said=(f"Nothing to promote: {why}.",))


def _before(base: str, ports: Ports) -> tuple[str, list[str]]:
    """The commit before the push; empty, with a sentence, where a forced push or a shallow clone has lost it."""
    try:
        return (ports.repository.commit(base) if base else ""), []
    except InputError:
        return "", [f"The commit before the push ({base[:12]}) is not here: taken as if all had changed."]


def _concerned(push: Push, settings: Settings, commits: tuple[str, str], ports: Ports) -> bool:
    before, after = (
        {entry.path: f"{entry.mode} {entry.oid}" for entry in ports.repository.tree(commit)}
        for commit in commits
    )
    seen = relevance(settings, push.settings_path, before, after)
    return seen.applicable or bool(seen.protected)


def _keep(found: Promotable, merged: Merged, how: str, ports: Ports) -> Promoted:
    baseline, promotion = record(found, merged, __version__, ports.clock.now())
    kept = ports.baselines.keep(baseline, promotion)
    what = f"baseline {baseline.key[:12]} of {merged.commit[:12]} ({merged.examples} examples)"
    return Promoted(said=(f"{'Promoted' if kept else 'On record already'}: {what}; {how}.",), kept=kept)


def _asked(
    push: Push, settings: Settings, kept: Reserved, examples: tuple[Example, ...], ports: Ports
) -> Promotable | str:
    """What the store has or can be trained, or why there is nothing."""
    try:
        known = _known(settings, kept, examples, ports, train=push.train)
    except InputError as error:
        if push.train:
            raise
        # A hosted job has no training stack, and needs none: the store is a shortcut.
        return f"The store was not asked: {error.message}."
    return known or "The store has no training of the merged data with its answers."


def _known(
    settings: Settings, kept: Reserved, examples: tuple[Example, ...], ports: Ports, *, train: bool
) -> Promotable | None:
    """The training and its answers from the store; with `train`, made where the store lacks them."""
    base_model = ports.models.resolve(settings.base_model, settings.base_revision)
    trainer = ArmTrainer(ports, settings, base_model, kept.held_out)
    training = ports.store.find_training(trainer.key(examples))
    if training is not None:
        training = replace(training, reused=True)
    elif train:
        training = trainer.train(Arm.BASELINE, "", examples)
    if training is None or training.failure is not None:
        return None
    prompts = questions(ports, kept, settings)
    bench = Bench(ports.judge(settings), settings.judge, ports.salt, ports.progress)
    evaluator = Evaluator(Asking(ports, settings, base_model, prompts), bench)
    arms: dict[str, ArmEvaluation] = {}
    for arm, of in ((Arm.BASE, None), (Arm.CANDIDATE, training)):
        sha256 = of.adapter_sha256 if of else None
        answered = evaluator.evaluate(arm, of) if train else evaluator.known(arm, sha256)
        if answered is not None:
            arms[arm.value] = answered
    if Arm.CANDIDATE.value not in arms:
        return None
    arms, _ = evaluator.judged(arms)
    return Promotable(
        training=training, evaluation=Evaluation(prompts=prompts, arms=arms, measures=evaluator.measures())
    )
