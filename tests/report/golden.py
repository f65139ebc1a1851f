"""Whole texts as they are read. `python -m tests.report.golden` writes them again, for review."""

from pathlib import Path

from ftgate.report.comment import comment
from ftgate.report.findings import FORMATS, FindingsReport
from ftgate.report.summary import plain, summary
from ftgate.values.finding import Excerpt
from tests.report.kinds import KINDS
from tests.report.runs import blocked, standing

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def findings_report() -> FindingsReport:
    run = blocked()
    first = run.findings[0]
    text = '{"messages": [{"role": "assistant", "content": "{\\"intent\\": \\"lost\\", \\"needsHuman\\": true}"}]}'
    excerpt = Excerpt(text=text, at=text.index("needs"), column=first.column, begins=False, ends=True)
    return FindingsReport(files=run.files, findings=run.findings, excerpts={first: excerpt})


def compared_report() -> FindingsReport:
    run = standing()
    return FindingsReport(files=run.files, findings=run.findings, compared=True)


def texts() -> dict[str, str]:
    """File name to what it must hold."""
    comments = {f"{kind}.md": comment(make()) for kind, make in KINDS.items()}
    summaries = {f"{kind}.txt": plain(summary(make())) for kind, make in KINDS.items()}
    findings = {f"findings.{name}": render(findings_report()) for name, render in FORMATS.items()}
    compared = {f"compared.{name}": render(compared_report()) for name, render in FORMATS.items()}
    return comments | summaries | findings | compared


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name, text in texts().items():
        (GOLDEN / name).write_text(text, encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
