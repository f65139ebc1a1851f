"""Which findings a pull request brings, and which stood on the base branch before it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ftgate.values.finding import Finding, Severity
from ftgate.values.run import Rate
from ftgate.values.settings import Existing

_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")

_Key = tuple[str, str, str, str]


class Found(Struct, frozen=True, kw_only=True):
    """Findings of one commit. `contents` identifies lines by what they hold: path and line to a digest."""

    findings: Sequence[Finding]
    contents: Mapping[tuple[str, int], str]
    examples: int


def mark_existing(now: Found, before: Found, level: Existing) -> tuple[Finding, ...]:
    """The findings of `now`, those that `before` has too marked as existing, and under "warn" at most warnings.

    A finding is the same when the same check says it about a line with the same content, wherever it stands;
    about a whole file or dataset, when it is said in the same words, whatever the numbers. Each finding of
    `before` accounts for one of `now`: a second copy of a bad line is new.
    """
    keys = [_key(finding, now.contents) for finding in now.findings]
    known = [_key(finding, before.contents) for finding in before.findings]
    # A line that stayed in its file is matched before one that may have moved, so that the copy is the new one.
    here = Counter(zip(known, (finding.path for finding in before.findings), strict=True))
    anywhere = Counter(known)
    matched: set[int] = set()
    for index, (key, finding) in enumerate(zip(keys, now.findings, strict=True)):
        if here[key, finding.path] > 0:
            here[key, finding.path] -= 1
            anywhere[key] -= 1
            matched.add(index)
    for index, key in enumerate(keys):
        if index not in matched and anywhere[key] > 0:
            anywhere[key] -= 1
            matched.add(index)
    return tuple(
        _marked(finding, level) if index in matched else finding for index, finding in enumerate(now.findings)
    )


def _key(finding: Finding, contents: Mapping[tuple[str, int], str]) -> _Key:
    content = contents.get((finding.path, finding.line))
    if content is not None:
        # The message may name another line, which moves.
        return finding.check, content, finding.pointer, ""
    return finding.check, finding.path, finding.pointer, _NUMBER.sub("0", finding.message)


def _marked(finding: Finding, level: Existing) -> Finding:
    demoted = level == "warn" and finding.severity is Severity.ERROR
    severity = Severity.WARNING if demoted else finding.severity
    return replace(finding, severity=severity, existing=True)


def rates(now: Found, before: Found) -> tuple[Rate, ...]:
    """How often each check spoke on the merge base and on the head, in the order of first appearance."""
    was = Counter(finding.check for finding in before.findings)
    has = Counter(finding.check for finding in now.findings)
    new = Counter(finding.check for finding in now.findings if not finding.existing)
    return tuple(
        Rate(
            check=check,
            before=was[check],
            after=has[check],
            new=new[check],
            examples_before=before.examples,
            examples_after=now.examples,
        )
        for check in dict.fromkeys([*has, *was])
    )


def content_lines(findings: Iterable[Finding]) -> set[tuple[str, int]]:
    """The lines whose content tells whether a finding is new: all but whole files."""
    return {(finding.path, finding.line) for finding in findings if finding.line}
