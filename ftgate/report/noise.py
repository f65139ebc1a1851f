"""The table of a noise measurement: what a maintainer can trust, in lines for a terminal and a README."""

from collections.abc import Iterator

from ftgate.report.markdown import table
from ftgate.report.quote import code
from ftgate.values.noise import Level, Noise


def noise_table(noise: Noise) -> str:
    """Markdown: one line per reason that ever blocked, one column per revision, each a share of its pairs."""
    levels = (noise.same, *noise.others)
    reasons = list(dict.fromkeys(reason for level in levels for reason in level.by_reason))
    header = ["blocked by", *(f"{level.name} ({level.pairs:,} pairs)" for level in levels)]
    body = [
        ["**any reason**", *(f"**{_share(level.blocked, level)}**" for level in levels)],
        ["of these, fail", *(_share(level.failed, level) for level in levels)],
        *([code(id, 60), *(_share(level.by_reason.get(id, 0), level) for level in levels)] for id in reasons),
    ]
    return table(header, body)


def noise_summary(noise: Noise) -> Iterator[str]:
    """Sentences for a terminal."""
    same = noise.same
    yield (
        f"false alarms: {_share(same.blocked, same)} of {same.pairs:,} pairs of {len(noise.seeds)} seeds, "
        "nothing changed between them"
    )
    for other in noise.others:
        yield (
            f"{other.name}: blocked in {_share(other.blocked, other)} of {other.pairs:,} pairs "
            f"({other.candidates} trainings)"
        )


def _share(number: int, level: Level) -> str:
    return f"{100 * number / level.pairs:.1f} %" if level.pairs else "no pairs"
