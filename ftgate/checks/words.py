"""What texts are compared by when "the same" is too strict: normalised text, words, and shingles of words."""

import re
import unicodedata
from collections.abc import Sequence

# Operators stay: "2 + 3" and "2 - 3" are two questions.
_OPERATORS = frozenset("+-*/%=<>^~|&@#$\\")
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_LONG_WORD = 15
"""Characters per word from which a text is taken to have no spaces between words."""
_LETTERS = 5
_MOST = 200_000
"""Characters by which a text is known; what is longer would fill the memory with shingles."""


class _Folding(dict[int, str]):
    """For str.translate: punctuation becomes a space; every character is looked up once."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folds = unicodedata.category(char).startswith("P") and char not in _OPERATORS
        self[code] = " " if folds else char
        return self[code]


_FOLDING = _Folding()


def normalised(text: str, *, hyphens: bool = False) -> str:
    """NFKC, case folded, punctuation and white space folded; a text of nothing else keeps it.

    Hyphens inside words are kept when asked for, else "top-up" is "top up".
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = " ".join((folded if hyphens else _HYPHEN.sub(" ", folded)).translate(_FOLDING).split())
    return bare or " ".join(folded.split())


def words(text: str) -> list[str]:
    """The words of a text, case and punctuation folded; runs of letters where words are not spaced."""
    text = text[:_MOST]
    found = text.casefold().translate(_FOLDING).split()
    if len(text) > _LONG_WORD * max(len(found), 1):
        joined = "".join(found)
        return [joined[i : i + _LETTERS] for i in range(max(len(joined) - _LETTERS + 1, 1))]
    return found


def shingles(found: Sequence[str], size: int) -> list[str]:
    """Every run of `size` words; the whole text where it has fewer."""
    if len(found) <= size:
        return [" ".join(found)] if found else []
    return list(map(" ".join, zip(*[found[i:] for i in range(size)], strict=False)))
