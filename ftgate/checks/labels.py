"""Outputs that are labels: which there are, and how many different prompts each of them has."""

from collections import Counter
from collections.abc import Iterable
from statistics import median

import xxhash
from msgspec import Struct

from ftgate.checks.likeness import Cluster
from ftgate.checks.places import Places
from ftgate.checks.rows import output_keys, user_texts
from ftgate.checks.secrets import find_secrets
from ftgate.values.batch import Batch
from ftgate.values.finding import Place
from ftgate.values.labels import LONGEST, MOST_LABELS, are_labels

FEW, FEW_SHARE = 5, 0.1
"""A label has very few prompts below this number, and below this share of the median label."""
ALIKE_LEAST, ALIKE_SHARE = 5, 0.5
"""Prompts of a label from which it is told that this share of them, or less, is really different."""


class _Label(Struct):
    name: str
    first: int
    examples: int = 0


class Poor(Struct, frozen=True):
    """A label that teaches little: what is wrong with its prompts."""

    place: Place
    text: str


class Labels:
    """Counts until there are too many different outputs, or one is too long, to be labels."""

    def __init__(self) -> None:
        self._labels: dict[int, _Label] = {}
        self._prompts: dict[int, int] = {}  # with the key of their output
        self._distinct: Counter[int] = Counter()
        self._places = Places()
        self._over = False

    def add_all(self, batch: Batch) -> None:
        """Notes the outputs of many examples, and their prompts when they are new ones."""
        if self._over:
            return
        keys = output_keys(batch)
        for row, (roles, texts, said) in enumerate(
            zip(batch.roles, batch.texts, user_texts(batch), strict=True)
        ):
            is_plain = roles is not None and roles[-1] == "assistant"
            text = texts[-1] if is_plain else batch.example(row).reference
            if text is not None and not self._add(keys[row], text, said, batch, row):
                self._give_up()
                return

    def merge(self, later: "Labels") -> None:
        """Adds what was noted of the next part."""
        known = {*self._labels, *later._labels}
        if self._over or later._over or len(known) > MOST_LABELS:
            self._give_up()
            return
        for key, label in later._labels.items():
            (kept,) = self._places.adopt(later._places, [label.first])
            self._labels.setdefault(key, _Label(label.name, kept)).examples += label.examples
        for prompt, key in later._prompts.items():
            self._note(prompt, key)

    def _add(self, key: int, text: str, said: str, batch: Batch, row: int) -> bool:
        """Whether the outputs may still be labels."""
        label = self._labels.get(key)
        if label is None:
            if len(text) > LONGEST or len(self._labels) == MOST_LABELS:
                return False
            label = self._labels[key] = _Label(_quote(text), self._places.keep(batch.place(row)))
        label.examples += 1
        self._note(xxhash.xxh3_64_intdigest(f"{key}\x1f{said}".encode("utf-8", "surrogatepass")), key)
        return True

    def _note(self, prompt: int, key: int) -> None:
        if prompt not in self._prompts:
            self._prompts[prompt] = key
            self._distinct[key] += 1

    def _give_up(self) -> None:
        self._over = True
        self._labels, self._prompts, self._distinct = {}, {}, Counter()

    def poor(self, clusters: Iterable[Cluster]) -> list[Poor]:
        """Labels with very few prompts, or with prompts that are almost the same; none where outputs are no labels."""
        total = sum(label.examples for label in self._labels.values())
        if not are_labels(len(self._labels), total):
            return []
        again: Counter[int] = Counter()
        for cluster in clusters:
            for key, count in Counter(cluster.outputs).items():
                again[key] += count - 1
        usual = median(self._distinct.values())
        found = []
        for key, label in self._labels.items():
            count = self._distinct[key]
            if count < FEW and count < FEW_SHARE * usual:
                text = f"The output {label.name} has {count} prompt(s); the median output has {usual:g}."
            elif count >= ALIKE_LEAST and count - again[key] <= ALIKE_SHARE * count:
                text = f"Of the {count} prompts with the output {label.name}, {count - again[key]} really differ."
            else:
                continue
            found.append(Poor(self._places.place(label.first), text))
        return found


def _quote(text: str) -> str:
    line = " ".join(text.split())
    if find_secrets(line):
        return "that is not shown here"
    return f'"{line}"' if len(line) <= 60 else f'"{line[:59]}…"'
