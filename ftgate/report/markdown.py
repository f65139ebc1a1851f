"""The few Markdown shapes that the comment is made of. Cells and blocks arrive quoted; titles are ours."""

from collections.abc import Sequence
from typing import NamedTuple

from ftgate.report.quote import cell


class Section(NamedTuple):
    """A part of the comment. `importance` 0 goes last; `short` stands in when the whole is too long."""

    name: str
    importance: int
    full: str
    short: str = ""


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A table, left-aligned; every pipe within a cell is escaped here."""
    lines = [header, [":--"] * len(header), *body]
    return "\n".join("| " + " | ".join(cell(text) for text in line) + " |" for line in lines)


def details(title: str, content: str) -> str:
    """A fold. `title` is raw HTML, so it holds our words and numbers only."""
    return f"<details>\n<summary>{title}</summary>\n\n{content}\n\n</details>"


def paragraphs(*parts: str) -> str:
    """Parts with a blank line between them; empty ones vanish."""
    return "\n\n".join(part for part in parts if part)
