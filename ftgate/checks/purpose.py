"""purpose: one task, told in one sentence. The seed: what the tuned model does that the base does not, naming keys
and shapes."""

import re
from collections.abc import Iterable

from ftgate.checks.base import Context
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found

WORDS = 6
"""A sentence of fewer words says no shape."""
MOST_WORDS, MOST_SENTENCES = 80, 2
"""What is longer tells more than one task."""

_SHAPE = re.compile(
    r"\b(?:json|yaml|xml|html|csv|sql|markdown|regex|code|objects?|keys?|fields?|columns?|tables?|lists?|bullets?"
    r"|labels?|class(?:es)?|categor(?:y|ies)|tags?|numbers?|digits?|integers?|scores?|dates?|true|false|yes|no"
    r"|one of|words?|sentences?|paragraphs?|lines?|steps?|characters?|tokens?|headings?|titles?|format(?:ted)?"
    r"|names?|intents?|commands?|quer(?:y|ies)|translations?|translates?|e-?mails?|(?:snake|camel|kebab)[ _-]?case"
    r"|templates?|schemas?|functions?|tool calls?|urls?|ids?|tone|style|voice|language|summar(?:y|ies))\b",
    re.IGNORECASE,
)
_END = re.compile(r"[^\W\d]{2,}[.!?](?=\s|$)")


class Purpose:
    """Reads the behavior sentence of the settings; the examples do not matter."""

    def __init__(self, context: Context) -> None:
        self._declared = context.declared
        self._behavior = context.behavior.strip()
        self._path = ""

    def see(self, example: Example) -> Iterable[Finding]:
        """Notes the file to speak of."""
        self._path = self._path or example.place.path
        return ()

    def see_all(self, batch: Batch) -> Iterable[Finding]:
        """The same for many examples."""
        self._path = self._path or batch.path
        return ()

    def merge(self, later: "Purpose", recall: Recall) -> Iterable[Finding]:
        """Nothing but the file to speak of."""
        self._path = self._path or later._path
        return ()

    def finish(self) -> Iterable[Finding]:
        """A sentence that is missing or says too little."""
        if not self._declared or not (message := _complaint(self._behavior)):
            return
        advice = (
            "Write in one sentence what the tuned model does that the base does not, naming keys and shapes."
        )
        yield found("purpose", Severity.WARNING, Place(path=self._path), message, advice)


def _complaint(behavior: str) -> str:
    if not behavior:
        return "The settings have no behavior sentence."
    if (words := len(behavior.split())) < WORDS:
        return f"The behavior sentence has {words} word(s): too short to say what the output looks like."
    sentences = len(_END.findall(behavior))
    if words > MOST_WORDS or sentences > MOST_SENTENCES:
        return (
            f"The behavior sentence has {words} words in {max(sentences, 1)} sentence(s): more than one task."
        )
    return "" if _SHAPE.search(behavior) else "The behavior sentence does not say what the output looks like."
