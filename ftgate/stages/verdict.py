"""The verdict on another machine than the training: its run is hostile data until git says the same.

Plan, findings, rates and data diff are made anew from git. From the run come training and evaluation, and only when
they are about this head, this merge base, this data and these prompts. Waivers and admission come from GitHub alone.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ftgate.decide.baselines import unrecorded
from ftgate.decide.doubts import Known, doubts
from ftgate.decide.keys import prompts_digest
from ftgate.decide.preflight import readiness
from ftgate.decide.questions import training_sample
from ftgate.graders import grade
from ftgate.ports import Ports
from ftgate.stages.asking import questions
from ftgate.stages.decide import decide
from ftgate.stages.evaluate import recent
from ftgate.stages.inputs import planned_settings, reserved, training_data
from ftgate.stages.plan import plan
from ftgate.stages.preflight import pinned, promoted_template
from ftgate.stages.preview import preview
from ftgate.stages.validate import blocks, validate
from ftgate.values.dataset import Example, dataset_digest
from ftgate.values.evaluation import Evaluation
from ftgate.values.preflight import Facts
from ftgate.values.run import Request, Run
from ftgate.values.settings import Settings
from ftgate.values.trust import Admission, Doubt, Waiver

_EVIDENCE = ("recipe", "baseline", "candidate", "evaluation", "origin", "cost")
_JUDGED = ("judge", "not judge")


class Arrived(Struct, frozen=True, kw_only=True):
    """What the jobs before left: their run, or what is wrong with it, and their results by name."""

    run: Run | None = None
    problem: str = ""
    jobs: Mapping[str, str] = {}


class Said(Struct, frozen=True, kw_only=True):
    """What GitHub says about the pull request now; `head` is empty where nobody asked."""

    head: str = ""
    admission: Admission | None = None
    waivers: tuple[Waiver, ...] = ()


def verdict(request: Request, ports: Ports, arrived: Arrived, said: Said = Said()) -> Run:  # noqa: B008 - frozen
    """The run with its verdict. What cannot be believed is left out, and is a reason of its own."""
    trusted = replace(plan(request, ports), jobs=arrived.jobs, admission=said.admission, waivers=said.waivers)
    if not trusted.plan.applicable:
        return decide(replace(preview(trusted, ports), stages=("plan", "decide")))
    trusted = preview(validate(replace(trusted, stages=("plan", "validate")), ports), ports)
    found = list(_stale(trusted, said))
    if not blocks(trusted):
        known = _known(trusted, ports)
        found += _problems(trusted, arrived, known, ports)
        if arrived.run is not None and not found:
            trusted = replace(
                _with_evidence(trusted, arrived.run, known.settings, ports),
                history=recent(ports.baselines.ledger()),
            )
    done = replace(trusted, doubts=tuple(found), stages=(*trusted.stages, "decide"))
    return decide(done)


def _stale(trusted: Run, said: Said) -> Iterator[Doubt]:
    if said.head and said.head != trusted.plan.head:
        text = f"the head has moved from {trusted.plan.head[:12]} to {said.head[:12]}; its own run decides"
        yield Doubt(id="stale", text=text)


def _problems(trusted: Run, arrived: Arrived, known: Known, ports: Ports) -> list[Doubt]:
    if arrived.problem:
        return [Doubt(id="forged", text=f"what the jobs before left cannot be read: {arrived.problem}")]
    if arrived.run is None:
        return [Doubt(id="missing", text="no run arrived from the jobs before; their logs say why")]
    found = list(doubts(trusted, arrived.run, known))
    if not found and arrived.run.evaluation is not None:
        found += invented(arrived.run.evaluation)
    if not found and arrived.run.baseline is not None:
        record = ports.baselines.find(arrived.run.baseline.key).record
        if text := unrecorded(arrived.run, record):
            found.append(Doubt(id="forged", text=text))
    return found


def _known(trusted: Run, ports: Ports) -> Known:
    """Read from git here, as the trainer and the evaluator read it there."""
    settings, planned = planned_settings(ports, trusted.plan), trusted.plan
    kept = reserved(ports, planned.base, settings)

    def examples(commit: str) -> tuple[Example, ...]:
        return training_data(ports, commit, settings, planned.settings_path, planned.base).examples

    before, after = examples(planned.merge_base), examples(planned.head)
    return Known(
        settings=settings,
        before_sha256=dataset_digest(before) if before else None,
        after_sha256=dataset_digest(after) if after else None,
        held_out_sha256=dataset_digest(kept.held_out),
        prompts=questions(ports, kept, settings),
        after=len(after),
        sample=tuple(training_sample(after, kept.output_schema, settings)),
    )


def invented(evaluation: Evaluation) -> Iterator[Doubt]:
    """The first grade that is not so: every grader but the judge is a function of the completion."""
    prompts = {prompt.id: prompt for prompt in evaluation.prompts}
    items = {name: (*arm.items, *arm.samples) for name, arm in evaluation.arms.items()}
    if known := evaluation.known_already:
        prompts |= {prompt.id: prompt for prompt in known.prompts}
        items["base, of training examples,"] = known.items
    for name, said in items.items():
        for item in said:
            given = {g.grader: g.outcome for g in item.grades if g.grader not in _JUDGED}
            right = grade(prompts[item.prompt], item.completion) if item.prompt in prompts else ()
            expected = {g.grader: g.outcome for g in right if g.grader not in _JUDGED}
            missing = {g.grader for g in right} - {g.grader for g in item.grades}
            if item.prompt not in prompts or given != expected or missing:
                text = f"the grade of {item.prompt} for the {name} is not what its graders say"
                yield Doubt(id="forged", text=text)
                return


def _with_evidence(trusted: Run, arrived: Run, settings: Settings, ports: Ports) -> Run:
    """Of the preflight only the facts are believed: recipe, limits and estimates are those of the base branch."""
    kept = tuple(name for name in ("preflight", "train", "evaluate") if name in arrived.stages)
    asked = prompts_digest(arrived.evaluation.prompts) if arrived.evaluation else ""
    provenance = replace(arrived.provenance, ftgate=trusted.provenance.ftgate, prompts_sha256=asked)
    parts: dict[str, object] = {name: getattr(arrived, name) for name in _EVIDENCE}
    if arrived.preflight is not None:
        ready = readiness(_known_here(arrived.preflight.facts, trusted, settings, ports), settings.training)
        parts |= {"preflight": ready, "recipe": ready.recipe}
    return replace(trusted, stages=(*trusted.stages, *kept), provenance=provenance, **parts)


def _known_here(facts: Facts, trusted: Run, settings: Settings, ports: Ports) -> Facts:
    """The facts with all that this machine knows itself."""
    template, promoted = promoted_template(ports)
    return replace(
        facts,
        day=trusted.provenance.created[:10],
        pinned=pinned(settings),
        template_before=template,
        template_of=promoted,
    )
