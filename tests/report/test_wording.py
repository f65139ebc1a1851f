import math

import pytest

from ftgate.report import wording
from ftgate.values.finding import Severity


@pytest.mark.parametrize(
    ("passed", "total", "text"),
    [
        (999, 1000, "999/1,000 · 99.9%"),
        (1999, 2000, "1,999/2,000 · 99.9%"),
        (3, 3, "3/3 · 100.0%"),
        (0, 0, "none"),
    ],
)
def test_rates_are_truncated(passed: int, total: int, text: str) -> None:
    assert wording.share(passed, total) == text


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (-0.0001, "−0.1"),
        (0.0999, "+9.9"),
        (0.29, "+29.0"),
        (0.0, "±0.0"),
        (None, "unknown"),
        (math.nan, "unknown"),
    ],
)
def test_changes_never_look_better_than_they_are(difference: float | None, text: str) -> None:
    assert wording.points(difference) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (843.2, "14 min 3 s"), (7500, "2 h 5 min"), (math.inf, "unknown")],
)
def test_durations(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


def test_words() -> None:
    assert wording.count(1, "error") == "1 error"
    assert wording.count(1200, "error") == "1,200 errors"
    assert [wording.join(list(names)) for names in ("", "a", "ab", "abc")] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert wording.ranges([9, 5, 6, 7, 3, 3]) == "3, 5\N{NON-BREAKING HYPHEN}7, 9"
    assert wording.short("@octocat") == "unknown"
    assert wording.severities([Severity.NOTICE, Severity.ERROR, Severity.ERROR]) == "2 errors, 1 notice"
