"""What every format renders, and the order in which all of them do."""

from msgspec import Struct

from ftgate.values.dataset import DataFile
from ftgate.values.finding import Finding


class FindingsReport(Struct, frozen=True, kw_only=True):
    """What was read, and what was found in it. A finding may name a file that could not be read at all."""

    files: tuple[DataFile, ...] = ()
    findings: tuple[Finding, ...] = ()

    def by_file(self) -> dict[str, list[Finding]]:
        """Findings by path in order of lines: files as they were read, then paths that only findings name."""
        grouped: dict[str, list[Finding]] = {file.path: [] for file in self.files}
        for finding in sorted(self.findings, key=lambda f: (f.line, f.severity.rank, f.column)):
            grouped.setdefault(finding.path, []).append(finding)
        return grouped
