"""Examples in, findings out: one file per curation check. Checks never read files and never change an example."""

from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from ftgate.checks.base import Check, Context
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
from ftgate.checks.secrets import Secrets
from ftgate.checks.size import Size
from ftgate.checks.system_prompt import SystemPrompt
from ftgate.checks.tool_calls import ToolCalls
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

    def see(self, example: Example) -> Iterator[Finding]:
        """Findings about one example, in the order of the checks."""
        for name, check in self._checks.items():
            for finding in check.see(example):
                yield self._levelled(name, finding)

    def finish(self) -> Iterator[Finding]:
        """Findings about the dataset, once every example was seen."""
        for name, check in self._checks.items():
            for finding in check.finish():
                yield self._levelled(name, finding)

    def _levelled(self, name: str, finding: Finding) -> Finding:
        level = self._levels.get(name)
        return finding if level is None else replace(finding, severity=Severity(level))
