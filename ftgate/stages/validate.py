"""validate: every line of the training data of the head, against the base branch's declarations."""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from ftgate.checks import Checks
from ftgate.checks.base import Context
from ftgate.checks.secrets import find_secrets
from ftgate.decide.data_diff import data_diff
from ftgate.decide.existing import Found, content_lines, mark_existing, rates
from ftgate.decide.waivers import unwaived_errors
from ftgate.ports import Ports, Progress
from ftgate.stages.inputs import Dataset, Reserved, planned_settings, reserved, reviews, training_data
from ftgate.stages.sift import homed, in_order
from ftgate.values.dataset import Example, data_digest
from ftgate.values.finding import Finding, Severity
from ftgate.values.review import Reviews
from ftgate.values.run import Run
from ftgate.values.settings import Settings
from ftgate.values.tokens import Meter

_COUNTED = 40_000
"""Examples of both sides together up to which tokens are counted; more are told in characters."""


def validate(run: Run, ports: Ports) -> Run:
    """The run with files, findings (by place, worst first within a line) and the data diff, where it is concerned."""
    if not run.plan.applicable:
        return run
    settings, trusted = planned_settings(ports, run.plan), run.plan.base
    kept = reserved(ports, trusted, settings)
    home = run.plan.settings_path
    before = training_data(ports, run.plan.merge_base, settings, home, trusted)
    after = training_data(ports, run.plan.head, settings, home, trusted)
    context = declared(settings, kept, reviews(ports, run.plan.head, settings), ports.meter(settings))
    old = _found(before, examine(before, Checks(context, settings.checks), ports.progress, home))
    new = _found(after, examine(after, Checks(context, settings.checks), ports.progress, home))
    marked = mark_existing(new, old, settings.policy.existing)
    return replace(
        run,
        files=after.files,
        findings=in_order(marked),
        rates=rates(replace(new, findings=marked), old),
        diff=data_diff(
            before.examples, after.examples, _shown, _tokens(context.meter, before, after, marked)
        ),
        data_sha256=data_digest(after.files),
    )


def _shown(text: str) -> str:
    """Text for a comment that everybody reads: none that may hold a secret."""
    return "(may hold a secret: not shown)" if find_secrets(text) else text


def _tokens(
    meter: Meter | None, before: Dataset, after: Dataset, findings: Iterable[Finding]
) -> Callable[[Example], int | None] | None:
    """Counts tokens where that takes no more time than is worth it: not of data that is not trained anyway."""
    large = len(before.examples) + len(after.examples) > _COUNTED
    if meter is None or large or any(finding.severity is Severity.ERROR for finding in findings):
        return None
    count = meter.count

    def tokens(example: Example) -> int | None:
        counted = count(example)
        return None if isinstance(counted, str) else counted.tokens

    return tokens


def _found(dataset: Dataset, findings: tuple[Finding, ...]) -> Found:
    """Findings with what identifies their lines: the meaning of an example, the bytes of any other line."""
    wanted = content_lines(findings)
    examples = {
        (e.place.path, e.place.line): e.digest
        for e in dataset.examples
        if (e.place.path, e.place.line) in wanted
    }
    return Found(findings=findings, contents={**dataset.refused, **examples}, examples=len(dataset.examples))


def declared(settings: Settings, kept: Reserved, read: Reviews, meter: Meter | None) -> Context:
    """What the checks may know of a repository with settings."""
    return Context(
        data=settings.data,
        behavior=settings.behavior,
        declared=True,
        output_schema=kept.output_schema,
        held_out=kept.held_out,
        prompts=kept.prompts,
        reviews=read,
        max_length=settings.training.max_length,
        meter=meter,
    )


def examine(dataset: Dataset, checks: Checks, progress: Progress, home: str) -> tuple[Finding, ...]:
    """All findings about a dataset: the reader's and the checks'. `home` is where one without files is declared."""
    findings = [*dataset.findings]
    with progress.task("checking", len(dataset.examples)) as task:
        for batch in dataset.batches:
            findings.extend(checks.see_all(batch))
            task.advance(len(batch))
    findings.extend(homed(checks.finish(), dataset.files, home))
    return in_order(findings)


def blocks(run: Run) -> bool:
    """Whether a finding forbids training: not a second is spent on data that is known to be wrong, and not waived."""
    return bool(unwaived_errors(run))
