"""Every kind of run by name."""

from collections.abc import Callable

from ftgate.values.run import Run
from tests.report import runs, trusted
from tests.report.hostile import hostile

KINDS: dict[str, Callable[[], Run]] = {
    "not_applicable": runs.not_applicable,
    "blocked": runs.blocked,
    "standing": runs.standing,
    "preflight_failed": runs.preflight_failed,
    "training_failed": runs.training_failed,
    "inconclusive": runs.inconclusive,
    "passed": runs.passed,
    "failed": runs.failed,
    "long_replies": runs.long_replies,
    "first": runs.first,
    "drifted": runs.drifted,
    "judged": runs.judged,
    "partial": runs.partial,
    "waived": trusted.waived,
    "partly_waived": trusted.partly_waived,
    "waits": trusted.waits,
    "hostile": hostile,
}
