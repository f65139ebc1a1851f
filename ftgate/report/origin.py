"""Where the run comes from: protected files, training curve, cost, provenance."""

import shlex
from collections.abc import Sequence

import msgspec

from ftgate.report.curve import chart, loss_lines, loss_table
from ftgate.report.markdown import Section, details, paragraphs, table
from ftgate.report.quote import block, code, prose
from ftgate.report.wording import count, duration, is_hex, join, short
from ftgate.values.evaluation import Arm
from ftgate.values.judging import JudgeRecord
from ftgate.values.run import Protected, Run
from ftgate.values.training import Recipe, Training

_PROTECTED = 10
_VERSIONS = 30
_STAGES = 12
_NOTHING = 1.0
"""Seconds; a stage below says nothing about cost."""


def protected_section(run: Run) -> Section | None:
    """Files that the gate read from the base branch although this pull request changes them."""
    if not run.plan.protected:
        return None
    lines = [_protected(file) for file in run.plan.protected[:_PROTECTED]]
    more = len(run.plan.protected) - len(lines)
    return Section(
        "protected files",
        6,
        paragraphs(
            "### Changed here, takes effect after merge",
            "The gate used the base branch's version of:",
            "\n".join([*lines, *([f"- and {count(more, 'more file')}"] if more else [])]),
        ),
    )


def _protected(file: Protected) -> str:
    return f"- {code(file.path, 120)} ({prose(file.role, 60)}): {prose(file.change, 60)}"


def training_section(run: Run) -> Section | None:
    """What training did: a failure, or the loss as sparkline and chart with a table folded."""
    candidate = run.candidate
    if candidate is None:
        return None
    said = _trained(candidate)
    if candidate.failure is not None:
        said = paragraphs(said, "No usable adapter:", block(candidate.failure, 600))
    lines = loss_lines(candidate.curve, "`")
    short = paragraphs("### Training", said, "<br>".join(lines))
    folded = details("Loss as a table", loss_table(candidate.curve)) if lines else ""
    return Section("loss curve", 3, paragraphs(short, chart(candidate.curve), folded), short)


def _trained(training: Training) -> str:
    recipe = training.recipe
    said = (
        f"{count(training.examples, 'example')}, {count(training.steps, 'step')}, "
        f"{recipe.method} r = {recipe.rank}, {duration(training.seconds)}"
    )
    dropped = f"; {count(training.dropped, 'example')} did not fit" if training.dropped else ""
    return said + dropped + ("; reused from an earlier run" if training.reused else "")


def cost_section(run: Run) -> Section | None:
    """Seconds per stage, tokens, and what reuse saved, in two lines."""
    parts = [f"{prose(stage, 30)} {spent}" for stage, spent in spent_seconds(run)]
    if run.cost.trained_tokens:
        parts.append(f"{count(run.cost.trained_tokens, 'token')} trained")
    if run.cost.judge_calls:
        parts.append(f"{count(run.cost.judge_calls, 'judge call')}")
    if not parts:
        return None
    return Section("cost", 4, "### Cost\n\n" + " · ".join(parts) + _reuse(run))


def spent_seconds(run: Run) -> list[tuple[str, str]]:
    """Time by stage, without the stages that took none worth naming."""
    spent = [(stage, seconds) for stage, seconds in run.cost.seconds.items() if not seconds < _NOTHING]
    return [(stage, duration(seconds)) for stage, seconds in spent[:_STAGES]]


def reused(run: Run) -> list[str]:
    """What this run took from earlier ones."""
    trainings = {Arm.BASELINE: run.baseline, Arm.CANDIDATE: run.candidate}
    adapters = [f"{arm.value} adapter" for arm, made in trainings.items() if made is not None and made.reused]
    arms = run.evaluation.arms if run.evaluation else {}
    return adapters + [f"{arm.value} grades" for arm in Arm if arm.value in arms and arms[arm.value].reused]


def _reuse(run: Run) -> str:
    if not (names := reused(run)):
        return ""
    saved = f", which saved {duration(run.cost.saved_seconds)}" if run.cost.saved_seconds else ""
    return f"<br>Reused: {join(names)}{saved}"


def rerun_command(base: str, head: str) -> str:
    """The command that does the same locally, quoted for a shell: a stored run may have been forged."""
    return f"ftgate run --repo . --base {shlex.quote(base)} --head {shlex.quote(head)} --out ftgate-out"


def provenance_section(run: Run) -> Section:
    """Everything that would be needed to do it again, folded."""
    body = [[name, text] for name, text in _facts(run) if text]
    versions = list(run.provenance.versions.items())[:_VERSIONS]
    return Section(
        "provenance",
        0,
        details(
            "Provenance, and how to run it again",
            paragraphs(
                block(rerun_command(run.plan.base, run.plan.head), 400),
                table(["what", "which"], body),
                recipe_table(run.recipe) if run.recipe and not run.preflight else "",
                "Versions: " + ", ".join(code(f"{n} {v}", 80) for n, v in versions) if versions else "",
            ),
        ),
    )


def _facts(run: Run) -> list[tuple[str, str]]:
    plan, provenance = run.plan, run.provenance
    model = provenance.base_model
    return [
        ("head", _id(plan.head)),
        ("merge base", _id(plan.merge_base)),
        ("settings", f"{code(plan.settings_path, 80)} {_id(plan.settings_sha256)}"),
        ("base model", f"{code(model.name, 80)} {_revision(model.revision)}" if model else ""),
        ("weights", _id(model.sha256) if model else ""),
        *_training("candidate", run.candidate),
        *_training("baseline", run.baseline),
        ("held-out set", _id(provenance.held_out_sha256)),
        ("prompts", _id(provenance.prompts_sha256)),
        ("generation", _generation(run)),
        *(("judge", _judge(record)) for record in provenance.judges[:6]),
        ("admitted", prose(run.admission.why, 200) if run.admission and run.admission.admitted else ""),
        ("ftgate", code(provenance.ftgate, 40)),
        ("made", code(provenance.created, 40)),
    ]


def _training(arm: str, training: Training | None) -> Sequence[tuple[str, str]]:
    if training is None:
        return ()
    return (
        (f"{arm} data", f"{_id(training.data_sha256)} at {_id(training.commit)}"),
        (f"{arm} adapter", _id(training.adapter_sha256)),
    )


def _generation(run: Run) -> str:
    return ", ".join(
        code(f"{name} {value}", 60) for name, value in list(run.provenance.generation.items())[:8]
    )


def _judge(record: JudgeRecord) -> str:
    can = record.capabilities
    bound = ", ".join([can.structure, *(name for name in ("temperature", "seed") if getattr(can, name))])
    named = f"{code(record.label, 80)} {code(record.served, 80) if record.served else ''}"
    return f"{named.rstrip()} {prose(bound, 60)} {_id(record.identity)}"


def _revision(revision: str) -> str:
    return _id(revision) if is_hex(revision) else code(revision, 40) if revision else ""


def _id(digest: str) -> str:
    return code(short(digest)) if digest else ""


def recipe_table(recipe: Recipe) -> str:
    """Every choice with its reason."""
    choices = msgspec.to_builtins(recipe)
    reasons = choices.pop("reasons")
    body = [
        [name, code(str(value), 40), prose(reasons.get(name, ""), 160)] for name, value in choices.items()
    ]
    return table(["recipe", "choice", "why"], body)
