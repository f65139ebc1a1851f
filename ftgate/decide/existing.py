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

_SHARE = re.compile(r"(?<![0-9.])([0-9]{1,9}(?:\.[0-9]{1,9})?)\s?%")
_MORE_IS_WORSE = frozenset(("diversity", "near-duplicate", "duplicate", "length", "fields"))
_FEWER_IS_WORSE = frozenset(("size", "review"))
_TOLERATED = 0.1
"""Share of a number by which it may change from one pull request to the next."""

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
    `before` accounts for one of `now`: a second copy of a bad line is new. What got worse is new too: a warning that
    is now an error, and an error about a dataset whose number went the wrong way by more than a tenth. Where
    the numbers differ otherwise, those of the base branch are told.
    """
    keys = [_key(finding, now.contents) for finding in now.findings]
    known = [_key(finding, before.contents) for finding in before.findings]
    # A line that stayed in its file is matched before one that may have moved, so that the copy is the new one.
    here = Counter(zip(known, (finding.path for finding in before.findings), strict=True))
    anywhere = Counter(known)
    matched: dict[int, Finding] = {}
    said = _by_key(known, before.findings)
    for index, (key, finding) in enumerate(zip(keys, now.findings, strict=True)):
        if here[key, finding.path] > 0:
            here[key, finding.path] -= 1
            anywhere[key] -= 1
            matched[index] = _taken(said[key], finding)
    for index, (key, finding) in enumerate(zip(keys, now.findings, strict=True)):
        if index not in matched and anywhere[key] > 0:
            anywhere[key] -= 1
            matched[index] = _taken(said[key], finding)
    return tuple(
        _marked(finding, matched[index], level) if index in matched else finding
        for index, finding in enumerate(now.findings)
    )


def _by_key(keys: Sequence[_Key], findings: Sequence[Finding]) -> dict[_Key, list[Finding]]:
    grouped: dict[_Key, list[Finding]] = {}
    for key, finding in zip(keys, findings, strict=True):
        grouped.setdefault(key, []).append(finding)
    return grouped


def _taken(candidates: list[Finding], finding: Finding) -> Finding:
    """The one that is most like the finding, so that none is compared with a milder one than it has."""
    best = max(
        candidates,
        key=lambda old: (old.message == finding.message, old.path == finding.path, -old.severity.rank),
    )
    candidates.remove(best)
    return best


def _key(finding: Finding, contents: Mapping[tuple[str, int], str]) -> _Key:
    content = contents.get((finding.path, finding.line))
    if content is not None:
        # The message may name another line, which moves.
        return finding.check, content, finding.pointer, ""
    return finding.check, finding.path, finding.pointer, _NUMBER.sub("0", finding.message)


def _marked(finding: Finding, old: Finding, level: Existing) -> Finding:
    if finding.severity.rank < old.severity.rank:
        return finding
    if not finding.line and finding.message != old.message:
        was = f"On the base branch: {', '.join(_NUMBER.findall(old.message))}."
        finding = replace(finding, message=f"{finding.message} {was}")
        if finding.severity is Severity.ERROR and _worse(finding.check, finding.message, old.message):
            return finding
    demoted = level == "warn" and finding.severity is Severity.ERROR
    severity = Severity.WARNING if demoted else finding.severity
    return replace(finding, severity=severity, existing=True)


def _worse(check: str, now: str, before: str) -> bool:
    """Whether the share, or the first number where none is named, went the wrong way by more than a tenth.

    Which way is wrong is known of few checks; of the others nothing is said to be worse.
    """
    has, was = _measure(now), _measure(before)
    if check in _MORE_IS_WORSE:
        return has > was * (1 + _TOLERATED)
    is_short = check in _FEWER_IS_WORSE and "more than" not in now and "too many" not in now
    return is_short and has < was * (1 - _TOLERATED)


def _measure(message: str) -> float:
    share = _SHARE.search(message)
    number = share[1] if share else next(iter(_NUMBER.findall(message)), "0")
    return float(number.replace(",", ""))


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
