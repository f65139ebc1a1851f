"""Waivers: what a maintainer accepts of one state of the data. The reason stays listed and decides no more."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from ftgate.decide.rulings import Ruling, Rulings, warn
from ftgate.values.finding import Finding, Severity
from ftgate.values.run import Run, VerdictOutcome
from ftgate.values.trust import LEAST_HEX, Waiver, waivable

_SHOWN = 12
_BLOCKING = (VerdictOutcome.FAIL, VerdictOutcome.INCONCLUSIVE)


def standing(run: Run) -> Mapping[str, Waiver]:
    """The waivers that are for this run's data, by the reason that they name; the first of several."""
    found: dict[str, Waiver] = {}
    for waiver in run.waivers:
        if not _void(run, waiver):
            found.setdefault(waiver.reason, waiver)
    return found


def unwaived_errors(run: Run) -> list[Finding]:
    """The findings that forbid training."""
    accepted = standing(run)
    errors = [finding for finding in run.findings if finding.severity is Severity.ERROR]
    return [finding for finding in errors if f"findings.{finding.check}" not in accepted]


def waived(run: Run, rulings: Iterable[Ruling]) -> Rulings:
    """The rulings, waived ones marked, and then one more for every waiver that was given: all are told for ever."""
    accepted, used = standing(run), set()
    for ruling in rulings:
        reason = ruling.reason
        if reason.decides in _BLOCKING and reason.id in accepted:
            used.add(reason.id)
            yield Ruling(ruling.stage, replace(reason, decides=VerdictOutcome.WAIVED))
        else:
            yield ruling
    for waiver in run.waivers:
        yield _told(run, waiver, used)


def _told(run: Run, waiver: Waiver, used: set[str]) -> Ruling:
    void = _void(run, waiver) or ("" if waiver.reason in used else "nothing here asks for it")
    when = f" at {waiver.when}" if waiver.when else ""
    said = f"{waiver.by} ({waiver.permission.value}) waived {waiver.reason}{when}: {waiver.why}"
    if void:
        return warn("decide", "waiver.void", f"void, as {void}: {said}")
    return warn("decide", "waiver", said)


def _void(run: Run, waiver: Waiver) -> str:
    """Why a waiver has no effect; empty when it is for this data."""
    if not waivable(waiver.reason):
        return f"{waiver.reason} cannot be waived"
    if len(waiver.data) < LEAST_HEX or not run.data_sha256.startswith(waiver.data):
        return f"it is for the data {waiver.data[:_SHOWN]}, this is {run.data_sha256[:_SHOWN] or 'unknown'}"
    return ""
