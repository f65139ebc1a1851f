"""What the pull request does to the training data: examples, labels, system prompts, size, and samples to look at."""

from ftgate.report.markdown import Section, details, paragraphs, table
from ftgate.report.quote import code
from ftgate.report.wording import count, points, share
from ftgate.values.run import DataDiff, Distribution, Run, Sample, Shift

_SAMPLES = 5
_SHIFTS = 8


def diff_section(run: Run) -> Section | None:
    """Counts and shifts in a line each; distributions and samples folded."""
    diff = run.diff
    if diff is None:
        return None
    text = paragraphs("### Training data", "<br>".join(_lines(diff)))
    counts = {"added": diff.added, "removed": diff.removed, "changed": diff.changed}
    folds = [
        _distribution(diff.labels, diff, "Labels that moved most", "label"),
        _distribution(diff.systems, diff, "System prompts", "system prompt"),
        *(_samples(diff, name, number) for name, number in counts.items()),
    ]
    return Section("training data", 5, paragraphs(text, *folds), text)


def _lines(diff: DataDiff) -> list[str]:
    counts = {"added": diff.added, "removed": diff.removed, "changed": diff.changed}
    said = ", ".join(f"{number:,} {name}" for name, number in counts.items() if number)
    if diff.reprompted:
        said += f" ({diff.reprompted:,} of them only in what stands before the reply)"
    lines = [f"{diff.before:,} → {diff.after:,} examples: {said or 'none differs'}"]
    if diff.size is not None:
        change = diff.size.after - diff.size.before
        size = f"{diff.size.before:,} → {diff.size.after:,} {diff.size.unit}"
        lines.append(f"{size} ({change:+,})" if change else size)
    if diff.labels is not None:
        lines.append(_moved(diff.labels, diff, "label"))
    if diff.systems is not None and (diff.systems.shifts or diff.systems.after > 1):
        lines.append(_moved(diff.systems, diff, "system prompt"))
    return lines


def _moved(of: Distribution, diff: DataDiff, noun: str) -> str:
    """How many there are, and what moved most, in one line."""
    number = count(of.after, noun)
    said = number if of.before == of.after else f"{of.before:,} → {number}"
    if of.new:
        said += f", {count(of.new, 'example')} with one that was not there before"
    if of.moved is None or not of.shifts:
        return said
    top = of.shifts[0]
    was, has = (_rate(n, total) for n, total in ((top.before, diff.before), (top.after, diff.after)))
    return f"{said}; what moved most is {code(top.name, 80)}, {was} → {has}"


def _rate(number: int, total: int) -> str:
    """Truncated, as every rate is."""
    return share(number, total).rpartition(" ")[2] if total else "none"


def _distribution(of: Distribution | None, diff: DataDiff, title: str, noun: str) -> str:
    if of is None or len(of.shifts) < 2:
        return ""
    body = [_shift(shift, diff) for shift in of.shifts[:_SHIFTS]]
    return details(title, table([noun, "base branch", "here", "points"], body))


def _shift(shift: Shift, diff: DataDiff) -> list[str]:
    was = shift.before / diff.before if diff.before else 0.0
    has = shift.after / diff.after if diff.after else 0.0
    cells = (share(shift.before, diff.before), share(shift.after, diff.after))
    return [code(shift.name, 120), *cells, points(has - was)]


def _samples(diff: DataDiff, name: str, number: int) -> str:
    samples = list(diff.samples.get(name, ()))[:_SAMPLES]
    if not samples:
        return ""
    change = any(sample.before is not None for sample in samples)
    header = ["where", "prompt", "reply before", "reply now"] if change else ["where", "prompt", "reply"]
    body = [_sample(sample, change) for sample in samples]
    title = f"{len(samples)} of {number:,} {name}" if number > len(samples) else f"{number:,} {name}"
    return details(title, table(header, body))


def _sample(sample: Sample, change: bool) -> list[str]:
    before = [code(sample.before or "", 160)] if change else []
    return [code(sample.place, 80), code(sample.prompt, 160), *before, code(sample.reply, 160)]
