"""Whole texts as they are read. `python -m tests.report.golden` writes them again, for review."""

from pathlib import Path

from ftgate.report.comment import comment
from ftgate.report.findings import FORMATS, FindingsReport
from ftgate.report.summary import plain, summary
from tests.report.kinds import KINDS
from tests.report.runs import blocked

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def findings_report() -> FindingsReport:
    run = blocked()
    return FindingsReport(files=run.files, findings=run.findings)


def texts() -> dict[str, str]:
    """File name to what it must hold."""
    comments = {f"{kind}.md": comment(make()) for kind, make in KINDS.items()}
    summaries = {f"{kind}.txt": plain(summary(make())) for kind, make in KINDS.items()}
    findings = {f"findings.{name}": render(findings_report()) for name, render in FORMATS.items()}
    return comments | summaries | findings


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name, text in texts().items():
        (GOLDEN / name).write_text(text, encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
