"""What the settings of the pull request would say, apart from what counts."""

from ftgate.report.markdown import Section, details, paragraphs
from ftgate.report.quote import prose
from ftgate.report.results import file_tables
from ftgate.report.wording import count, severities
from ftgate.values.finding import Severity
from ftgate.values.run import Preview, Run

_PROBLEM = 300
_TITLE = "### Preview: what is changed here, once merged"


def preview_section(run: Run) -> Section | None:
    """Findings that only the changed settings, schemas or reserved sets would give. Folded: nothing follows from it."""
    if run.preview is None:
        return None
    if run.preview.problem:
        text = f"There is no preview: {prose(run.preview.problem, _PROBLEM)}"
        return Section("preview", 3, paragraphs(_TITLE, text))
    said = _said(run.preview)
    if not run.preview.findings:
        return Section("preview", 3, paragraphs(_TITLE, said))
    more = sum(run.preview.counts.values()) - len(run.preview.findings)
    left = f"… and {more:,} more" if more > 0 else ""
    listed = details("what would be found", paragraphs(file_tables(run.preview.findings), left))
    return Section("preview", 3, paragraphs(_TITLE, said, listed), paragraphs(_TITLE, said))


def _said(preview: Preview) -> str:
    levels = [level for level in Severity for _ in range(preview.counts.get(level.value, 0))]
    found = f"would say more: {severities(levels)}" if levels else "would say nothing new"
    gone = f", and {count(preview.gone, 'finding')} of today would not be there" if preview.gone else ""
    looked = f"{count(preview.examples, 'example')} in {count(preview.files, 'file')}"
    return f"Of {looked} they {found}{gone}. This decides nothing here."
