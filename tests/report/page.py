"""A rendered comment taken apart: its tags, its HTML comments, and its text outside code."""

import re
from html.parser import HTMLParser

from tests.report.render import to_html

TEMPLATE_TAGS = frozenset(
    {"h2", "h3", "p", "br", "strong", "em", "ul", "li", "code", "pre", "details", "summary"}
    | {"table", "thead", "tbody", "tr", "th", "td"}
)
ACTIVE = re.compile(
    r"@[\w-]|#\d|\bGH-\d|\b(?:https?|ftp):/|www\.|mailto:|:[a-z0-9_+-]+:|\$|\b[0-9a-f]{7,40}\b", re.IGNORECASE
)
"""What GitHub turns into mentions, references, links, emoji and formulas in text outside code."""


class Page(HTMLParser):
    """What a browser would see of a comment."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.comments: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(to_html(markdown))
        self.close()

    @property
    def prose(self) -> str:
        """All text outside code, piece by piece."""
        return "\n".join(self.words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if not {"code", "pre"} & set(self.open):
            self.words.append(data)


def assert_inert(markdown: str) -> Page:
    """Fails when anything but the template's own shapes came through."""
    page = Page(markdown)
    assert not page.open, f"left open: {page.open}"
    assert page.tags <= TEMPLATE_TAGS, page.tags - TEMPLATE_TAGS
    assert page.attributes <= {"align", "lang"}, page.attributes
    found = ACTIVE.search(page.prose)
    assert found is None, f"acts on GitHub: {page.prose[max(0, found.start() - 30) : found.end() + 30]!r}"
    return page
