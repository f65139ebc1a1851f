"""Words that some prompts share and others do not."""

import re
from collections import Counter
from collections.abc import Sequence

from ftgate.values.evaluation import Prompt

_WORD = re.compile(r"[^\W_]{3,}")
_WORDS = 5
_FUNCTION_WORDS = (
    r"and|are|but|can|did|does|for|from|had|has|have|her|him|his|how|its|not|our|she|that|the|them|they|this|was|were"
    r"|what|when|where|which|who|why|will|with|would|you|your"
)
_EVERYWHERE = frozenset(_FUNCTION_WORDS.split("|"))
"""Words of no subject: what prompts share is never one of these."""
_RARER = 0.2
"""Difference of shares from which a word is rarer elsewhere."""


class Words:
    """Which words the user turns of which prompts hold."""

    def __init__(self, prompts: Sequence[Prompt]) -> None:
        texts = {p.id: " ".join(m.content or "" for m in p.messages if m.role == "user") for p in prompts}
        self._said = {id: set(_WORD.findall(text[:5_000].casefold())) for id, text in texts.items()}
        self._all = Counter(word for said in self._said.values() for word in said)

    def shared(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Words of at least half of these prompts, by how much rarer they are in the others; of two or more prompts."""
        if len(ids) < 2:
            return ()
        inside = Counter(word for id in ids for word in self._said[id])
        others = max(len(self._said) - len(ids), 1)
        lift = {
            word: number / len(ids) - (self._all[word] - number) / others
            for word, number in inside.items()
            if 2 * number >= len(ids) and word not in _EVERYWHERE
        }
        rarer = [word for word, more in lift.items() if more >= _RARER]
        return tuple(sorted(rarer, key=lambda word: (-lift[word], word))[:_WORDS])
