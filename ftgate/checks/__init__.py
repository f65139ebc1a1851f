"""Examples in, findings out: one file per curation check. Checks never read files and never change an example."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from msgspec.structs import replace

from ftgate.checks.base import Check, Context, Merges, Remembers, SeesAll, UsesSameness
from ftgate.checks.contamination import Contamination
from ftgate.checks.contradiction import Contradiction
from ftgate.checks.diversity import Diversity
from ftgate.checks.duplicate import Duplicate
from ftgate.checks.fields import Fields
from ftgate.checks.held_out import HeldOut
from ftgate.checks.length import Length
from ftgate.checks.likeness import Likeness
from ftgate.checks.mixing import Mixing
from ftgate.checks.near_duplicate import NearDuplicate
from ftgate.checks.output import Output
from ftgate.checks.purpose import Purpose
from ftgate.checks.review import Review
from ftgate.checks.roles import Roles
from ftgate.checks.sameness import Sameness
from ftgate.checks.secrets import Secrets, hide_secrets
from ftgate.checks.size import Size
from ftgate.checks.system_prompt import SystemPrompt
from ftgate.checks.tool_calls import ToolCalls
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Severity
from ftgate.values.settings import Level

CHECKS: dict[str, Callable[[Context], Check]] = {  # order = order in the report
    "roles": Roles,
    "output": Output,
    "tool-calls": ToolCalls,
    "fields": Fields,
    "contradiction": Contradiction,
    "duplicate": Duplicate,
    "near-duplicate": NearDuplicate,
    "diversity": Diversity,
    "system-prompt": SystemPrompt,
    "held-out": HeldOut,
    "contamination": Contamination,
    "size": Size,
    "length": Length,
    "mixing": Mixing,
    "review": Review,
    "secrets": Secrets,
    "purpose": Purpose,
}

READER_CHECKS = ("encoding", "json", "format")
"""Ids of what the reader finds. They cannot be turned off: a line that cannot be read is never an example."""


class Checks:
    """Every enabled check, fed together. `levels` overrides severities by check id; "off" leaves a check out."""

    def __init__(self, context: Context, levels: Mapping[str, Level] | None = None) -> None:
        self._levels = dict(levels or {})
        context = replace(context, likeness=Likeness())  # fresh: a context may serve several datasets
        self._checks = {
            name: make(context) for name, make in CHECKS.items() if self._levels.get(name) != "off"
        }
        sameness = Sameness()
        for check in self._checks.values():
            if isinstance(check, UsesSameness):
                check.sameness = sameness  # one memory for all of them

    def see(self, example: Example) -> Iterator[Finding]:
        """Findings about one example, in the order of the checks."""
        return self.see_all(Batch.of((example,)))

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """Findings about many examples, check by check."""
        for name, check in self._checks.items():
            if isinstance(check, SeesAll):
                said: Iterable[Finding] = check.see_all(batch)
            else:
                said = chain.from_iterable(check.see(batch.example(row)) for row in range(len(batch)))
            for finding in said:
                yield self._levelled(name, finding)

    @property
    def can_merge(self) -> bool:
        """Whether every check may see the data in parts."""
        return all(isinstance(check, Merges) for check in self._checks.values())

    def remember_only(self) -> None:
        """For a part of the data: what is like something else is told once the parts are put together."""
        for check in self._checks.values():
            if isinstance(check, UsesSameness):
                check.sameness.remember_only()
            elif isinstance(check, Remembers):
                check.remember_only()

    def merge(self, later: "Checks", recall: Recall) -> Iterator[Finding]:
        """Findings that only the next part together with those before it shows. May raise Unmergeable."""
        for name, check in self._checks.items():
            assert isinstance(check, Merges)
            for finding in check.merge(later._checks[name], recall):
                yield self._levelled(name, finding)

    def finish(self) -> Iterator[Finding]:
        """Findings about the dataset, once every example was seen."""
        for name, check in self._checks.items():
            for finding in check.finish():
                yield self._levelled(name, finding)

    def _levelled(self, name: str, finding: Finding) -> Finding:
        level = self._levels.get(name)
        message = hide_secrets(finding.message)  # it may quote what it is about
        if level is None and message is finding.message:
            return finding
        return replace(finding, severity=Severity(level) if level else finding.severity, message=message)
