"""The comment as a terminal can show it: what GitHub folds is folded, tables are aligned, charts are left out."""

import re
from collections.abc import Iterator

from ftgate.report.quote import columns, fit

WIDTH = 110
_DETAILS = re.compile(r"<details>\n<summary>(.*?)</summary>.*?\n</details>", re.DOTALL)
_CHART = re.compile(r"```mermaid\n.*?\n```\n*", re.DOTALL)
_BOLD = re.compile(r"^\*\*(.*?)\*\*", re.MULTILINE)
_MARKER = re.compile(r"\A<!--.*?-->\n")
_ENTITIES = {"<br>": "\n", "&nbsp;": " ", "&lt;": "<", "&gt;": ">", "&#124;": "|", "&amp;": "&"}
_CELL = re.compile(r"(?<!\\)\|")


def folded(comment: str) -> str:
    """Plain text of a comment that this package rendered; no line is wider than WIDTH where a table is cut."""
    text = _CHART.sub("", _MARKER.sub("", comment))
    text = _BOLD.sub(r"\1", _unfold(text))
    for entity, plain in _ENTITIES.items():
        if entity != "&#124;":
            text = text.replace(entity, plain)
    lines = "\n".join(_aligned(text.splitlines())).replace("&#124;", "|")
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


def _unfold(text: str) -> str:
    """Innermost first, until nothing is left that folds."""
    while (folded := _DETAILS.sub(r"▸ \1", text)) != text:
        text = folded
    return text


def _aligned(lines: list[str]) -> Iterator[str]:
    table: list[list[str]] = []
    for line in [*lines, ""]:
        if line.startswith("|"):
            table.append([cell.strip() for cell in _CELL.split(line.strip("|"))])
            continue
        yield from _table(table)
        table = []
        yield line


def _table(cells: list[list[str]]) -> Iterator[str]:
    rows = [row for row in cells if not all(set(cell) <= set(":-") and cell for cell in row)]
    widths = [
        max(columns(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows), default=0))
    ]
    for row in rows:
        padded = [cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=False)]
        yield fit("  " + "  ".join(padded).rstrip(), WIDTH)
