"""What a maintainer types to accept a reason, ready to be copied."""

from ftgate.report.markdown import Section, details, paragraphs
from ftgate.report.quote import block
from ftgate.report.wording import is_hex
from ftgate.values.run import Run, VerdictOutcome
from ftgate.values.trust import LEAST_HEX, waivable

_MOST = 12


def waivable_section(run: Run) -> Section | None:
    """One line for each reason that blocks and may be waived; None where there is none."""
    if run.verdict is None or not is_hex(run.data_sha256):
        return None
    blocking = [
        r for r in run.verdict.reasons if r.decides in (VerdictOutcome.FAIL, VerdictOutcome.INCONCLUSIVE)
    ]
    ids = [reason.id for reason in blocking if waivable(reason.id)][:_MOST]
    if not ids:
        return None
    lines = "\n".join(f"/ftgate waive {id} {run.data_sha256[:LEAST_HEX]} because ..." for id in ids)
    said = (
        "A maintainer who did not open the pull request may comment one of these lines, with a reason. "
        "It holds for this data only, and stays in this comment."
    )
    return Section("waivers", 1, details("Accept it all the same", paragraphs(said, block(lines, 2000))))
