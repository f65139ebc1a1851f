"""What the settings of the pull request would say of its data, were they in force: told, and never decided by.

Trust model, points 1 and 5: rules come from the base branch, so a pull request that changes them, or brings the first,
is judged without them, and shows what they will do. They are hostile until a person has merged them: read like any
document of the pull request, bounded in what they may make the gate read, and never trusted with a path outside.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from ftgate.checks import Checks
from ftgate.decide.relevance import select, training_paths
from ftgate.errors import InputError, SettingsError
from ftgate.ports import Ports, TreeEntry
from ftgate.stages.inputs import Dataset, planned_settings, reserved, reviews, settings_at, training_data
from ftgate.stages.validate import declared, examine
from ftgate.values.finding import Finding, Severity
from ftgate.values.run import Preview, Run
from ftgate.values.settings import Settings
from ftgate.values.tokens import Meter

MOST_BYTES, MOST_DOCUMENTS = 50_000_000, 1_000_000
"""Of data, and of what maintainers write, which takes longer to read."""
MOST_GLOBS, LONGEST_GLOB, MOST_STARS = 16, 200, 3
LONGEST_PATH = 255
LISTED = 100
_NOTE = 1000


def preview(run: Run, ports: Ports) -> Run:
    """The run with a preview, where it changes what the gate reads from the base branch."""
    if not run.plan.protected:
        return run
    try:
        made = _preview(run, ports)
    except (SettingsError, InputError) as error:
        made = Preview(problem=str(error)[:_NOTE])
    return replace(run, preview=made)


def _preview(run: Run, ports: Ports) -> Preview:
    plan = run.plan
    entries = {entry.path: entry for entry in ports.repository.tree(plan.head)}
    _small(entries, [plan.settings_path])
    found = settings_at(ports, plan.head, plan.settings_path)
    if found is None:
        return Preview(problem=f"{plan.settings_path} is gone: after the merge the gate has no settings")
    # What the head says never makes ftgate reach out: a large file that is not here stays a pointer.
    settings = replace(found[0], data=replace(found[0].data, lfs=False))
    _bounded(entries, settings, plan.settings_path)
    old = planned_settings(ports, plan) if plan.settings_sha256 else None
    meter = ports.meter(settings) if old and old.base_model == settings.base_model else None
    dataset, findings = _examined(ports, plan.head, plan.head, settings, plan.settings_path, meter)
    if not dataset.files and not dataset.findings:
        return Preview(problem=f"data.train matches no file: {', '.join(settings.data.train)}"[:_NOTE])
    known: Sequence[Finding] = run.findings
    if old and not plan.applicable:
        known = _examined(ports, plan.head, plan.base, old, plan.settings_path, ports.meter(old))[1]
    more = _without(findings, known)
    return Preview(
        files=len(dataset.files),
        examples=len(dataset.examples),
        counts={level.value: sum(f.severity is level for f in more) for level in Severity},
        gone=sum((Counter(map(_key, known)) - Counter(map(_key, findings))).values()),
        findings=tuple(sorted(more, key=lambda finding: finding.severity.rank)[:LISTED]),
    )


def _examined(
    ports: Ports, head: str, trusted: str, settings: Settings, home: str, meter: Meter | None
) -> tuple[Dataset, tuple[Finding, ...]]:
    """The data of the head, by the rules that stand in another commit."""
    dataset = training_data(ports, head, settings, home, trusted)
    kept = reserved(ports, trusted, settings)
    context = declared(settings, kept, reviews(ports, head, settings), meter)
    return dataset, examine(dataset, Checks(context, settings.checks), ports.progress, home)


def _without(findings: Sequence[Finding], known: Sequence[Finding]) -> list[Finding]:
    """Findings that are not among the known ones. What stands on the base branch has lost its severity, and is known
    by all else."""
    exact = Counter((_key(finding), finding.severity) for finding in known if not finding.existing)
    demoted = Counter(_key(finding) for finding in known if finding.existing)
    more = []
    for finding in findings:
        key = _key(finding)
        if exact[key, finding.severity] > 0:
            exact[key, finding.severity] -= 1
        elif demoted[key] > 0:
            demoted[key] -= 1
        else:
            more.append(finding)
    return more


def _key(finding: Finding) -> tuple[str, str, int, str, str]:
    return finding.check, finding.path, finding.line, finding.pointer, finding.message


def _bounded(entries: Mapping[str, TreeEntry], settings: Settings, home: str) -> None:
    """Raises SettingsError where a preview would cost more than it is worth."""
    data = settings.data
    globs = [*data.train, *data.held_out, *settings.regression]
    stars = max((glob.replace("**", "*").count("*") for glob in globs), default=0)
    if len(globs) > MOST_GLOBS or max(map(len, globs), default=0) > LONGEST_GLOB or stars > MOST_STARS:
        raise SettingsError("its globs are too many or too long for a preview")
    if max(map(len, entries), default=0) > LONGEST_PATH:
        raise SettingsError(f"a path of the pull request is longer than {LONGEST_PATH} characters")
    _small(
        entries, [*select(settings.regression, entries), data.output_schema or "", data.example_schema or ""]
    )
    _small(entries, {*training_paths(settings, home, entries), *select(data.held_out, entries)}, MOST_BYTES)


def _small(entries: Mapping[str, TreeEntry], paths: Iterable[str], most: int = MOST_DOCUMENTS) -> None:
    size = sum(entries[path].size for path in paths if path in entries)
    if size > most:
        raise SettingsError(f"it names {size / 1e6:,.1f} MB, of which a preview reads {most / 1e6:,.1f}")
