"""validate: every line of the training data of the head, against the base branch's declarations."""

from collections.abc import Iterable

from msgspec.structs import replace

from ftgate.checks import CHECKS, Checks
from ftgate.checks.base import Context
from ftgate.decide.data_diff import data_diff
from ftgate.decide.existing import demote_existing
from ftgate.ports import DataStream, Ports, Progress
from ftgate.stages.inputs import Dataset, Reserved, planned_settings, reserved, training_data
from ftgate.values.dataset import DataFile
from ftgate.values.finding import Finding, Severity
from ftgate.values.run import Run
from ftgate.values.settings import Settings

_RANKS = {name: rank for rank, name in enumerate(CHECKS, start=1)}


def validate(run: Run, ports: Ports) -> Run:
    """The run with files, findings (by place, worst first within a line) and the data diff."""
    settings, trusted = planned_settings(ports, run.plan), run.plan.merge_base
    kept = reserved(ports, run.plan.merge_base, settings)
    before = training_data(ports, run.plan.merge_base, settings, run.plan.settings_path, trusted)
    after = training_data(ports, run.plan.head, settings, run.plan.settings_path, trusted)
    context = declared(settings, kept)
    old = examine(before, Checks(context, settings.checks), ports.progress)
    new = examine(after, Checks(context, settings.checks), ports.progress)
    findings = demote_existing(new, after.examples, old, before.examples)
    return replace(run, files=after.files, findings=findings, diff=data_diff(before.examples, after.examples))


def declared(settings: Settings, kept: Reserved) -> Context:
    """What the checks may know of a repository with settings."""
    return Context(
        data=settings.data,
        behavior=settings.behavior,
        declared=True,
        output_schema=kept.output_schema,
        held_out=kept.held_out,
        prompts=kept.prompts,
    )


def examine(dataset: Dataset, checks: Checks, progress: Progress) -> tuple[Finding, ...]:
    """All findings about a dataset: the reader's and the checks'."""
    findings = [*dataset.findings]
    with progress.task("checking", len(dataset.examples)) as task:
        for example in dataset.examples:
            findings.extend(checks.see(example))
            task.advance()
    findings.extend(checks.finish())
    return tuple(sorted(findings, key=_order))


def sift(streams: Iterable[DataStream], checks: Checks) -> tuple[tuple[DataFile, ...], tuple[Finding, ...]]:
    """Files and findings of streams that are read once and not kept: memory does not grow with their size."""
    files: list[DataFile] = []
    findings: list[Finding] = []
    for stream in streams:
        for thing in stream.batches():
            findings.extend([thing] if isinstance(thing, Finding) else checks.see_all(thing))
        files.append(stream.file)
    findings.extend(checks.finish())
    return tuple(files), in_order(findings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By place, worst first within a line, then in the order of the checks."""
    return tuple(sorted(findings, key=_order))


def blocks(run: Run) -> bool:
    """Whether a finding forbids training: not a second is spent on data that is known to be wrong."""
    return any(finding.severity is Severity.ERROR for finding in run.findings)


def _order(finding: Finding) -> tuple[str, int, int, int, int]:
    return finding.path, finding.line, finding.severity.rank, finding.column, _RANKS.get(finding.check, 0)
