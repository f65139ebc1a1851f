"""system-prompt: the same in training as at inference. The seed, curation 4 and pitfalls: the most common bug."""

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct

from ftgate.checks.base import Context, Unmergeable
from ftgate.checks.secrets import hide_secrets
from ftgate.checks.turns import system_text, text_key, turn_place
from ftgate.values.batch import Batch, Recall
from ftgate.values.dataset import Example
from ftgate.values.finding import Finding, Place, Severity, found

_LISTED = 5
_KEPT = 1000
_SHORT = 4000  # characters of a variant that is found again by its text


class _Variant(Struct):
    beginning: str
    place: Place
    count: int = 0


class SystemPrompt:
    """Declared: every example is compared with it. Undeclared: an inventory, with the first 1,000 variants named."""

    def __init__(self, context: Context) -> None:
        self._declared = context.data.system_prompt
        self._variants: dict[bytes, _Variant] = {}
        self._texts: dict[str, _Variant] = {}
        self._path = ""

    def see(self, example: Example) -> Iterator[Finding]:
        """Drift from the declared prompt."""
        self._path = self._path or example.place.path
        actual = system_text(example.messages)
        if self._declared is None:
            self._count(actual, example)
        elif actual != self._declared:
            with_system = bool(example.messages) and example.messages[0].role == "system"
            place = turn_place(example, 0) if with_system else example.place
            message = _difference(self._declared, actual)
            advice = "Use exactly the prompt that data.system_prompt declares: the one at inference."
            yield found("system-prompt", Severity.ERROR, place, message, advice)

    def see_all(self, batch: Batch) -> Iterator[Finding]:
        """The same for many examples."""
        self._path = self._path or batch.path
        known, declared, flat = self._texts, self._declared, batch.flat
        if all(roles and roles[0] == "system" for roles in set(batch.roles)):
            found = Counter([flat[begin] for begin in batch.begins])
            if found.keys() <= ({declared} if declared is not None else known.keys()):
                for actual, count in found.items() if declared is None else ():
                    known[actual].count += count
                return
        for row, (roles, begin) in enumerate(zip(batch.roles, batch.begins, strict=True)):
            if not roles or (roles[0] != "system" and "system" in roles):
                yield from self.see(batch.example(row))
                continue
            actual = flat[begin] if roles[0] == "system" else ""
            if declared is not None:
                if actual != declared:
                    yield from self.see(batch.example(row))
            elif actual in known:
                known[actual].count += 1
            else:
                self._count(actual, batch.example(row))

    def merge(self, later: "SystemPrompt", recall: Recall) -> Iterable[Finding]:
        """Adds, as long as all variants are known."""
        self._path = self._path or later._path
        for key, variant in later._variants.items():
            known = self._variants.setdefault(key, variant)
            if known is not variant:
                known.count += variant.count
        if max(len(self._variants), len(later._variants)) >= _KEPT:
            raise Unmergeable
        return ()

    def finish(self) -> Iterable[Finding]:
        """The inventory, when nothing is declared and there are several."""
        if len(self._variants) < 2:
            return
        ranked = sorted(self._variants.values(), key=lambda v: (-v.count, v.place.path, v.place.line))
        listed = "; ".join(
            f"{v.count} x {v.beginning} (first {v.place.path}:{v.place.line})" for v in ranked[:_LISTED]
        )
        more = f"; and {len(ranked) - _LISTED} more" if len(ranked) > _LISTED else ""
        several = f"{len(ranked)}" if len(ranked) < _KEPT else f"At least {_KEPT}"
        message = f"{several} different system prompts: {listed}{more}."
        advice = "Use one, the same as at inference, and declare it as data.system_prompt."
        yield found("system-prompt", Severity.WARNING, Place(path=self._path), message, advice)

    def _count(self, actual: str, example: Example) -> None:
        key = text_key(actual)
        variant = self._variants.get(key)
        if variant is None and len(self._variants) < _KEPT:
            variant = self._variants[key] = _Variant(_quote(actual) if actual else "none", example.place)
        if variant is not None:
            variant.count += 1
            if len(actual) <= _SHORT:
                self._texts[actual] = variant


def _difference(declared: str, actual: str) -> str:
    if not actual:
        return "The system prompt is missing."
    if not declared:
        return "There is a system prompt, and none is declared."
    if declared.split() == actual.split():
        return "The system prompt differs from the declared one in white space."
    same = next((i for i, (a, b) in enumerate(zip(declared, actual, strict=False)) if a != b), None)
    at = min(len(declared), len(actual)) if same is None else same
    wanted, got = _quote(declared[at:]), _quote(actual[at:])
    return f"The system prompt differs from the declared one at character {at + 1}: expected {wanted}, found {got}."


def _quote(text: str) -> str:
    line = " ".join(hide_secrets(text).split())
    return f'"{line}"' if len(line) <= 40 else f'"{line[:39]}…"'
