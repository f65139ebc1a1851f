"""What every format renders, and the order in which all of them do."""

from collections.abc import Mapping

from msgspec import Struct

from ftgate.values.dataset import DataFile
from ftgate.values.finding import Excerpt, Finding


class FindingsReport(Struct, frozen=True, kw_only=True):
    """What was read, and what was found in it. A finding may name a file that could not be read at all.

    `compared`: the findings were held against those of a base branch. `excerpts` are for people: only text shows them.
    """

    files: tuple[DataFile, ...] = ()
    findings: tuple[Finding, ...] = ()
    compared: bool = False
    excerpts: Mapping[Finding, Excerpt] = {}

    def by_file(self) -> dict[str, list[Finding]]:
        """Findings by path in order of lines: files as they were read, then paths that only findings name."""
        grouped: dict[str, list[Finding]] = {file.path: [] for file in self.files}
        for finding in sorted(self.findings, key=lambda f: (f.line, f.severity.rank, f.column)):
            grouped.setdefault(finding.path, []).append(finding)
        return grouped
