"""No regular expression and nothing that uses one takes more than linear time, whatever it is given."""

import importlib
import io
import pkgutil
import re
import time
from collections.abc import Callable

import pytest

import ftgate
from ftgate.checks.grams import grams
from ftgate.checks.secrets import KINDS, find_secrets
from ftgate.edges.json_scan import scan_json
from ftgate.edges.jsonl import read_jsonl
from ftgate.edges.lines import brackets
from ftgate.report import quote

ROOMS = ("checks", "report", "edges", "cli", "graders", "decide", "values")
PIECES = (
    *(
        "a",
        "1",
        " ",
        "-",
        "_",
        ".",
        "@",
        "`",
        "\\",
        '"',
        "'",
        "{",
        "[",
        ":",
        "<",
        "\n",
        "\r",
        "\t",
        "é",
        "\ud800",
    ),
    *(
        "a_",
        "a.",
        "1 ",
        "1-",
        "1,",
        "(1)",
        "+1 ",
        "A1",
        "AB ",
        "a@",
        "a@b.",
        "a-b.",
        "`a",
        "``a",
        "\\u",
        "\\ud8",
    ),
    *(
        "/*",
        "://",
        "www.",
        "&lt;",
        "#1",
        "##[",
        "::",
        "\u200d",
        "a\u200c",
        "\r\n",
        "-1e",
        "0.",
        "NaN",
        '"a":',
        "[[",
    ),
    *("eyJ", "eyJa.", "AKIA", "ghp_", "github_pat_", "sk-", "xoxb-", "AIza", "hf_", "glpat-", "-----BEGIN "),
    *(
        "-----BEGIN A ",
        "GB12 ",
        "GB12AB",
        "4111 ",
        "4111-",
        "+49 ",
        "(123) ",
        "a%+@a-",
        "<b>",
        "<details>",
        "|",
        "~~",
    ),
    *(
        '"user","content":',
        '"user" ,',
        "of the ",
        "x y z ",
        "e1f2",
        "a1b2c3d",
        "mailto:",
        ":+a:",
        "![x](",
        "](",
        "_a",
    ),
)
LEAST = 0.02
"""Seconds from which growth is measured: below, noise is larger than the pattern."""
SMALLEST, LARGEST = 4_000, 64_000


def patterns() -> dict[str, re.Pattern[str] | re.Pattern[bytes]]:
    """Every pattern that a module of these rooms holds, and those of the secrets."""
    found: dict[str, re.Pattern[str] | re.Pattern[bytes]] = {
        f"secrets.{kind.name}.{number}": kind.pattern for number, kind in enumerate(KINDS)
    }
    for module in pkgutil.walk_packages(ftgate.__path__, "ftgate."):
        if module.name.split(".")[1] not in ROOMS:
            continue
        names = vars(importlib.import_module(module.name))
        found |= {f"{module.name}.{n}": value for n, value in names.items() if isinstance(value, re.Pattern)}
    return found


def adversary(piece: str, size: int) -> str:
    """One piece over and over, after a start and before an end that does not fit."""
    return '"' + piece * (size // len(piece)) + "!"


def seconds(act: Callable[[str], object], text: str) -> float:
    """The best of two: a busy machine only ever adds."""
    best = float("inf")
    for _ in range(2):
        started = time.process_time()
        act(text)
        best = min(best, time.process_time() - started)
        if best < LEAST / 4:
            break
    return best


def assert_linear(act: Callable[[str], object]) -> None:
    for piece in PIECES:
        size, taken = SMALLEST, seconds(act, adversary(piece, SMALLEST))
        while taken < LEAST and size < LARGEST:
            size *= 4
            taken = seconds(act, adversary(piece, size))
        if taken >= LEAST:
            again = seconds(act, adversary(piece, size * 4))
            assert again < taken * 10, (piece, size, taken, again)


@pytest.mark.parametrize("name", patterns())
def test_every_pattern_is_linear(name: str) -> None:
    pattern = patterns()[name]

    def scan(text: str) -> None:
        if isinstance(pattern.pattern, bytes):
            raw = text.encode("utf-8", "surrogatepass")
            for _ in pattern.finditer(raw):
                pass
        else:
            for _ in pattern.finditer(text):
                pass

    assert_linear(scan)


USERS: dict[str, Callable[[str], object]] = {
    "find_secrets": find_secrets,
    "visible": quote.visible,
    "terminal": quote.terminal,
    "code": lambda text: quote.code(text, len(text)),
    "block": lambda text: quote.block(text, len(text), lines=len(text)),
    "prose": lambda text: quote.prose(text, 20_000),
    "command_property": quote.command_property,
    "fit": lambda text: quote.fit(text, 80),
    "scan_json": scan_json,
    "brackets": lambda text: brackets(text.encode("utf-8", "surrogatepass")),
    "grams": lambda text: grams([text]),
    "reader": lambda text: list(read_jsonl("f", io.BytesIO(text.encode("utf-8", "surrogatepass")))),
}


@pytest.mark.parametrize("name", USERS)
def test_everything_that_quotes_or_searches_is_linear(name: str) -> None:
    assert_linear(USERS[name])
