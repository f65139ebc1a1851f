"""Human reviews of generated examples: lines of a file in the repository, keyed by the content that was read."""

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct


class Review(Struct, frozen=True, kw_only=True):
    """One person's word on one content. An example that is edited has another digest, and so no review."""

    sha256: str
    by: str
    verdict: Literal["accepted", "rejected"] = "accepted"


class Reviews(Struct, frozen=True, kw_only=True):
    """The last word on every content, and the lines of the file that are no reviews."""

    path: str = ""
    records: tuple[Review, ...] = ()
    bad_lines: tuple[int, ...] = ()

    @property
    def last(self) -> dict[str, Review]:
        """By digest; a later line overrules an earlier one."""
        return {review.sha256: review for review in self.records}


def parse_reviews(path: str, content: bytes) -> Reviews:
    """Reads what can be read; blank lines do not count."""
    records: list[Review] = []
    bad: list[int] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            review = msgspec.json.decode(line, type=Review)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            bad.append(number)
            continue
        if review.by.strip():
            records.append(review)
        else:
            bad.append(number)
    return Reviews(path=path, records=tuple(records), bad_lines=tuple(bad))


def review_line(review: Review) -> bytes:
    """A review as a line of the file."""
    return msgspec.json.encode(review) + b"\n"


def is_from(source: str, tags: Iterable[str], named: Iterable[str]) -> bool:
    """Whether one of these sources or tags is named."""
    wanted = set(named)
    return source in wanted or any(tag in wanted for tag in tags)
