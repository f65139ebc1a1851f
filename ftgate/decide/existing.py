"""Which findings a pull request brings, and which stood on the base branch before it."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Severity

NOTE = "It stands on the base branch already, so it does not block this pull request."

_Key = tuple[str, str, str, str]


def demote_existing(
    findings: Sequence[Finding],
    examples: Iterable[Example],
    before: Iterable[Finding],
    examples_before: Iterable[Example],
) -> tuple[Finding, ...]:
    """The findings, with errors that the merge base yields too turned into warnings that say so.

    A finding is the same when the same check says it about the same example (by content, wherever it stands);
    about a line that is no example, or about a whole file or dataset, when it is said in the same words.
    """
    known = set(_keys(before, examples_before))
    return tuple(
        _demoted(finding) if finding.severity is Severity.ERROR and key in known else finding
        for finding, key in zip(findings, _keys(findings, examples), strict=True)
    )


def _keys(findings: Iterable[Finding], examples: Iterable[Example]) -> list[_Key]:
    digests = {(e.place.path, e.place.line): e.digest for e in examples}
    return [_key(finding, digests.get((finding.path, finding.line))) for finding in findings]


def _key(finding: Finding, digest: str | None) -> _Key:
    if digest is not None:
        return finding.check, digest, finding.pointer, ""
    return finding.check, finding.path, finding.pointer, finding.message


def _demoted(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.WARNING, advice=f"{NOTE} {finding.advice}".strip())
