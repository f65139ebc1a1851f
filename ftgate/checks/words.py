"""What texts are compared by when "the same" is too strict: normalised text, words, and shingles of words."""

import re
import unicodedata
from collections.abc import Sequence

# Operators stay: "2 + 3" and "2 - 3" are two questions.
_OPERATORS = frozenset("+-*/%=<>^~|&@#$\\")
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
LETTERS_FROM = 15
"""Characters per word from which a text is taken to have no spaces between words."""
_LETTERS = 5
MOST = 200_000
"""Characters by which a text is known; what is longer would fill the memory with shingles."""


class _Folding(dict[int, str]):
    """For str.translate: punctuation and white space become a space; every character is looked up once."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folds = char.isspace() or (unicodedata.category(char).startswith("P") and char not in _OPERATORS)
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
    spaced = folded(text)
    found = spaced.split()
    if min(len(text), MOST) > LETTERS_FROM * max(len(found), 1):
        return letters(spaced).split()
    return found


def folded(text: str) -> str:
    """As much of a text as it is known by; between its words stands nothing but spaces."""
    return text[:MOST].casefold().translate(_FOLDING)


def letters(spaced: str) -> str:
    """Every run of five letters of a folded text as a word."""
    joined = spaced.replace(" ", "")
    return " ".join([joined[i : i + _LETTERS] for i in range(max(len(joined) - _LETTERS + 1, 1))])


def shingles(found: Sequence[str], size: int) -> list[str]:
    """Every run of `size` words; the whole text where it has fewer."""
    if len(found) <= size:
        return [" ".join(found)] if found else []
    return list(map(" ".join, zip(*[found[i:] for i in range(size)], strict=False)))
