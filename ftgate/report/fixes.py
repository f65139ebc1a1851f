"""What was mended, for a person and as a manifest."""

import json
from collections.abc import Iterator, Sequence

import msgspec

from ftgate.report.quote import terminal
from ftgate.report.wording import count, join
from ftgate.values.fix import Change, Fix, Mend

FIXES_SCHEMA = "ftgate.fixes/1"
_RANGES = 8
_WORDS = {
    Mend.BYTE_ORDER_MARK: "byte order mark removed",
    Mend.LINE_END: "CRLF turned into LF",
    Mend.FINAL_NEWLINE: "final newline added",
}


def fix_lines(fixes: Sequence[Fix], *, dry_run: bool) -> Iterator[str]:
    """A line for each file that changed or was left alone, else one that says that nothing had to."""
    told = [fix for fix in fixes if fix.left or fix.changes]
    for fix in told:
        if fix.left:
            yield f"left alone {terminal(fix.path)}: {terminal(fix.left)}"
        else:
            said = join([_change(change) for change in fix.changes])
            yield f"{'would fix' if dry_run else 'fixed'} {terminal(fix.path)}: {said}"
    if not told:
        yield f"nothing to fix in {count(len(fixes), 'file')}"


def manifest(fixes: Sequence[Fix], *, dry_run: bool) -> str:
    """JSON for programs: the contract `ftgate.fixes/1`, held by schemas/fixes.schema.json."""
    files = [msgspec.to_builtins(fix) for fix in fixes if fix.changes or fix.left]
    content = {"schema": FIXES_SCHEMA, "dry_run": dry_run, "files": files}
    return json.dumps(content, indent=2, ensure_ascii=True) + "\n"


def _change(change: Change) -> str:
    number = sum(last - first + 1 for first, last in change.lines)
    spans = [str(a) if a == b else f"{a}-{b}" for a, b in change.lines[:_RANGES]]
    more = f" and {len(change.lines) - _RANGES:,} more ranges" if len(change.lines) > _RANGES else ""
    return f"{_WORDS[change.what]} on {count(number, 'line')} ({', '.join(spans)}{more})"
